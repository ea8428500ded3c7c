//! Scenarios: what is played, as data.
//!
//! In come the files of `scenarios/`, out come checked [`Scenario`]s. Texts may hold `${work}`, `${codex_home}`,
//! `${thread_id}` and the script's own placeholders; they are filled when the scenario is staged, because the
//! thread id is only known after the first step.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use quire_rehearsal::Script;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::snapshot::Facet;

/// One scenario.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    /// For the reader.
    #[serde(default)]
    #[allow(dead_code, reason = "documents the scenario in its file")]
    pub(crate) note: String,
    /// Arguments of a scenario with a single step.
    #[serde(default)]
    args: Vec<String>,
    /// Standard input of a scenario with a single step.
    #[serde(default)]
    stdin: Stdin,
    #[serde(default)]
    steps: Vec<Step>,
    /// Variables for every step, beside the fixed environment.
    #[serde(default)]
    pub(crate) env: BTreeMap<String, String>,
    /// Config laid over the base config, table by table.
    #[serde(default)]
    pub(crate) config: toml::Table,
    /// Dotted keys removed from the base config.
    #[serde(default)]
    pub(crate) config_unset: Vec<String>,
    /// The whole config file, instead of the base config.
    pub(crate) config_raw: Option<String>,
    #[serde(default)]
    pub(crate) home: Vec<FileSpec>,
    #[serde(default)]
    pub(crate) work: Vec<FileSpec>,
    #[serde(default)]
    pub(crate) git: Git,
    #[serde(default)]
    pub(crate) codex_home: CodexHome,
    #[serde(default)]
    turns: Vec<Value>,
    #[serde(default)]
    after_last: Option<String>,
    #[serde(default)]
    routes: Vec<Value>,
    /// Facets that are not compared, with the reason.
    #[serde(default)]
    pub(crate) skip: BTreeMap<Facet, String>,
    /// Facets whose order depends on timing on both sides; their lines are sorted.
    #[serde(default)]
    pub(crate) sort: BTreeSet<Facet>,
    /// Compare the git facts in the metadata header, from the second request of a turn on.
    #[serde(default)]
    pub(crate) compare_workspaces: bool,
    /// Extra normalisations.
    #[serde(default)]
    pub(crate) normalise: Vec<Rule>,
}

/// One invocation of the program.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    pub(crate) args: Vec<String>,
    #[serde(default)]
    pub(crate) stdin: Stdin,
    /// Current directory, relative to the work folder.
    #[serde(default)]
    pub(crate) cwd: String,
    pub(crate) signal: Option<SignalPlan>,
    #[serde(default)]
    pub(crate) env: BTreeMap<String, String>,
}

/// What the program reads from standard input.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stdin {
    /// `/dev/null`.
    #[default]
    Null,
    /// A pipe with this text.
    Text(String),
    /// A pipe with these bytes, in hexadecimal.
    Hex(String),
}

/// A signal sent while the program runs.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignalPlan {
    pub(crate) name: SignalName,
    pub(crate) on: Moment,
}

/// Signals a scenario may send.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum SignalName {
    Int,
    Term,
    Hup,
}

/// When a signal is sent.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Moment {
    /// When a line of standard output contains this text.
    Stdout(String),
    /// When a line of standard error contains this text.
    Stderr(String),
    /// When this many requests have arrived.
    Requests(usize),
}

/// How the work folder relates to git.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Git {
    /// `git init`, nothing committed.
    #[default]
    Init,
    /// Everything committed.
    Commit,
    /// Not inside any repository.
    None,
}

/// What `CODEX_HOME` points to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CodexHome {
    /// A folder with the config.
    #[default]
    Folder,
    /// A path where nothing is.
    Missing,
    /// A plain file.
    File,
}

/// A file to put in place.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "WrittenFile")]
pub(crate) struct FileSpec {
    pub(crate) path: String,
    pub(crate) content: Content,
    pub(crate) edits: Vec<Edit>,
    pub(crate) mode: Option<u32>,
}

/// Where its content comes from.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    /// As written in the scenario.
    Text(String),
    /// Bytes in hexadecimal.
    Hex(String),
    /// A file of `parity/data`.
    From(String),
    /// The same text, many times.
    Repeat { text: String, times: usize },
}

/// A [`FileSpec`] as it stands in the scenario file: `text` (with `times` to repeat it), `hex` or `from`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFile {
    path: String,
    text: Option<String>,
    times: Option<usize>,
    hex: Option<String>,
    from: Option<String>,
    #[serde(default)]
    edits: Vec<Edit>,
    mode: Option<u32>,
}

