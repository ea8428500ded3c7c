//! `runtime.provenance`: which program this is and where it came from.

use crate::context::{Check, Context, Run};
use crate::install::Manager;
use crate::report::{Details, Outcome};

pub(crate) const CHECK: Check =
    Check { id: "runtime.provenance", category: "runtime", label: "running program", run: Run::Always(run) };

/// The commit this was built from, where the build says.
const COMMIT: Option<&str> = option_env!("QUIRE_COMMIT");

fn run(context: &Context<'_>) -> Outcome {
    let host = context.host;
    let platform = crate::platform();
    let manager = Manager::of(host).as_str();
    let mut details = Details::default();
    details.add("version", &host.version);
    details.add("platform", &platform);
    details.add("install method", manager);
    details.add("commit", COMMIT.unwrap_or("unknown"));
    details.add_path("current executable", &host.executable);
    Outcome::ok(format!("version {} on {platform}, installed by: {manager}", host.version))
        .headline(manager)
        .with(details)
}
