//! `quire review`: a review of the repository's changes, without a person.

use clap::Args;
use quire_exec::args::ReviewArgs;

use super::Outer;
use crate::exit::Exit;

/// Arguments of `review`.
#[derive(Debug, Args)]
pub(crate) struct ReviewCommandArgs {
    /// Refuse to start when the configuration holds keys this version does not know.
    #[arg(long)]
    pub(crate) strict_config: bool,
    /// What to review.
    #[command(flatten)]
    pub(crate) review: ReviewArgs,
}

/// Runs the command: the same as `exec review`.
pub(crate) fn run(args: ReviewCommandArgs, outer: Outer) -> Exit {
    let mut exec = quire_exec::args::ExecArgs {
        command: Some(quire_exec::args::ExecCommand::Review(args.review)),
        ..Default::default()
    };
    exec.shared.strict_config = args.strict_config;
    exec.shared.inherit(&outer.flags.shared);
    super::exec::run(exec, outer.overrides)
}
