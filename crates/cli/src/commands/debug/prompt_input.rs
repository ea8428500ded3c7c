//! `quire debug prompt-input`: the first input a model would be given.

use std::path::PathBuf;

use clap::Args;

use crate::commands::Outer;
use crate::exit::Exit;

/// Arguments of `debug prompt-input`.
#[derive(Debug, Args)]
pub(crate) struct PromptInputArgs {
    /// The person's words.
    #[arg(value_name = "PROMPT")]
    pub(crate) prompt: Option<String>,
    /// Pictures along with them. Takes every word up to the next option.
    #[arg(id = "image", short = 'i', long = "image", value_name = "FILE", num_args = 1.., value_delimiter = ',')]
    pub(crate) images: Vec<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(_: &PromptInputArgs, outer: &Outer) -> Exit {
    outer.not_there("debug prompt-input", "")
}
