//! `quire cloud`: tasks that run elsewhere.

use clap::{Args, Subcommand};

use super::Outer;
use crate::exit::Exit;

/// Arguments of `cloud`.
#[derive(Debug, Args)]
pub(crate) struct CloudArgs {
    /// What to do. Left out: browse the tasks.
    #[command(subcommand)]
    pub(crate) command: Option<CloudCommand>,
}

/// Commands below `cloud`.
#[derive(Debug, Subcommand)]
pub(crate) enum CloudCommand {
    /// Start a task.
    Exec(ExecArgs),
    /// Say how a task is doing.
    Status(StatusArgs),
    /// List tasks.
    List(ListArgs),
    /// Apply the change of a task to the working tree.
    Apply(AttemptArgs),
    /// Print the change of a task.
    Diff(AttemptArgs),
}

/// Arguments of `cloud exec`.
#[derive(Debug, Args)]
pub(crate) struct ExecArgs {
    /// What to do. `-` or nothing: read it from standard input.
    #[arg(value_name = "QUERY")]
    pub(crate) query: Option<String>,
    /// The environment to run in.
    #[arg(long = "env", value_name = "ENV_ID")]
    pub(crate) environment: String,
    /// How many attempts to make, 1 to 4.
    #[arg(long, value_name = "ATTEMPTS", default_value_t = 1, value_parser = attempts)]
    pub(crate) attempts: usize,
    /// The branch to start from. Left out: the current one.
    #[arg(long, value_name = "BRANCH")]
    pub(crate) branch: Option<String>,
}

/// Arguments of `cloud status`.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// The task.
    #[arg(value_name = "TASK_ID")]
    pub(crate) task_id: String,
}

/// Arguments of `cloud list`.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only tasks of this environment.
    #[arg(long = "env", value_name = "ENV_ID")]
    pub(crate) environment: Option<String>,
    /// How many, 1 to 20.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(i64).range(1..=20))]
    pub(crate) limit: i64,
    /// Go on where an earlier list ended.
    #[arg(long, value_name = "CURSOR")]
    pub(crate) cursor: Option<String>,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `cloud apply` and `cloud diff`.
#[derive(Debug, Args)]
pub(crate) struct AttemptArgs {
    /// The task.
    #[arg(value_name = "TASK_ID")]
    pub(crate) task_id: String,
    /// Which attempt, counted from 1.
    #[arg(long, value_name = "N", value_parser = attempts)]
    pub(crate) attempt: Option<usize>,
}

/// Reads a number from 1 to 4.
fn attempts(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=4) => Ok(count),
        _ => Err("give a number from 1 to 4".to_owned()),
    }
}

/// Runs the command.
pub(crate) fn run(args: &CloudArgs, outer: &Outer) -> Exit {
    let words = match args.command {
        None => "cloud",
        Some(CloudCommand::Exec(_)) => "cloud exec",
        Some(CloudCommand::Status(_)) => "cloud status",
        Some(CloudCommand::List(_)) => "cloud list",
        Some(CloudCommand::Apply(_)) => "cloud apply",
        Some(CloudCommand::Diff(_)) => "cloud diff",
    };
    outer.not_there(words, "")
}
