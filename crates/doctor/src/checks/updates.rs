//! `updates.status`: what is known of newer versions. Nobody is asked.

use std::io::ErrorKind;
use std::path::Path;

use quire_config::Config;
use serde::Deserialize;
use toml::Value;

use crate::access::read_bounded;
use crate::context::{Check, Context, Run};
use crate::install::{Manager, NpmTarget};
use crate::report::{Details, Outcome, Status};

pub(crate) const CHECK: Check =
    Check { id: "updates.status", category: "updates", label: "updates", run: Run::Configured(run) };

/// The cache holds three short strings.
const MAX_CACHE: u64 = 64 * 1024;

#[derive(Deserialize)]
struct Cache {
    latest_version: Option<String>,
    last_checked_at: Option<String>,
    dismissed_version: Option<String>,
}

fn run(context: &Context<'_>, config: &Config) -> Outcome {
    let host = context.host;
    let wanted = config.merged.get("check_for_update_on_startup").and_then(Value::as_bool).unwrap_or(true);
    let mut details = Details::default();
    details.add("check for update on startup", wanted);
    details.add("update action", Manager::of(host).update_action());
    let file = host.home.join("version.json");
    details.add_path("version cache", &file);
    match read(&file) {
        None => details.add("version cache", "missing"),
        Some(Err(reason)) => details.add("version cache parse", reason),
        Some(Ok(cache)) => {
            details.add_some("cached latest version", cache.latest_version);
            details.add_some("last checked at", cache.last_checked_at);
            details.add_some("dismissed version", cache.dismissed_version);
        }
    }
    details.add("latest version probe", "not probed (never contacts a server)");
    let target = NpmTarget::find(context);
    if let NpmTarget::Known { running, npm } = &target
        && target.mismatch()
    {
        details.add_path("npm package root", npm);
        details.add_path("running package root", running);
        return Outcome::bad(
            Status::Fail,
            "an update would change another npm installation",
            "Make the npm prefix, or PATH, agree with the running package.",
        )
        .with(details);
    }
    Outcome::ok("update settings are consistent").headline("not probed").with(details)
}

fn read(file: &Path) -> Option<Result<Cache, String>> {
    match read_bounded(file, MAX_CACHE) {
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => Some(Err(error.to_string())),
        Ok(bytes) => Some(serde_json::from_slice(&bytes).map_err(|error| error.to_string())),
    }
}
