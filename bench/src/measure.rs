//! What one run of a program costs.
//!
//! In comes an [`Order`], out comes a [`Cost`]. [`commission`] hands the order to a fresh small copy of this
//! program, whose only child is the program in question, so that the kernel's account of "all children" is the
//! account of that one run, grandchildren included.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use nix::sys::resource::{UsageWho, getrusage};
use serde::{Deserialize, Serialize};

/// A program to start.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    /// The whole environment.
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) folder: PathBuf,
}

/// What it cost.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Cost {
    pub(crate) wall_us: u64,
    /// User and system time, children included.
    pub(crate) cpu_us: u64,
    /// Peak resident memory of the largest process.
    pub(crate) memory_kib: u64,
}

/// Has an order carried out by a fresh process.
pub(crate) async fn commission(order: &Order) -> Result<Cost> {
    let output = tokio::process::Command::new(std::env::current_exe()?)
        .arg("measure-one")
        .arg(serde_json::to_string(order)?)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await?;
    ensure!(
        output.status.success(),
        "{} {}: {}",
        order.program.display(),
        order.arguments.join(" "),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    serde_json::from_slice(&output.stdout).context("the measuring process printed no cost")
}

/// Starts the program, waits for it and reads the account of this process's children.
pub(crate) fn carry_out(order: &Order) -> Result<Cost> {
    let log = order.folder.join("stderr.log");
    let start = Instant::now();
    let status = command(order, &log)?.status().context("cannot start the program")?;
    let wall = start.elapsed();
    ensure!(
        status.success(),
        "ended with {status}; last words: {}",
        last_words(&std::fs::read_to_string(&log).unwrap_or_default())
    );
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let micros = |time: nix::sys::time::TimeVal| time.tv_sec() * 1_000_000 + time.tv_usec();
    Ok(Cost {
        wall_us: u64::try_from(wall.as_micros())?,
        cpu_us: u64::try_from(micros(usage.user_time()) + micros(usage.system_time()))?,
        memory_kib: u64::try_from(usage.max_rss())?,
    })
}

fn command(order: &Order, log: &Path) -> Result<Command> {
    use std::os::unix::process::CommandExt;
    let mut command = Command::new(&order.program);
    command
        .arg0("codex")
        .args(&order.arguments)
        .env_clear()
        .envs(&order.environment)
        .current_dir(&order.folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(log)?);
    Ok(command)
}

fn last_words(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(3)..].join(" | ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(script: &str, folder: &Path) -> Order {
        Order {
            program: "/bin/sh".into(),
            arguments: vec!["-c".into(), script.into()],
            environment: BTreeMap::new(),
            folder: folder.to_owned(),
        }
    }

    #[test]
    fn failures_carry_the_last_words() {
        let folder = std::env::temp_dir();
        let error = carry_out(&order("echo first; echo oops >&2; exit 3", &folder)).unwrap_err();
        assert!(error.to_string().contains("oops"), "{error}");
        assert!(carry_out(&order("true", &folder)).unwrap().memory_kib > 0);
    }
}
