//! `quire sandbox`: any command, behind the sandbox the model's commands get.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use quire_config::ProfileName;

use super::Outer;
use crate::exit::Exit;

/// Arguments of `sandbox`.
#[derive(Debug, Args)]
pub(crate) struct SandboxArgs {
    /// The permission profile to enforce: a built-in one or one of the configuration.
    #[arg(long, value_name = "NAME")]
    pub(crate) permissions_profile: Option<String>,
    /// Lay NAME.config.toml of the home over the user's configuration.
    #[arg(id = "config_profile", short = 'p', long = "profile", value_name = "CONFIG_PROFILE")]
    pub(crate) profile: Option<ProfileName>,
    /// The folder to run in.
    #[arg(short = 'C', long = "cd", value_name = "DIR", requires = "permissions_profile")]
    pub(crate) cd: Option<PathBuf>,
    /// Apply what the administrator requires as well.
    #[arg(long, requires = "permissions_profile")]
    pub(crate) include_managed_config: bool,
    /// The command and its arguments.
    #[arg(value_name = "COMMAND", trailing_var_arg = true)]
    pub(crate) command: Vec<OsString>,
}

/// Runs the command.
pub(crate) fn run(_: &SandboxArgs, outer: &Outer) -> Exit {
    outer.not_there("sandbox", "")
}
