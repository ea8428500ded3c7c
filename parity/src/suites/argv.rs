//! Command lines: the same words are accepted, refused and explained in the same way (CLI sheet §1 to §3).
//!
//! The lines are data (`data/argv.toml`). Most are guarded by the name of a feature that does not exist: a line that
//! parses then ends right behind the parse, so that none of them opens a connection, starts a service or writes a file.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use super::help_text::HelpText;
use super::invoke::{self, Outcome};
use super::{Case, Filter, Sides};
use crate::snapshot::Facet;

/// What stands in front of guarded lines.
const GUARD: [&str; 2] = ["--enable", "nope"];
/// Exit code of a usage error.
const USAGE: i32 = 2;

/// Beginnings of messages that are the same on both sides; all others are each side's own words.
const FIXED: [&str; 8] = [
    "Error: Unknown feature flag",
    "Error: `--",
    "ERROR: `--",
    "Error: stdin is not a terminal",
    "Error: invalid remote address",
    "Error: Invalid override",
    "Error parsing -c overrides:",
    "Not logged in",
];

#[derive(Debug, Deserialize)]
struct Lines {
    group: Vec<Group>,
}

#[derive(Debug, Deserialize)]
struct Group {
    /// What the lines have in common.
    about: String,
    /// Whether the guard stands in front.
    guard: bool,
    lines: Vec<String>,
}

/// Runs the suite.
pub(crate) fn run(sides: &Sides, wanted: Filter<'_>) -> Result<Vec<Case>> {
    let cases = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("data/argv.toml"), wanted)?;
    let lists: Vec<_> = cases.iter().map(|(_, words)| words.clone()).collect();
    let outcomes = invoke::run_both(sides.both(), &lists, &sides.folder)?;
    let text = HelpText::new()?;
    Ok(cases
        .into_iter()
        .zip(outcomes)
        .map(|((name, _), [reference, ours])| Case { name, facets: facets(&text, &reference, &ours) })
        .collect())
}

/// Names and words of the wanted lines.
fn read(path: &Path, wanted: Filter<'_>) -> Result<Vec<(String, Vec<String>)>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let lines: Lines = toml::from_str(&text).with_context(|| format!("in {}", path.display()))?;
    let mut cases = Vec::new();
    for group in lines.group {
        for line in &group.lines {
            let name = format!("argv/{}/{line}", group.about);
            if !wanted(&name) {
                continue;
            }
            let words = shlex::split(line).with_context(|| format!("open quotes in {name}"))?;
            let guard = if group.guard { GUARD.as_slice() } else { &[] };
            cases.push((name, guard.iter().map(ToString::to_string).chain(words).collect()));
        }
    }
    Ok(cases)
}

fn facets(text: &HelpText, reference: &Outcome, ours: &Outcome) -> Vec<(Facet, Value, Value)> {
    [
        (Facet::Exit, exit as fn(&HelpText, &Outcome) -> Value),
        (Facet::Stdout, stdout),
        (Facet::Stderr, stderr),
    ]
    .map(|(facet, view)| (facet, view(text, reference), view(text, ours)))
    .into()
}

fn exit(_: &HelpText, outcome: &Outcome) -> Value {
    json!(outcome.code)
}

fn stdout(text: &HelpText, outcome: &Outcome) -> Value {
    match outcome.stdout.as_str() {
        "" => Value::Null,
        help if HelpText::is_help(help) => json!(text.structure(help)),
        version if outcome.code == Some(0) => json!(version.lines().collect::<Vec<_>>()),
        _ => json!("<text>"),
    }
}

fn stderr(text: &HelpText, outcome: &Outcome) -> Value {
    match outcome.stderr.as_str() {
        "" => Value::Null,
        help if HelpText::is_help(help) => json!(text.structure(help)),
        error if outcome.code == Some(USAGE) => json!(text.usage_error(error)),
        error if FIXED.iter().any(|fixed| error.starts_with(fixed)) => json!(error.trim_end()),
        _ => json!("<text>"),
    }
}
