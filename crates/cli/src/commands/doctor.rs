//! `quire doctor`: what is wrong with this machine, this home and this configuration.

use clap::Args;

use super::Outer;
use crate::exit::Exit;

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// The report as JSON, without secrets.
    #[arg(long)]
    pub(crate) json: bool,
    /// One line per check, no details.
    #[arg(long)]
    pub(crate) summary: bool,
    /// Long lists in full.
    #[arg(long)]
    pub(crate) all: bool,
    /// No colours.
    #[arg(long)]
    pub(crate) no_color: bool,
    /// Plain ASCII marks.
    #[arg(long)]
    pub(crate) ascii: bool,
}

/// Runs the command.
pub(crate) fn run(_: &DoctorArgs, outer: &Outer) -> Exit {
    outer.not_there("doctor", "")
}
