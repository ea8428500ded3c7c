//! Commands that print something small and end: what they say, how they end, what they leave in the home.
//!
//! Each case is a home and a command line; beside those of `data/commands.toml` there is one per feature flag, which is
//! switched over in the file. What surprises newcomers: homes lie at the same path for both sides, one after the other, so
//! paths in messages are equal too.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::invoke::{self, Outcome};
use super::{Case, Filter, Sides, Suite};
use crate::snapshot::Facet;

pub(crate) const SUITE: Suite =
    Suite { name: "commands", about: "features, login, logout, debug: output, exit, files", run };

const CASES: &str = include_str!("../../data/commands.toml");

/// Texts at least this long are somebody's prose.
const PROSE: usize = 60;

#[derive(Deserialize)]
struct Data {
    case: Vec<Spec>,
}

/// One case as written.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Spec {
    name: String,
    args: Vec<String>,
    stdin: String,
    /// Files of the home by path.
    files: BTreeMap<String, String>,
    stdout: Reading,
    stderr: Reading,
}

/// How a stream is compared.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reading {
    /// Line by line.
    #[default]
    Exact,
    /// As JSON in which prose is blanked.
    Shape,
    /// Only whether there is anything.
    Presence,
}

fn run(sides: &Sides, wanted: Filter<'_>) -> Result<Vec<Case>> {
    let data: Data = toml::from_str(CASES).context("data/commands.toml")?;
    let mut specs = data.case;
    specs.extend(toggled(sides)?);
    specs
        .into_iter()
        .map(|spec| Spec { name: format!("commands/{}", spec.name), ..spec })
        .filter(|spec| wanted(&spec.name))
        .map(|spec| case(sides, spec))
        .collect()
}

/// One case per flag of the reference's list: the file says the opposite of what is listed.
fn toggled(sides: &Sides) -> Result<Vec<Spec>> {
    let list: Vec<String> = ["features", "list"].map(str::to_owned).into();
    let listed = invoke::run_one(&sides.reference, &list, &sides.folder.join("list"))?;
    let spec = |line: &str| {
        let (key, on) = (line.split_whitespace().next()?, line.ends_with("true"));
        let config = format!("[features]\n{key} = {}\n", !on);
        let files = BTreeMap::from([("config.toml".to_owned(), config)]);
        Some(Spec { name: format!("toggled/{key}"), args: list.clone(), files, ..Spec::default() })
    };
    Ok(listed.stdout.lines().filter_map(spec).collect())
}

fn case(sides: &Sides, spec: Spec) -> Result<Case> {
    let folder = sides.folder.join("case");
    let [reference, ours] = sides.both().map(|program| {
        play(program, &spec, &folder).with_context(|| format!("{}: {}", spec.name, program.display()))
    });
    let ((reference, reference_home), (ours, ours_home)) = (reference?, ours?);
    let read = |outcome: &Outcome| -> [Value; 3] {
        [json!(outcome.code), reading(spec.stdout, &outcome.stdout), reading(spec.stderr, &outcome.stderr)]
    };
    let facets = [Facet::Exit, Facet::Stdout, Facet::Stderr]
        .into_iter()
        .zip(read(&reference).into_iter().zip(read(&ours)))
        .map(|(facet, (reference, ours))| (facet, reference, ours))
        .chain([(Facet::Home, reference_home, ours_home)])
        .collect();
    Ok(Case { name: spec.name, facets })
}

/// Runs one side in a fresh home. Gives what it said, and the files of the home that people may edit.
fn play(program: &Path, spec: &Spec, folder: &Path) -> Result<(Outcome, Value)> {
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    let home = folder.join("home");
    std::fs::create_dir_all(&home)?;
    let fill = |text: &str| text.replace("{home}", &home.display().to_string());
    for (path, text) in &spec.files {
        std::fs::write(home.join(path), fill(text))?;
    }
    let arguments: Vec<_> = spec.args.iter().map(|argument| fill(argument)).collect();
    let outcome = invoke::run_one_with_stdin(program, &arguments, folder, &spec.stdin)?;
    let left: Map<String, Value> = ["config.toml", "auth.json"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), json!(std::fs::read_to_string(home.join(name)).ok()?))))
        .collect();
    Ok((outcome, Value::Object(left)))
}

fn reading(reading: Reading, text: &str) -> Value {
    match reading {
        Reading::Exact => json!(text.trim_end().lines().map(str::trim_end).collect::<Vec<_>>()),
        Reading::Shape => serde_json::from_str(text).map_or_else(|_| json!(text), shape),
        Reading::Presence => json!(!text.is_empty()),
    }
}

fn shape(value: Value) -> Value {
    match value {
        Value::String(text) if text.len() >= PROSE || text.contains(' ') => json!("<text>"),
        Value::Array(elements) => elements.into_iter().map(shape).collect(),
        Value::Object(members) => members.into_iter().map(|(key, member)| (key, shape(member))).collect(),
        other => other,
    }
}
