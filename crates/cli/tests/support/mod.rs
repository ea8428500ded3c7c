//! What the end-to-end tests of failures share: the world of the `exec` tests, and ways to look at what a run left.
#![allow(dead_code, unreachable_pub, unused_imports)] // Each test file uses its own part.

#[path = "../exec/world.rs"]
mod world;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
pub use world::{LIMIT, Ran, World, call, files, finish, hang, run, say};

/// Every line of a rollout that can be read, in order.
pub fn stored(rollout: &Path) -> Vec<Value> {
    let text = String::from_utf8_lossy(&std::fs::read(rollout).unwrap()).into_owned();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// The payloads of one kind, in order.
pub fn payloads<'a>(lines: &'a [Value], kind: &'a str) -> impl Iterator<Item = &'a Value> {
    lines.iter().map(|line| &line["payload"]).filter(move |payload| payload["type"] == kind)
}

/// Every file, folder and link below a folder, files with what is in them.
pub fn tree(root: &Path) -> BTreeMap<String, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            found.insert(name, kind.is_file().then(|| std::fs::read(&path).unwrap()));
            if kind.is_dir() {
                folders.push(path);
            }
        }
    }
    found
}

/// Says on standard error why a test looks at nothing on this machine.
pub fn skip(test: &str, reason: &str) {
    eprintln!("skipped: {test}: {reason}");
}

/// Whether this program runs here with these arguments, and ends well.
pub fn works(program: &str, args: &[&str]) -> bool {
    let quiet = std::process::Stdio::null;
    let mut command = std::process::Command::new(program);
    command.args(args).stdin(quiet()).stdout(quiet()).stderr(quiet());
    command.status().is_ok_and(|status| status.success())
}
