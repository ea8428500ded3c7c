//! What is measured.
//!
//! In come the sides and the number of runs, out come the costs of each side for each case. Sides alternate within
//! a case, so that a busy moment of the machine hits both.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use quire_rehearsal::{Rehearsal, Script};
use serde_json::{Value, json};

use crate::homes::{self, RESUMED};
use crate::measure::{Cost, Order, commission};

/// One of the two programs.
#[derive(Debug, Clone)]
pub(crate) struct Side {
    pub(crate) name: &'static str,
    pub(crate) binary: PathBuf,
}

/// Costs of one side, in the order of the runs.
pub(crate) type Costs = Vec<(&'static str, Vec<Cost>)>;

/// A thing to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    Version,
    Help,
    Config,
    LargeConfig,
    Turn,
    Deltas,
    Tools,
    Resume,
    ManySessions,
    ManySessionsFirst,
}

impl Case {
    pub(crate) const ALL: [Self; 10] = [
        Self::Version,
        Self::Help,
        Self::Config,
        Self::LargeConfig,
        Self::Turn,
        Self::Deltas,
        Self::Tools,
        Self::Resume,
        Self::ManySessions,
        Self::ManySessionsFirst,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Version => "--version",
            Self::Help => "--help",
            Self::Config => "features list",
            Self::LargeConfig => "features list, 2,000 lines of config",
            Self::Turn => "one exec turn",
            Self::Deltas => "20,000 deltas",
            Self::Tools => "50 tool calls in one turn",
            Self::Resume => "resume of a 50 MB session",
            Self::ManySessions => "a turn beside 3,000 sessions",
            Self::ManySessionsFirst => "a turn beside 3,000 sessions, no database yet",
        }
    }

    fn turns(self) -> Vec<Value> {
        let answer = json!({"events": [{"say": "Done."}]});
        match self {
            Self::Deltas => vec![json!({"events": [{"delta_flood": {"count": 20_000, "text": "word "}}]})],
            Self::Tools => {
                let calls: Vec<Value> = (0..50)
                    .map(|n| {
                        json!({"call": {"name": "exec_command", "call_id": format!("call_{n}"),
                            "arguments": {"cmd": format!("echo {n}")}}})
                    })
                    .collect();
                let all_done = json!({"events": [{"say": "Done."}],
                    "expect": [{"output_of": "call_0", "contains": "0"}, {"output_of": "call_49", "contains": "49"}]});
                vec![json!({"events": calls}), all_done]
            }
            // The kept messages and the summary of the last compaction are there: the history was really read.
            Self::Resume => vec![json!({"events": [{"say": "Done."}], "expect": [
                {"pointer": "/prompt_cache_key", "equals": RESUMED},
                {"pointer": "/input/21", "absent": false}]})],
            _ => vec![answer],
        }
    }

    fn asks_the_model(self) -> bool {
        !matches!(self, Self::Version | Self::Help | Self::Config | Self::LargeConfig)
    }

    fn arguments(self) -> Vec<String> {
        let words: &[&str] = match self {
            Self::Version => &["--version"],
            Self::Help => &["--help"],
            Self::Config | Self::LargeConfig => &["features", "list"],
            Self::Resume => &["exec", "--json", "resume", RESUMED, "Go on"],
            _ => &["exec", "--json", "Say hello"],
        };
        words.iter().map(|&word| word.to_owned()).collect()
    }

    /// Measures every side `runs` times, after one run each that does not count.
    pub(crate) async fn play(self, sides: &[Side], runs: u16, out: &Path) -> Result<Costs> {
        let stages = sides.iter().map(|side| Stage::build(self, side, out)).collect::<Result<Vec<_>>>()?;
        let mut costs: Costs = sides.iter().map(|side| (side.name, Vec::new())).collect();
        for run in 0..=runs {
            for (stage, (name, costs)) in stages.iter().zip(&mut costs) {
                let cost = stage.run().await.with_context(|| format!("{}, {name}", self.name()))?;
                if run > 0 {
                    costs.push(cost);
                }
            }
        }
        Ok(costs)
    }
}

/// The folders of one side of one case.
#[derive(Debug)]
struct Stage {
    case: Case,
    program: PathBuf,
    home: PathBuf,
    work: PathBuf,
    user: PathBuf,
    script: Arc<Script>,
    /// The session that every run continues, and its size before the first run.
    resumed: Option<(PathBuf, u64)>,
}

impl Stage {
    fn build(case: Case, side: &Side, out: &Path) -> Result<Self> {
        let root = out.join(format!("{case:?}")).join(side.name);
        if root.exists() {
            std::fs::remove_dir_all(&root).with_context(|| format!("cannot wipe {}", root.display()))?;
        }
        let [home, work, user] = ["home", "work", "user"].map(|name| root.join(name));
        for folder in [&home, &work, &user] {
            std::fs::create_dir_all(folder)?;
        }
        let git = Command::new("git").args(["init", "-q"]).current_dir(&work).status()?;
        ensure!(git.success(), "git init failed in {}", work.display());
        let mut resumed = None;
        match case {
            Case::Resume => {
                let path = homes::long_session(&home, &work)?;
                let size = path.metadata()?.len();
                resumed = Some((path, size));
            }
            Case::ManySessions | Case::ManySessionsFirst => homes::many_sessions(&home, &work, 3_000)?,
            _ => {}
        }
        let script = Script::from_value(json!(case.turns()), case.name())?;
        let program = side.binary.clone();
        Ok(Self { case, program, home, work, user, script: Arc::new(script), resumed })
    }

    async fn run(&self) -> Result<Cost> {
        if let Some((path, size)) = &self.resumed {
            // Every run continues the same session: what the last one appended goes.
            std::fs::OpenOptions::new().write(true).open(path)?.set_len(*size)?;
        }
        if self.case == Case::ManySessionsFirst {
            remove_databases(&self.home)?;
        }
        let rehearsal = Rehearsal::start(Script::clone(&self.script)).await?;
        let mut config = homes::config(&rehearsal.base_url());
        if self.case == Case::LargeConfig {
            config.push_str(&homes::many_settings());
        }
        std::fs::write(self.home.join("config.toml"), config)?;
        let order = Order {
            program: self.program.clone(),
            arguments: self.case.arguments(),
            environment: self.environment(),
            folder: self.work.clone(),
        };
        let cost = commission(&order).await?;
        let outcome = rehearsal.shutdown().await;
        ensure!(
            !self.case.asks_the_model() || outcome.is_success(),
            "the model's script was not played: {outcome:?}"
        );
        Ok(cost)
    }

    fn environment(&self) -> BTreeMap<String, String> {
        let path = |path: &Path| path.display().to_string();
        [
            ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned()),
            ("LANG", "C.UTF-8".to_owned()),
            ("TERM", "xterm".to_owned()),
            ("TZ", "Etc/UTC".to_owned()),
            ("SHELL", "/bin/bash".to_owned()),
            ("HOME", path(&self.user)),
            ("CODEX_HOME", path(&self.home)),
            ("BENCH_KEY", "bench-key".to_owned()),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
    }
}

fn remove_databases(home: &Path) -> Result<()> {
    for entry in std::fs::read_dir(home)? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().contains(".sqlite")) {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}
