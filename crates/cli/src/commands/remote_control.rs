//! `quire remote-control`: a background app server that other machines can reach.

use clap::{Args, Subcommand};

use super::Outer;
use crate::exit::Exit;

/// Arguments of `remote-control`.
#[derive(Debug, Args)]
pub(crate) struct RemoteControlArgs {
    /// Answer in JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// What to do. Left out: run it in the foreground.
    #[command(subcommand)]
    pub(crate) command: Option<RemoteControlCommand>,
}

/// Commands below `remote-control`.
#[derive(Debug, Subcommand)]
pub(crate) enum RemoteControlCommand {
    /// Start it in the background.
    Start(AnswerArgs),
    /// Stop it.
    Stop(AnswerArgs),
}

/// How the commands answer.
#[derive(Debug, Args)]
pub(crate) struct AnswerArgs {
    /// Answer in JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

impl RemoteControlArgs {
    /// The command as typed.
    pub(crate) const fn words(&self) -> &'static str {
        match self.command {
            None => "remote-control",
            Some(RemoteControlCommand::Start(_)) => "remote-control start",
            Some(RemoteControlCommand::Stop(_)) => "remote-control stop",
        }
    }
}

/// Runs the command.
pub(crate) fn run(args: &RemoteControlArgs, outer: &Outer) -> Exit {
    outer.not_there(args.words(), "")
}
