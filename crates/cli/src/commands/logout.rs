//! `quire logout`: forgets the stored credentials.

use super::Outer;
use crate::exit::Exit;

/// Runs the command.
pub(crate) fn run(outer: &Outer) -> Exit {
    outer.not_there("logout", "Delete `auth.json` in the home.")
}
