//! Threads run by the engine against a scripted model.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Helpers of tests fail by panicking.

mod agents;
mod goals;
mod preview;
mod world;
