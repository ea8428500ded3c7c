//! `writes`: the same edits of config.toml through both programs; the file has to be the same byte for byte.
//!
//! Cases are data (`parity/data/writes.toml`): a file, and either edits for `config/batchWrite` and `config/value/write`
//! or arguments of a command. Facets: `stdout` is the answer (or exit code and output), `home` the file.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use super::server::{Place, Server, run};
use super::{Case, Filter, Sides, Suite};
use crate::snapshot::Facet;

pub(super) const SUITE: Suite =
    Suite { name: "writes", about: "edits of config.toml by clients and commands", run: run_all };

#[derive(Deserialize)]
struct Data {
    case: Vec<Script>,
}

/// One case.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Script {
    name: String,
    /// The file before; none when absent.
    before: Option<String>,
    /// Arguments of the server; servers are shared by cases with the same.
    #[serde(default)]
    flags: Vec<String>,
    /// One edit is a `config/value/write`, more (or none) are a `config/batchWrite`.
    edits: Option<Vec<Edit>>,
    expected_version: Option<String>,
    /// The file to write; `@` is the root.
    file_path: Option<String>,
    /// A command instead of edits.
    command: Option<Vec<String>>,
}

/// One value. JSON as text, since TOML has no null.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    key: String,
    value: String,
    #[serde(default)]
    upsert: bool,
}

fn run_all(sides: &Sides, wanted: Filter<'_>) -> Result<Vec<Case>> {
    let data: Data = toml::from_str(include_str!("../../data/writes.toml")).context("data/writes.toml")?;
    let scripts: Vec<_> = data.case.iter().filter(|script| wanted(&script.case_name())).collect();
    let [reference, ours] = sides.both().map(|binary| play(binary, &sides.folder, &scripts));
    let played = scripts.iter().zip(reference?).zip(ours?);
    Ok(played
        .map(|((script, reference), ours)| Case {
            name: script.case_name(),
            facets: vec![
                (Facet::Stdout, reference.answer, ours.answer),
                (Facet::Home, reference.file, ours.file),
            ],
        })
        .collect())
}

/// What came of a case.
struct Outcome {
    answer: Value,
    file: Value,
}

fn play(binary: &Path, root: &Path, scripts: &[&Script]) -> Result<Vec<Outcome>> {
    let home = root.join("home");
    let mut place = Place { home: home.clone(), cwd: root.to_owned(), args: Vec::new(), etc: None };
    std::fs::create_dir_all(&home)?;
    let config = home.join("config.toml");
    let mut server: Option<Server> = None;
    let mut outcomes = Vec::new();
    for script in scripts {
        let answer = match &script.command {
            Some(args) => {
                lay(&config, script)?;
                let (code, stdout) = run(binary, &place, args)?;
                json!({"exit": code, "stdout": stdout})
            }
            None => {
                let mut asked = match server.take() {
                    Some(running) if place.args == script.flags => running,
                    before => {
                        before.map(Server::stop).transpose()?;
                        remove(&config)?;
                        place.args.clone_from(&script.flags);
                        Server::start(binary, &place)?
                    }
                };
                lay(&config, script)?;
                let (method, params) = script.request(root)?;
                let answer = asked.ask(method, &params);
                server = Some(asked);
                normalised(answer.with_context(|| script.case_name())?)
            }
        };
        let file = match std::fs::read(&config) {
            Ok(bytes) => json!({"config.toml": String::from_utf8_lossy(&bytes)}),
            Err(_) => json!({}),
        };
        outcomes.push(Outcome { answer, file });
    }
    server.map(Server::stop).transpose()?;
    std::fs::remove_dir_all(&home)?;
    Ok(outcomes)
}

fn lay(config: &Path, script: &Script) -> Result<()> {
    match &script.before {
        Some(text) => std::fs::write(config, text).context("config.toml"),
        None => remove(config),
    }
}

fn remove(config: &Path) -> Result<()> {
    match std::fs::remove_file(config) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).context("config.toml"),
        _ => Ok(()),
    }
}

/// Of a refusal only what programs read, and the words of types and values.
fn normalised(mut answer: Value) -> Value {
    let facts = [
        "Invalid configuration: ",
        "invalid value: ",
        "keyPath ",
        "cannot set ",
        "unterminated ",
        "invalid quoted ",
        "Invalid request: ",
    ];
    if let Some(message) = answer.pointer_mut("/error/message")
        && let Some(text) = message.as_str()
        && !facts.iter().any(|fact| text.starts_with(fact))
    {
        *message = "<text>".into();
    }
    answer
}

impl Script {
    fn case_name(&self) -> String {
        format!("writes/{}", self.name)
    }

    fn request(&self, root: &Path) -> Result<(&'static str, Value)> {
        let edits: Vec<Value> = self
            .edits
            .iter()
            .flatten()
            .map(Edit::json)
            .collect::<Result<_>>()
            .with_context(|| self.case_name())?;
        let mut params = match &edits[..] {
            [one] => one.clone(),
            many => json!({"edits": many}),
        };
        if let Some(version) = &self.expected_version {
            params["expectedVersion"] = version.as_str().into();
        }
        if let Some(path) = &self.file_path {
            params["filePath"] = path.replace('@', &root.to_string_lossy()).into();
        }
        Ok((if edits.len() == 1 { "config/value/write" } else { "config/batchWrite" }, params))
    }
}

impl Edit {
    fn json(&self) -> Result<Value> {
        let value: Value = serde_json::from_str(&self.value).with_context(|| self.value.clone())?;
        let strategy = if self.upsert { "upsert" } else { "replace" };
        Ok(json!({"keyPath": self.key, "value": value, "mergeStrategy": strategy}))
    }
}
