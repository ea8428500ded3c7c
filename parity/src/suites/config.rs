//! `config`: the same files, flags and folders for both programs; the config they make of them has to be the same.
//!
//! Cases are data (`parity/data/config.toml`). Both sides are asked `config/read` with all layers; cases that start a
//! server of their own (flags, files below `/etc/codex`, `start = true`) are asked `configRequirements/read` too, and their
//! `configWarning`s are counted. Facets: `stdout` is the answers, `stderr` the warnings.
//!
//! What surprises newcomers: most cases share one server, because both programs read their files anew for every
//! question.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use super::server::{Place, Server, etc_can_be_overlaid};
use super::{Case, Filter, Sides, Suite};
use crate::snapshot::Facet;

pub(super) const SUITE: Suite =
    Suite { name: "config", about: "layers, trust, values and errors of config.toml", run: run_all };

/// Words of ours and of the reference in front of the facts of an error.
const PREFIXES: [&str; 6] = [
    "invalid configuration: ",
    "failed to read configuration layers: ",
    "failed to resolve feature override precedence: ",
    "failed to load configuration: ",
    "the configuration cannot be read: ",
    "the configuration contradicts itself: ",
];

/// Warnings about the machine, or of one side alone.
const WARNINGS_LEFT_OUT: [&str; 2] = ["bubblewrap", "Unknown config keys"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    /// Key by key, a user config that is fine.
    good: BTreeMap<String, String>,
    /// Key by key, a user config that is not.
    bad: BTreeMap<String, String>,
    case: Vec<Setup>,
}

/// One case. In all texts `@` is the root of its folders.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Setup {
    name: String,
    /// `home/config.toml`.
    user: Option<String>,
    /// `/etc/codex/NAME`.
    #[serde(default)]
    etc: BTreeMap<String, String>,
    /// Other files, by path below the root.
    #[serde(default)]
    files: BTreeMap<String, String>,
    /// Folders.
    #[serde(default)]
    folders: Vec<String>,
    /// Symlinks: path and target.
    #[serde(default)]
    links: BTreeMap<String, String>,
    /// Arguments of the server.
    #[serde(default)]
    flags: Vec<String>,
    /// The folder that is asked about; the question names none when absent.
    cwd: Option<String>,
    /// Starts a server in that folder, even without flags.
    #[serde(default)]
    start: bool,
}

impl Setup {
    fn user(kind: &str, key: &str, text: &str) -> Self {
        Self { name: format!("{kind}/{key}"), user: Some(text.to_owned()), ..Self::default() }
    }

    fn case_name(&self) -> String {
        format!("config/{}", self.name)
    }

    fn needs_a_server(&self) -> bool {
        self.start || !self.flags.is_empty() || !self.etc.is_empty()
    }
}

fn run_all(sides: &Sides, wanted: Filter<'_>) -> Result<Vec<Case>> {
    let data: Data = toml::from_str(include_str!("../../data/config.toml")).context("data/config.toml")?;
    let good = data.good.iter().map(|(key, text)| Setup::user("good", key, text));
    let bad = data.bad.iter().map(|(key, text)| Setup::user("bad", key, text));
    let mut setups: Vec<_> =
        good.chain(bad).chain(data.case).filter(|setup| wanted(&setup.case_name())).collect();
    let probe = sides.folder.join("etc-probe");
    std::fs::create_dir_all(&probe)?;
    if !etc_can_be_overlaid(&probe) {
        let before = setups.len();
        setups.retain(|setup| setup.etc.is_empty());
        println!(
            "skipped: {} cases with files below /etc (nothing may be mounted here)",
            before - setups.len()
        );
    }
    let [reference, ours] = sides.both().map(|binary| play(binary, &sides.folder, &setups));
    Ok(setups
        .iter()
        .zip(reference?.into_iter().zip(ours?))
        .map(|(setup, (reference, ours))| Case {
            name: setup.case_name(),
            facets: vec![
                (Facet::Stdout, reference.answers, ours.answers),
                (Facet::Stderr, reference.warnings, ours.warnings),
            ],
        })
        .collect())
}

/// What came of a case.
struct Outcome {
    answers: Value,
    warnings: Value,
}

