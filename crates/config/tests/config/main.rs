//! The behaviour of the crate as its users see it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Helpers of tests fail by panicking.

mod checks;
mod edits;
mod errors;
mod keys;
mod layers;
mod permission_profiles;
mod projects;
mod requirements;
mod schema;
mod settings;
mod world;
mod writes;
