//! Commands that do one small thing and end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Helpers of tests fail by panicking.
#![cfg(unix)]

mod alone;
mod config;
mod debug;
mod doctor;
mod features;
mod login;
#[path = "../support/mod.rs"]
mod support;
