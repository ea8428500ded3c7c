//! What a permission profile forbids, the operating system enforces.
//!
//! In comes a [`PermissionProfile`](quire_protocol::PermissionProfile) and a command; out goes either the command
//! unchanged (nothing is forbidden) or the command behind the sandbox helper ([`SandboxCommand`]). The helper is this
//! same executable under the name [`HELPER_ARG0`]: it builds the sandbox in its own process ([`helper_main`]) and then
//! becomes, or watches over, the command.
//!
//! A newcomer's trap: everything fails closed. A rule that cannot be enforced on this machine is an error and the
//! command does not run; no rule is ever left out to make a command work.

#[cfg(target_os = "linux")]
mod access;
mod command;
mod denial;
mod error;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(target_os = "windows")]
mod windows;

pub use command::{HELPER_ARG0, SandboxCommand};
pub use denial::denied;
pub use error::SandboxError;
#[cfg(target_os = "linux")]
pub use linux::helper_main;
#[cfg(target_os = "macos")]
pub use macos::helper_main;
#[cfg(target_os = "windows")]
pub use windows::helper_main;
