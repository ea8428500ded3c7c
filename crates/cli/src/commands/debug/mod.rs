//! `quire debug`: looks behind the scenes.

pub(crate) mod models;
pub(crate) mod prompt_input;
pub(crate) mod send_message;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Outer;
use crate::exit::Exit;

/// Arguments of `debug`.
#[derive(Debug, Args)]
pub(crate) struct DebugArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: DebugCommand,
}

/// Commands below `debug`.
#[derive(Debug, Subcommand)]
pub(crate) enum DebugCommand {
    /// Print the catalog of models as JSON.
    Models(models::ModelsArgs),
    /// Try an app server out.
    AppServer(AppServerArgs),
    /// Print what the model would be given, as JSON.
    PromptInput(prompt_input::PromptInputArgs),
    /// Boil a trace bundle down.
    #[command(hide = true)]
    TraceReduce(TraceReduceArgs),
    /// Forget all memories.
    #[command(hide = true)]
    ClearMemories,
}

/// Arguments of `debug app-server`.
#[derive(Debug, Args)]
pub(crate) struct AppServerArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: AppServerCommand,
}

/// Commands below `debug app-server`.
#[derive(Debug, Subcommand)]
pub(crate) enum AppServerCommand {
    /// Start a thread, send it one message, print the traffic.
    #[command(name = "send-message-v2")]
    SendMessageV2(send_message::SendMessageArgs),
}

/// Arguments of `debug trace-reduce`.
#[derive(Debug, Args)]
pub(crate) struct TraceReduceArgs {
    /// Folder of the bundle.
    #[arg(value_name = "TRACE_BUNDLE")]
    pub(crate) trace_bundle: PathBuf,
    /// Where to write the result.
    #[arg(short = 'o', long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

impl DebugCommand {
    /// The word for it.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Models(_) => "models",
            Self::AppServer(_) => "app-server",
            Self::PromptInput(_) => "prompt-input",
            Self::TraceReduce(_) => "trace-reduce",
            Self::ClearMemories => "clear-memories",
        }
    }
}

/// Runs the command.
pub(crate) fn run(args: DebugArgs, outer: Outer) -> Exit {
    match args.command {
        DebugCommand::Models(args) => models::run(&args, &outer),
        DebugCommand::PromptInput(args) => prompt_input::run(&args, &outer),
        DebugCommand::AppServer(AppServerArgs { command: AppServerCommand::SendMessageV2(args) }) => {
            send_message::run(&args, &outer)
        }
        DebugCommand::TraceReduce(_) | DebugCommand::ClearMemories => {
            outer.not_there(&format!("debug {}", args.command.word()), "")
        }
    }
}