impl TryFrom<WrittenFile> for FileSpec {
    type Error = String;

    fn try_from(written: WrittenFile) -> Result<Self, String> {
        let content = match (written.text, written.times, written.hex, written.from) {
            (Some(text), None, None, None) => Content::Text(text),
            (Some(text), Some(times), None, None) => Content::Repeat { text, times },
            (None, None, Some(hex), None) => Content::Hex(hex),
            (None, None, None, Some(name)) => Content::From(name),
            _ => {
                return Err(format!(
                    "file {}: give one of `text` (and `times`), `hex`, `from`",
                    written.path
                ));
            }
        };
        Ok(Self { path: written.path, content, edits: written.edits, mode: written.mode })
    }
}

/// A change to the content before it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Edit {
    /// Add text at the end.
    Append { text: String },
    /// Add bytes at the end.
    AppendHex { hex: String },
    /// Add bytes at the start.
    PrependHex { hex: String },
    /// Put text before line `line` (from 1).
    Insert { line: usize, text: String },
    /// Replace every occurrence of a text, which must occur.
    Replace { text: String, with: String },
    /// Remove line `line` (from 1).
    Delete { line: usize },
    /// Keep only the first `lines` lines.
    Keep { lines: usize },
    /// Remove bytes at the end.
    Shorten { bytes: usize },
}

/// A normalisation of one scenario.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    pub(crate) pattern: String,
    pub(crate) with: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    scenario: Vec<Scenario>,
}

/// Pause before each answer but the first, unless the scenario says otherwise: the reference reports the end of a
/// command up to 100 ms late, and a faster model would make the order of its lines a matter of luck.
const PAUSE_MS: u64 = 250;

impl Scenario {
    /// The invocations, in order.
    pub(crate) fn steps(&self) -> Vec<Step> {
        if self.steps.is_empty() {
            vec![Step { args: self.args.clone(), stdin: self.stdin.clone(), ..Step::default() }]
        } else {
            self.steps.clone()
        }
    }

    /// The model's side.
    pub(crate) fn script(&self) -> Result<Script> {
        let mut turns = self.turns.clone();
        for turn in turns.iter_mut().skip(1) {
            if let Some(table) = turn.as_object_mut()
                && !table.contains_key("delay_ms")
            {
                table.insert("delay_ms".into(), json!(PAUSE_MS));
            }
        }
        let after_last = self.after_last.as_deref().unwrap_or("error");
        let script = json!({"turns": turns, "after_last": after_last, "routes": self.routes});
        Ok(Script::from_value(script, &self.name)?)
    }

    fn check(&self) -> Result<()> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        ensure!(
            !self.name.is_empty() && self.name.chars().all(plain),
            "scenario name {:?}: only lower-case letters, digits and underscores",
            self.name
        );
        ensure!(
            self.args.is_empty() != self.steps.is_empty(),
            "{}: give either `args` or `steps`",
            self.name
        );
        self.script().map(drop)
    }
}

/// Reads every scenario file of a folder, sorted by file name.
pub(crate) fn load_all(folder: &Path) -> Result<Vec<Scenario>> {
    let listing = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths = Vec::new();
    for entry in listing {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    let mut scenarios: Vec<Scenario> = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path)?;
        let file: File =
            toml::from_str(&text).with_context(|| format!("bad scenario file {}", path.display()))?;
        for scenario in file.scenario {
            scenario.check().with_context(|| format!("bad scenario in {}", path.display()))?;
            if scenarios.iter().any(|other| other.name == scenario.name) {
                bail!("two scenarios are called {}", scenario.name);
            }
            scenarios.push(scenario);
        }
    }
    Ok(scenarios)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_file_is_valid() {
        let scenarios = load_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")).unwrap();
        assert!(scenarios.len() >= 60, "only {}", scenarios.len());
    }

    #[test]
    fn later_turns_get_a_pause_unless_told_otherwise() {
        let file: File = toml::from_str(
            r#"
            [[scenario]]
            name = "a"
            args = ["exec"]
            turns = [{ events = [] }, { events = [] }, { events = [], delay_ms = 7 }]
            "#,
        )
        .unwrap();
        let script = file.scenario[0].script().unwrap();
        let delay =
            |index| script.turn(index, &quire_rehearsal::Variables::new()).unwrap().unwrap().delivery.delay;
        assert_eq!(
            [delay(0), delay(1), delay(2)].map(|delay| delay.as_millis()),
            [0, u128::from(PAUSE_MS), 7]
        );
    }
}
