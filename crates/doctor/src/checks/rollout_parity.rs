//! `state.rollout_db_parity`: whether the index knows the session files, and nothing else.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use quire_config::Config;

use crate::context::{Check, Context, Run};
use crate::report::{Details, Issue, Outcome};
use crate::rollouts::{self, Found, Head};
use crate::sqlite::{self, ReadError, ThreadRow};

pub(crate) const CHECK: Check = Check {
    id: "state.rollout_db_parity",
    category: "threads",
    label: "session files and index",
    run: Run::Configured(run),
};

/// More session files than these are not read.
const MAX_FILES: usize = 10_000;
/// More rows than these are not read.
const MAX_ROWS: usize = 1_000_000;
/// So many examples of each kind are shown.
const SAMPLES: usize = 5;
const REBUILD: &str =
    "Stop all sessions and move state_5.sqlite away: the index is rebuilt from the session files.";

fn run(context: &Context<'_>, config: &Config) -> Outcome {
    let scan = Scan::of(&context.host.home);
    let database = config.sqlite_home.join("state_5.sqlite");
    let mut details = Details::default();
    details.add("default model provider", &config.model_provider_id);
    scan.describe(&mut details);
    let mut issues = Vec::new();
    if database.is_file() {
        match sqlite::threads(&database, MAX_ROWS) {
            Ok(rows) => Comparison::new(&scan, &rows).describe(&scan, &rows, &mut details, &mut issues),
            Err(error) => issues.push(unreadable(&error, &mut details)),
        }
    } else {
        details.add("rollout DB rows", "skipped (state DB missing)");
        issues.extend(scan.without_index());
    }
    issues.extend(scan.issue());
    let files = scan.active.len() + scan.archived.len();
    let summary = match issues.first() {
        Some(issue) => issue.cause.clone(),
        None if files == 0 && !database.is_file() => "no session files and no index yet".to_owned(),
        None => "the index agrees with the session files".to_owned(),
    };
    let remediation = issues.first().and_then(|issue| issue.remedy.clone());
    let mut outcome = Outcome::ok(summary).with(details).issues(issues);
    outcome.remediation = remediation;
    outcome
}

fn unreadable(error: &ReadError, details: &mut Details) -> Issue {
    details.add("rollout DB read error", error);
    let remedy = match error {
        ReadError::Busy | ReadError::TooSlow => "Run this again when no other session is writing.",
        ReadError::Broken(_) => REBUILD,
    };
    Issue::warning("the index in state_5.sqlite cannot be read", remedy)
        .measured(error.to_string(), "a readable table `threads`")
}

/// What lies on disk.
#[derive(Default)]
struct Scan {
    /// Files and their threads.
    active: BTreeMap<PathBuf, String>,
    archived: BTreeMap<PathBuf, String>,
    ids: HashMap<String, usize>,
    unusable: Samples,
    nameless: Samples,
    capped: bool,
}

/// A number, and the first few of what was counted.
#[derive(Default)]
struct Samples {
    count: usize,
    first: Vec<String>,
}

impl Samples {
    fn add(&mut self, sample: String) {
        self.count += 1;
        if self.first.len() < SAMPLES {
            self.first.push(sample);
        }
    }

    fn of(all: impl IntoIterator<Item = String>) -> Self {
        let mut samples = Self::default();
        all.into_iter().for_each(|sample| samples.add(sample));
        samples
    }

    fn describe(&self, key: &str, sample_key: &str, details: &mut Details) {
        details.add(key, self.count);
        self.describe_samples(sample_key, details);
    }

    fn describe_samples(&self, key: &str, details: &mut Details) {
        for sample in &self.first {
            details.add(key, sample);
        }
    }
}

impl Scan {
    fn of(home: &Path) -> Self {
        let mut scan = Self::default();
        let mut left = MAX_FILES;
        for (folder, archived) in [("sessions", false), ("archived_sessions", true)] {
            let folder = home.join(folder);
            let walked = rollouts::walk(&folder, &mut |found| {
                if left == 0 {
                    scan.capped = true;
                    return false;
                }
                left -= 1;
                match found {
                    Found::File(path, _) => scan.add(path, archived),
                    Found::Unreadable(path, error) => {
                        scan.unusable.add(format!("{} ({error})", path.display()));
                    }
                }
                true
            });
            if let Err(error) = walked {
                scan.unusable.add(format!("{} ({error})", folder.display()));
            }
        }
        scan
    }

