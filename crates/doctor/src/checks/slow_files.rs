//! `quire.home.slow_files`: files so big that starts and listings get slow.

use std::path::Path;

use crate::context::{Check, Context, Run};
use crate::report::{Details, Issue, Outcome};
use crate::rollouts::{self, Found};
use crate::text::bytes;

pub(crate) const CHECK: Check = Check {
    id: "quire.home.slow_files",
    category: "slow files",
    label: "files that slow down starts",
    run: Run::Always(run),
};

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// Files of the home, the size from which they are felt, and what helps.
const LIMITS: [(&str, u64, &str); 6] = [
    ("config.toml", 64 * KIB, "remove [projects] entries of folders that are gone"),
    ("AGENTS.md", 32 * KIB, "shorten it; what is beyond project_doc_max_bytes is not read"),
    ("session_index.jsonl", 50 * MIB, "move it away; names of old sessions are lost, sessions are not"),
    ("history.jsonl", 50 * MIB, "set `max_bytes` of [history] in config.toml"),
    ("models_cache.json", 10 * MIB, "remove it; it is fetched again"),
    ("logs_2.sqlite", 500 * MIB, "stop all sessions and remove it; it holds logs only"),
];
const ROLLOUT_LIMIT: u64 = 200 * MIB;
/// More session files than these are not looked at.
const MAX_ROLLOUTS: usize = 100_000;

fn run(context: &Context<'_>) -> Outcome {
    let home = &context.host.home;
    let mut details = Details::default();
    let mut issues = Vec::new();
    for (name, limit, remedy) in LIMITS {
        let size = std::fs::metadata(home.join(name)).map_or(0, |facts| facts.len());
        issues.extend(too_big(&home.join(name), size, limit, remedy));
    }
    let mut left = MAX_ROLLOUTS;
    for folder in ["sessions", "archived_sessions"] {
        // A folder that cannot be walked is told by `state.paths`.
        let _told_elsewhere = rollouts::walk(&home.join(folder), &mut |found| {
            left = left.saturating_sub(1);
            let Found::File(path, entry) = found else { return left > 0 };
            let size = entry.metadata().map_or(0, |facts| facts.len());
            issues.extend(too_big(
                path,
                size,
                ROLLOUT_LIMIT,
                "start a new session instead of resuming this one",
            ));
            left > 0
        });
    }
    details.add("slow files", issues.len());
    details.add("session file cap reached", left == 0);
    let summary = match issues.len() {
        0 => "no file is so big that it slows down starts".to_owned(),
        1 => "one file slows down starts".to_owned(),
        n => format!("{n} files slow down starts"),
    };
    for issue in &issues {
        details.add("slow file", &issue.cause);
    }
    Outcome::ok(summary).headline("none").with(details).issues(issues)
}

fn too_big(path: &Path, size: u64, limit: u64, remedy: &str) -> Option<Issue> {
    (size > limit).then(|| {
        Issue::warning(
            format!("{} has {}", path.display(), bytes(size)),
            format!("{}: {remedy}", path.display()),
        )
        .measured(bytes(size), format!("at most {}", bytes(limit)))
        .about(&["slow file"])
    })
}
