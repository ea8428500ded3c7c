//! The binary's promises, end to end: `quire exec` against a scripted model.
// Helpers of tests fail by panicking, and nobody outside reads them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]
#![cfg(unix)]

mod helpers;
mod plain;
mod refusals;
mod resume;
mod stopping;
mod world;