    fn add(&mut self, path: &Path, archived: bool) {
        match rollouts::head(path) {
            Head::Thread(id) => {
                *self.ids.entry(id.clone()).or_default() += 1;
                let side = if archived { &mut self.archived } else { &mut self.active };
                side.insert(path.to_owned(), id);
            }
            Head::Nameless => self.nameless.add(path.display().to_string()),
            Head::Unusable(reason) => self.unusable.add(format!("{} ({reason})", path.display())),
        }
    }

    fn describe(&self, details: &mut Details) {
        details.add("rollout DB active files", self.active.len());
        details.add("rollout DB archived files", self.archived.len());
        details.add("rollout DB scan errors", self.unusable.count);
        details.add("rollout DB malformed file names", self.nameless.count);
        details.add("rollout DB scan cap reached", self.capped);
        self.unusable.describe_samples("rollout DB scan error sample", details);
        self.nameless.describe_samples("rollout DB malformed file sample", details);
    }

    fn issue(&self) -> Option<Issue> {
        let (errors, nameless, capped) = (self.unusable.count, self.nameless.count, self.capped);
        (errors > 0 || nameless > 0 || capped).then(|| {
            let advice = if errors == 0 && nameless == 0 {
                format!("Only the first {MAX_FILES} session files were compared; archive or move old ones.")
            } else {
                "Look at the files named above: make them readable, or move them out of the home.".to_owned()
            };
            Issue::warning("some session files could not be compared", advice).measured(
                format!("{errors} scan errors, {nameless} malformed names, scan cap reached: {capped}"),
                "every session file can be read",
            )
        })
    }

    fn without_index(&self) -> Option<Issue> {
        let files = self.active.len() + self.archived.len();
        (files > 0).then(|| {
            Issue::warning(
                "there are session files but no index (state_5.sqlite)",
                "Nothing is lost: the session files are the truth, and an index is built from them when one is needed.",
            )
            .measured(format!("{files} session files"), "an index with a row for each")
        })
    }
}

/// Where files and rows disagree.
struct Comparison {
    missing_active: Samples,
    missing_archived: Samples,
    stale: Samples,
    misplaced: Samples,
    duplicate_ids: Samples,
    duplicate_paths: Samples,
}

impl Comparison {
    fn new(scan: &Scan, rows: &[ThreadRow]) -> Self {
        let mut paths: BTreeMap<&Path, usize> = BTreeMap::new();
        for row in rows {
            *paths.entry(&row.rollout_path).or_default() += 1;
        }
        let pairs: HashSet<_> =
            rows.iter().map(|row| (row.rollout_path.as_path(), row.id.as_str())).collect();
        let missing = |files: &BTreeMap<PathBuf, String>| {
            let unknown = files.iter().filter(|(path, id)| !pairs.contains(&(path.as_path(), id.as_str())));
            Samples::of(unknown.map(|(path, _)| path.display().to_string()))
        };
        let known = |row: &ThreadRow| {
            (scan.active.contains_key(&row.rollout_path), scan.archived.contains_key(&row.rollout_path))
        };
        let path_of = |row: &ThreadRow| row.rollout_path.display().to_string();
        let stale = rows.iter().filter(|row| known(row) == (false, false));
        let misplaced = rows.iter().filter(|row| if row.archived { known(row).0 } else { known(row).1 });
        let twice = paths.iter().filter(|(_, count)| **count > 1);
        let mut ids: Vec<_> = scan.ids.iter().filter(|(_, count)| **count > 1).collect();
        ids.sort();
        Self {
            missing_active: missing(&scan.active),
            missing_archived: missing(&scan.archived),
            stale: Samples::of(stale.map(path_of)),
            misplaced: Samples::of(misplaced.map(path_of)),
            duplicate_ids: Samples::of(ids.into_iter().map(|(id, _)| id.clone())),
            duplicate_paths: Samples::of(twice.map(|(path, _)| path.display().to_string())),
        }
    }

