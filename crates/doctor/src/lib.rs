//! Doctor: what could keep this installation from working, and how to mend it.
//!
//! In come a [`Host`] (the environment, the streams, the clock: all values) and what became of loading the config; out
//! goes a [`Report`], which [`json`] and [`text`] show. A check is one file in `checks/`, registered by one line there.
//! Ids, categories and detail keys are the reference's (CLI sheet §6); checks of our own begin with `quire.`.
//!
//! What a newcomer would get wrong: without [`Network::Allowed`] nothing here opens a connection that leaves the
//! machine, and no check may create a file in the home, not even a database's side file.

mod access;
mod auth_file;
mod checks;
mod context;
#[cfg(unix)]
mod control;
mod host;
mod http;
mod install;
mod json;
mod mcp_servers;
mod os_release;
mod program;
mod redact;
mod report;
mod rollouts;
mod sqlite;
mod text;

use std::time::Instant;

use quire_config::{Config, ConfigError};

pub use host::{Host, Network, Streams};
pub use json::json;
pub use report::{CheckReport, Detail, Issue, Report, Status};
pub use text::{Length, Style, text};

use context::Context;

/// Why no check could run.
#[derive(Debug, thiserror::Error)]
pub enum DoctorError {
    /// The runtime that bounds programs and probes in time could not be made.
    #[error(
        "cannot start the runtime that bounds the checks in time: {0}; raise the limit of open files or processes"
    )]
    Runtime(std::io::Error),
}

/// Runs every check that can run with this config, in the order of the report.
///
/// Blocks, on a small runtime of its own: call it outside of any runtime. `progress` hears the label of each check
/// before it runs.
pub fn run(
    host: &Host,
    config: &Result<Config, ConfigError>,
    network: Network,
    mut progress: impl FnMut(&str),
) -> Result<Report, DoctorError> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(DoctorError::Runtime)?;
    let context = Context { host, config: config.as_ref(), network, runtime: &runtime };
    let mut reports = Vec::new();
    for check in checks::ALL {
        if !check.run.applies(&context) {
            continue;
        }
        progress(check.label);
        let start = Instant::now();
        if let Some(outcome) = check.run.outcome(&context) {
            reports.push(CheckReport::new(check.id, check.category, outcome, start.elapsed()));
        }
    }
    Ok(Report {
        generated_at: host.now,
        program: host.program.clone(),
        version: host.version.clone(),
        checks: reports,
    })
}

/// `linux-x86_64`.
fn platform() -> String {
    format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH)
}
