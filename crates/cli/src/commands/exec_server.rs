//! `quire exec-server`: commands and files of this machine for an agent elsewhere.

use clap::Args;

use super::Outer;
use crate::exit::Exit;

/// Arguments of `exec-server`.
#[derive(Debug, Args)]
pub(crate) struct ExecServerArgs {
    /// Refuse to start when the configuration holds keys this version does not know.
    #[arg(long)]
    pub(crate) strict_config: bool,
    /// Where to listen: ws://IP:PORT (default ws://127.0.0.1:0), stdio or stdio://.
    #[arg(long, value_name = "URL", conflicts_with = "server_remote")]
    pub(crate) listen: Option<String>,
    /// Do not listen; register with this service.
    #[arg(id = "server_remote", long = "remote", value_name = "URL", requires = "environment_id")]
    pub(crate) remote: Option<String>,
    /// The environment to register as.
    #[arg(long, value_name = "ID")]
    pub(crate) environment_id: Option<String>,
    /// A name people can read.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Sign in to the service with the agent identity.
    #[arg(long, requires = "server_remote")]
    pub(crate) use_agent_identity_auth: bool,
}

/// Runs the command.
pub(crate) fn run(_: &ExecServerArgs, outer: &Outer) -> Exit {
    outer.not_there("exec-server", "")
}
