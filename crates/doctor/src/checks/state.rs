//! `state.paths`: where state is kept, and whether the databases are sound.

use std::path::Path;

use quire_config::Config;

use crate::access::describe;
use crate::context::{Check, Context, Run};
use crate::report::{Details, Outcome, Status};
use crate::rollouts::{self, Found};
use crate::sqlite::{self, ReadError};

pub(crate) const CHECK: Check =
    Check { id: "state.paths", category: "state", label: "state and databases", run: Run::Always(run) };

/// What the databases are called in the report, and in the folder.
const DATABASES: [(&str, &str); 4] = [
    ("state DB", "state_5.sqlite"),
    ("log DB", "logs_2.sqlite"),
    ("goals DB", "goals_1.sqlite"),
    ("memories DB", "memories_1.sqlite"),
];
/// More session files than these are not counted.
const MAX_FILES: u64 = 1_000_000;

fn run(context: &Context<'_>) -> Outcome {
    match context.config {
        Ok(config) => inspect(context, config),
        Err(_) => {
            let mut details = Details::default();
            details.add_path("CODEX_HOME", &context.host.home);
            Outcome::ok("the home is there; the rest depends on the config").with(details)
        }
    }
}

fn inspect(context: &Context<'_>, config: &Config) -> Outcome {
    let home = &context.host.home;
    let mut details = Details::default();
    details.add("CODEX_HOME", describe(home));
    details.add("log dir", describe(&config.log_dir));
    details.add("sqlite home", describe(&config.sqlite_home));
    let (mut broken, mut present) = (Vec::new(), 0);
    for (name, file) in DATABASES {
        let path = config.sqlite_home.join(file);
        details.add(name, describe(&path));
        present += usize::from(path.is_file());
        let integrity = integrity(&path);
        if integrity.broken {
            broken.push(path.display().to_string());
        }
        details.add(format!("{name} integrity"), integrity.text);
    }
    details.add("active rollout files", count(&home.join("sessions")));
    details.add("archived rollout files", count(&home.join("archived_sessions")));
    if broken.is_empty() {
        let headline = if present == 0 { "no databases yet" } else { "databases healthy" };
        return Outcome::ok("state folders and databases can be read").headline(headline).with(details);
    }
    Outcome::bad(
        Status::Fail,
        "a database is damaged",
        format!(
            "Stop all sessions, then move {} (and its -wal and -shm) away. The index of sessions is rebuilt from the \
             session files; logs, goals and memories in a damaged file are gone.",
            broken.join(" and ")
        ),
    )
    .with(details)
}

struct Integrity {
    text: String,
    broken: bool,
}

/// Whether the database is sound, if it is there at all.
fn integrity(path: &Path) -> Integrity {
    let fine = |text: String| Integrity { text, broken: false };
    if !path.is_file() {
        return fine("skipped (missing)".to_owned());
    }
    match sqlite::quick_check(path) {
        Ok(()) => fine("ok".to_owned()),
        Err(ReadError::Broken(reason)) => Integrity { text: reason, broken: true },
        Err(other) => fine(format!("skipped ({other})")),
    }
}

/// `2 files, 30 total bytes, 15 average bytes`.
fn count(folder: &Path) -> String {
    let (mut files, mut bytes) = (0_u64, 0_u64);
    let walked = rollouts::walk(folder, &mut |found| {
        // Folders that cannot be read are told by the comparison with the index.
        if let Found::File(_, entry) = found {
            files += 1;
            bytes += entry.metadata().map_or(0, |facts| facts.len());
        }
        files < MAX_FILES
    });
    match walked {
        Ok(()) => {
            let average = bytes.checked_div(files).unwrap_or(0);
            let more = if files == MAX_FILES { "more than " } else { "" };
            format!("{more}{files} files, {bytes} total bytes, {average} average bytes")
        }
        Err(error) => format!("scan failed ({error})"),
    }
}