fn play(binary: &Path, folder: &Path, setups: &[Setup]) -> Result<Vec<Outcome>> {
    let root = folder.join("root");
    let stage = Stage { root: root.clone(), etc: folder.join("etc") };
    stage.clear()?;
    let mut shared = Server::start(binary, &stage.place(None))?;
    let mut outcomes = Vec::new();
    for setup in setups {
        stage.clear()?;
        stage.set(setup)?;
        let outcome = if setup.needs_a_server() {
            match Server::try_start(binary, &stage.place(Some(setup)))? {
                Some(server) => questioned(server, &stage, setup)?,
                None => Outcome { answers: json!("refused to start"), warnings: json!([]) },
            }
        } else {
            Outcome { answers: json!({"config": ask(&mut shared, &stage, setup)?}), warnings: json!([]) }
        };
        outcomes.push(outcome);
    }
    shared.stop()?;
    std::fs::remove_dir_all(&root)?;
    Ok(outcomes)
}

fn questioned(mut server: Server, stage: &Stage, setup: &Setup) -> Result<Outcome> {
    let config = ask(&mut server, stage, setup)?;
    let requirements = server.ask("configRequirements/read", &Value::Null)?;
    Ok(Outcome {
        answers: json!({"config": config, "requirements": requirements.get("result")}),
        warnings: warnings(&server.stop()?),
    })
}

fn ask(server: &mut Server, stage: &Stage, setup: &Setup) -> Result<Value> {
    let mut params = json!({"includeLayers": true});
    if let Some(cwd) = &setup.cwd {
        params["cwd"] = stage.root.join(cwd).to_string_lossy().into();
    }
    server.ask("config/read", &params).map(normalised).with_context(|| setup.case_name())
}

/// The folders of a case: `root/home` and whatever it asks for.
struct Stage {
    root: PathBuf,
    etc: PathBuf,
}

impl Stage {
    /// An empty home; what programs keep there stays.
    fn clear(&self) -> Result<()> {
        std::fs::create_dir_all(self.root.join("home"))?;
        std::fs::create_dir_all(&self.etc)?;
        for folder in [&self.root, &self.etc] {
            for entry in std::fs::read_dir(folder)? {
                let entry = entry?;
                if entry.file_type()?.is_dir() && entry.file_name() != "home" {
                    std::fs::remove_dir_all(entry.path())?;
                } else if !entry.file_type()?.is_dir() {
                    std::fs::remove_file(entry.path())?;
                }
            }
        }
        for entry in std::fs::read_dir(self.root.join("home"))? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                std::fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    fn set(&self, setup: &Setup) -> Result<()> {
        for folder in &setup.folders {
            std::fs::create_dir_all(self.root.join(folder))?;
        }
        if let Some(text) = &setup.user {
            self.write(&self.root.join("home/config.toml"), text)?;
        }
        for (path, text) in &setup.files {
            self.write(&self.root.join(path), text)?;
        }
        for (name, text) in &setup.etc {
            self.write(&self.etc.join("codex").join(name), text)?;
        }
        for (path, target) in &setup.links {
            std::os::unix::fs::symlink(self.said(target), self.root.join(path))?;
        }
        Ok(())
    }

    fn write(&self, path: &Path, text: &str) -> Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, self.said(text)).with_context(|| path.display().to_string())
    }

    fn said(&self, text: &str) -> String {
        text.replace('@', &self.root.to_string_lossy())
    }

    fn place(&self, setup: Option<&Setup>) -> Place {
        let cwd = setup.and_then(|setup| setup.cwd.as_ref());
        Place {
            home: self.root.join("home"),
            cwd: cwd.map_or_else(|| self.root.clone(), |cwd| self.root.join(cwd)),
            args: setup.iter().flat_map(|setup| &setup.flags).map(|flag| self.said(flag)).collect(),
            etc: setup.filter(|setup| !setup.etc.is_empty()).map(|_| self.etc.clone()),
        }
    }
}

/// Whether a layer is disabled, not in which words; the facts of a refusal, not what is around them.
fn normalised(mut answer: Value) -> Value {
    for layer in answer.pointer_mut("/result/layers").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(reason) = layer.get_mut("disabledReason") {
            *reason = reason.is_string().into();
        }
    }
    if let Some(message) = answer.pointer_mut("/error/message")
        && let Some(text) = message.as_str()
    {
        let facts = PREFIXES.iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(text);
        *message = facts.trim_end().into();
    }
    answer
}

/// Of every warning whether it has details, and where in which file.
fn warnings(told: &[Value]) -> Value {
    told.iter()
        .filter(|message| message["method"] == "configWarning")
        .map(|message| &message["params"])
        .filter(|params| {
            let summary = params["summary"].as_str().unwrap_or_default();
            !WARNINGS_LEFT_OUT.iter().any(|text| summary.contains(text))
        })
        .map(|params| {
            json!({"details": params["details"].is_string(), "path": params["path"], "range": params["range"]})
        })
        .collect()
}
