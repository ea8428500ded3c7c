//! `quire.home.size`: how much the home holds, and what the biggest parts are.

use std::path::Path;

use crate::context::{Check, Context, Run};
use crate::report::{Details, Outcome};
use crate::text::bytes;

pub(crate) const CHECK: Check =
    Check { id: "quire.home.size", category: "size", label: "size of the home", run: Run::Always(run) };

/// More entries than these are not looked at.
const MAX_ENTRIES: u64 = 200_000;
const MAX_DEPTH: usize = 32;
/// So many of the biggest entries are named.
const NAMED: usize = 5;

fn run(context: &Context<'_>) -> Outcome {
    let mut walk = Walk { left: MAX_ENTRIES, unreadable: 0 };
    let mut parts = Vec::new();
    match std::fs::read_dir(&context.host.home) {
        Ok(entries) => {
            for entry in entries.flatten() {
                let total = walk.measure(&entry.path(), MAX_DEPTH);
                parts.push((entry.file_name().to_string_lossy().into_owned(), total));
            }
        }
        Err(_) => walk.unreadable += 1,
    }
    let total = parts.iter().fold(Total::default(), |sum, (_, part)| sum.plus(*part));
    let mut details = Details::default();
    details.add("bytes", total.bytes);
    details.add("files", total.files);
    details.add("entry cap reached", walk.left == 0);
    if walk.unreadable > 0 {
        details.add("unreadable folders", walk.unreadable);
    }
    parts.sort_by(|a, b| b.1.bytes.cmp(&a.1.bytes).then_with(|| a.0.cmp(&b.0)));
    for (name, part) in parts.iter().filter(|(_, part)| part.bytes > 0).take(NAMED) {
        details.add("biggest", format!("{name}: {} in {} files", bytes(part.bytes), part.files));
    }
    let more = if walk.left == 0 { "more than " } else { "" };
    let headline = format!("{more}{} in {} files", bytes(total.bytes), total.files);
    Outcome::ok(format!("the home holds {headline}")).headline(headline).with(details)
}

#[derive(Clone, Copy, Default)]
struct Total {
    bytes: u64,
    files: u64,
}

impl Total {
    const fn plus(self, other: Self) -> Self {
        Self { bytes: self.bytes + other.bytes, files: self.files + other.files }
    }
}

struct Walk {
    left: u64,
    unreadable: u64,
}

impl Walk {
    /// What lies at a path and below it. Links count as nothing and are not followed.
    fn measure(&mut self, path: &Path, depth: usize) -> Total {
        if self.left == 0 {
            return Total::default();
        }
        self.left -= 1;
        let Ok(facts) = std::fs::symlink_metadata(path) else { return Total::default() };
        if facts.is_file() {
            return Total { bytes: facts.len(), files: 1 };
        }
        if !facts.is_dir() || depth == 0 {
            return Total::default();
        }
        let Ok(entries) = std::fs::read_dir(path) else {
            self.unreadable += 1;
            return Total::default();
        };
        let mut total = Total::default();
        for entry in entries.flatten() {
            if self.left == 0 {
                break;
            }
            total = total.plus(self.measure(&entry.path(), depth - 1));
        }
        total
    }
}
