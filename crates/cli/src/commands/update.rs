//! `quire update`: brings the program up to date.

use super::Outer;
use crate::exit::Exit;

/// Runs the command.
pub(crate) fn run(outer: &Outer) -> Exit {
    outer.not_there("update", "Install the new version the way this one was installed.")
}