    fn describe(&self, scan: &Scan, rows: &[ThreadRow], details: &mut Details, issues: &mut Vec<Issue>) {
        let archived = rows.iter().filter(|row| row.archived).count();
        details.add("rollout DB rows", rows.len());
        details.add("rollout DB active rows", rows.len() - archived);
        details.add("rollout DB archived rows", archived);
        self.missing_active.describe(
            "rollout DB missing active rows",
            "rollout DB missing active sample",
            details,
        );
        self.missing_archived.describe(
            "rollout DB missing archived rows",
            "rollout DB missing archived sample",
            details,
        );
        if scan.capped {
            // A file beyond the cap would look as if it were gone.
            for key in ["rollout DB stale rows", "rollout DB archive mismatches"] {
                details.add(key, "skipped (scan cap reached)");
            }
        } else {
            self.stale.describe("rollout DB stale rows", "rollout DB stale row sample", details);
            self.misplaced.describe(
                "rollout DB archive mismatches",
                "rollout DB archive mismatch sample",
                details,
            );
        }
        self.duplicate_ids.describe(
            "rollout DB duplicate rollout thread ids",
            "rollout DB duplicate rollout thread id sample",
            details,
        );
        self.duplicate_paths.describe(
            "rollout DB duplicate DB paths",
            "rollout DB duplicate DB path sample",
            details,
        );
        details.add("rollout DB model providers", tally(rows.iter().map(|row| row.model_provider.clone())));
        details.add("rollout DB sources", tally(rows.iter().map(|row| source(&row.source))));
        self.issues(scan, issues);
    }

    fn issues(&self, scan: &Scan, issues: &mut Vec<Issue>) {
        let mut tell = |wrong: bool, cause: &str, measured: String, expected: &str, remedy: &str| {
            if wrong {
                issues.push(Issue::warning(cause, remedy).measured(measured, expected));
            }
        };
        let (active, archived) = (self.missing_active.count, self.missing_archived.count);
        tell(
            active + archived > 0,
            "the index lacks session files",
            format!("{active} active, {archived} archived"),
            "a row for every session file",
            REBUILD,
        );
        tell(
            !scan.capped && self.stale.count > 0,
            "the index names session files that are gone or cannot be used",
            format!("{} stale rows", self.stale.count),
            "a session file for every row",
            REBUILD,
        );
        tell(
            !scan.capped && self.misplaced.count > 0,
            "the index calls sessions archived that are not, or the other way round",
            format!("{} mismatched rows", self.misplaced.count),
            "archived rows lie below archived_sessions, all others below sessions",
            REBUILD,
        );
        let (ids, paths) = (self.duplicate_ids.count, self.duplicate_paths.count);
        tell(
            ids + paths > 0,
            "one session appears more than once",
            format!("{ids} duplicate rollout thread ids, {paths} duplicate DB paths"),
            "one file and one row for each session",
            "Keep one of the files named above and move the copies out of the home.",
        );
    }
}

/// Where a thread came from, in one word.
fn source(stored: &str) -> String {
    if matches!(stored, "cli" | "vscode" | "exec" | "mcp") {
        return stored.to_owned();
    }
    let json: Option<serde_json::Value> = serde_json::from_str(stored).ok();
    let entry = json.as_ref().and_then(|json| json.as_object()?.iter().next());
    match entry {
        Some((kind, _)) if kind == "custom" => kind.clone(),
        Some((kind, inner)) if kind == "subagent" => {
            let inner = inner.as_str().map(str::to_owned);
            inner.map_or_else(|| "unknown".to_owned(), |name| format!("subagent:{name}"))
        }
        _ => "unknown".to_owned(),
    }
}

/// `exec=3, cli=1`: the most frequent first.
fn tally(names: impl Iterator<Item = String>) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    if counts.is_empty() {
        return "none".to_owned();
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts.into_iter().map(|(name, count)| format!("{name}={count}")).collect::<Vec<_>>().join(", ")
}
