//! Everything around the binary goes wrong in turn: streams, the provider, the disk, what it is started with, signals.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Helpers of tests fail by panicking.
#![cfg(unix)]

mod disk;
mod provider;
mod starts;
mod stops;
mod streams;
#[path = "../support/mod.rs"]
mod support;
mod torn;
