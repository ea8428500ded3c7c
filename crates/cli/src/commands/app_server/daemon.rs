//! `quire app-server daemon`: the app server in the background.

use clap::{Args, Subcommand};

/// Arguments of `app-server daemon`.
#[derive(Debug, Args)]
pub(crate) struct DaemonArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: DaemonCommand,
}

/// Commands below `app-server daemon`. Each answers with one line of JSON.
#[derive(Debug, Subcommand)]
pub(crate) enum DaemonCommand {
    /// Start it, and keep it up to date.
    Bootstrap(BootstrapArgs),
    /// Start it.
    Start,
    /// Stop it and start it again.
    Restart,
    /// Let other machines in.
    EnableRemoteControl,
    /// Keep other machines out.
    DisableRemoteControl,
    /// Stop it.
    Stop,
    /// Say which version runs.
    Version,
    /// Keep it up to date, in the foreground.
    #[command(hide = true)]
    PidUpdateLoop,
}

/// Arguments of `app-server daemon bootstrap`.
#[derive(Debug, Args)]
pub(crate) struct BootstrapArgs {
    /// Let other machines in.
    #[arg(long)]
    pub(crate) remote_control: bool,
}

impl DaemonCommand {
    /// The words for it, below `app-server`.
    pub(crate) const fn words(&self) -> &'static str {
        match self {
            Self::Bootstrap(_) => "daemon bootstrap",
            Self::Start => "daemon start",
            Self::Restart => "daemon restart",
            Self::EnableRemoteControl => "daemon enable-remote-control",
            Self::DisableRemoteControl => "daemon disable-remote-control",
            Self::Stop => "daemon stop",
            Self::Version => "daemon version",
            Self::PidUpdateLoop => "daemon pid-update-loop",
        }
    }
}
