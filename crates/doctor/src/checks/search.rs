//! `runtime.search`: the program models search files with.

use std::path::Path;

use crate::context::{Check, Context, Run};
use crate::program;
use crate::report::{Details, Outcome, Status};

pub(crate) const CHECK: Check =
    Check { id: "runtime.search", category: "search", label: "search program", run: Run::Always(run) };

const PROGRAM: &str = "rg";

fn run(context: &Context<'_>) -> Outcome {
    let found = program::find_all(context.host, PROGRAM).into_iter().next();
    let answer = match &found {
        Some(path) => program::output(context, path, ["--version"]).map_err(|error| error.to_string()),
        None => Err("not found on PATH".to_owned()),
    };
    let mut details = Details::default();
    details.add("search command", found.as_deref().unwrap_or(Path::new(PROGRAM)).display());
    details.add("search provider", "system");
    match answer {
        Ok(version) => {
            let version = version.lines().next().unwrap_or_default().to_owned();
            details.add("search command readiness", &version);
            Outcome::ok("ripgrep answers").headline(format!("{version} (system, `{PROGRAM}`)")).with(details)
        }
        Err(reason) => {
            details.add("search command readiness", reason);
            Outcome::bad(
                Status::Warning,
                "ripgrep does not answer; models fall back on slower programs",
                "Install ripgrep so that `rg --version` works on PATH.",
            )
            .with(details)
        }
    }
}
