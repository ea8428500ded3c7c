//! `terminal.title`: what is shown in the title of the terminal window.

use quire_config::Config;
use toml::Value;

use crate::context::{Check, Context, Run};
use crate::report::{Details, Issue, Outcome};

pub(crate) const CHECK: Check =
    Check { id: "terminal.title", category: "title", label: "terminal title", run: Run::Configured(run) };

const DEFAULT: [&str; 2] = ["activity", "project-name"];

/// What is written, and the item it stands for.
const ITEMS: [(&str, &str); 27] = [
    ("activity", "activity"),
    ("app-name", "app-name"),
    ("codex-version", "codex-version"),
    ("context-remaining", "context-remaining"),
    ("context-usage", "context-used"),
    ("context-used", "context-used"),
    ("current-dir", "current-dir"),
    ("fast-mode", "fast-mode"),
    ("five-hour-limit", "five-hour-limit"),
    ("git-branch", "git-branch"),
    ("model", "model"),
    ("model-name", "model"),
    ("model-with-reasoning", "model-with-reasoning"),
    ("project", "project-name"),
    ("project-name", "project-name"),
    ("run-state", "run-state"),
    ("session-id", "thread-id"),
    ("spinner", "activity"),
    ("status", "run-state"),
    ("task-progress", "task-progress"),
    ("thread", "thread-title"),
    ("thread-id", "thread-id"),
    ("thread-title", "thread-title"),
    ("total-input-tokens", "total-input-tokens"),
    ("total-output-tokens", "total-output-tokens"),
    ("used-tokens", "used-tokens"),
    ("weekly-limit", "weekly-limit"),
];

fn run(context: &Context<'_>, config: &Config) -> Outcome {
    let written = config.merged.get("tui").and_then(|tui| tui.get("terminal_title")?.as_array());
    let (items, invalid) = match written {
        Some(list) => resolve(list),
        None => (DEFAULT.to_vec(), Vec::new()),
    };
    let source = match written {
        None => "default",
        Some(list) if list.is_empty() => "disabled",
        Some(_) => "configured",
    };
    let mut details = Details::default();
    details.add("terminal title source", source);
    let listed = if items.is_empty() { "none".to_owned() } else { items.join(", ") };
    details.add("terminal title items", listed);
    details.add("terminal title activity", items.contains(&"activity"));
    let mut headline = source.to_owned();
    if items.contains(&"project-name") {
        let (source, value) = project(context);
        details.add("terminal title project source", source);
        details.add("terminal title project value", &value);
        headline = format!("{headline} · project {value}");
    }
    if invalid.is_empty() {
        return Outcome::ok(format!("terminal title: {source}")).headline(headline).with(details);
    }
    let invalid = invalid.join(", ");
    details.add("terminal title invalid items", &invalid);
    Outcome::ok("some items of the terminal title are unknown").with(details).issues(vec![
        Issue::warning(
            format!("unknown items in the terminal title: {invalid}"),
            "Correct or remove them in `terminal_title` of [tui] in config.toml.",
        )
        .measured(invalid, "names of title items")
        .about(&["terminal title invalid items"]),
    ])
}

/// The known items, and the unknown ones in quotes.
fn resolve(list: &[Value]) -> (Vec<&'static str>, Vec<String>) {
    let (mut items, mut invalid) = (Vec::new(), Vec::new());
    for value in list.iter().filter_map(Value::as_str) {
        match ITEMS.iter().find(|(name, _)| *name == value) {
            Some((_, item)) => items.push(*item),
            None => invalid.push(format!("{value:?}")),
        }
    }
    (items, invalid)
}

/// The name of the project, and what it is taken from.
fn project(context: &Context<'_>) -> (&'static str, String) {
    let cwd = &context.host.cwd;
    let root = quire_repo::git_root(cwd);
    let source = if root.is_some() { "git repo root" } else { "cwd" };
    let folder = root.as_deref().unwrap_or(cwd);
    let name =
        folder.file_name().map_or_else(|| folder.display().to_string(), |name| name.to_string_lossy().into());
    (source, name)
}
