//! `quire archive` and `quire unarchive`: sessions out of sight, and back.

use clap::Args;
use quire_exec::args::SharedArgs;

use super::Outer;
use super::interactive::RemoteArgs;
use crate::exit::Exit;

/// Arguments of both commands.
#[derive(Debug, Args)]
pub(crate) struct ArchiveArgs {
    /// Id or name of the session.
    #[arg(value_name = "SESSION")]
    pub(crate) target: String,
    /// An app server that does it.
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
    /// Flags of a session; most have no effect here.
    #[command(flatten)]
    pub(crate) shared: SharedArgs,
    /// Override one configuration value for this run: a dotted key and a TOML value (or plain text).
    #[arg(
        id = "config",
        short = 'c',
        long = "config",
        value_name = "key=value",
        global = true,
        display_order = 101
    )]
    pub(crate) config: Vec<String>,
}

/// Runs `archive` or `unarchive`.
pub(crate) fn run(mut args: ArchiveArgs, outer: &Outer, command: &str) -> Exit {
    args.remote.inherit(&outer.flags.remote);
    args.shared.inherit(&outer.flags.shared);
    match args.remote.check(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty())) {
        Ok(_) => outer.not_there(
            command,
            "Move the session file between `sessions/` and `archived_sessions/` of the home.",
        ),
        Err(error) => Exit::error(error),
    }
}
