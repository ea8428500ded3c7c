//! `system.environment`: the operating system and its language.

use crate::context::{Check, Context, Run};
use crate::host::Host;
use crate::os_release::System;
use crate::report::{Details, Outcome};

pub(crate) const CHECK: Check =
    Check { id: "system.environment", category: "system", label: "operating system", run: Run::Always(run) };

/// Variables that are shown as they are.
const SHOWN: [&str; 3] = ["LC_ALL", "LC_CTYPE", "LANG"];

fn run(context: &Context<'_>) -> Outcome {
    let system = System::of_this_machine();
    let language = language(context.host);
    let language = language.as_deref().unwrap_or("unavailable");
    let mut details = Details::default();
    details.add("os", system.line());
    details.add("os type", &system.name);
    details.add("os version", &system.version);
    details.add("os language", language);
    for name in SHOWN {
        details.add_some(name, context.host.var(name));
    }
    Outcome::ok(format!("{} {}, language {language}", system.name, system.version))
        .headline(language)
        .with(details)
}

/// `de_DE.UTF-8` is `de-DE`.
fn language(host: &Host) -> Option<String> {
    let value = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(|name| host.filled_var(name))?;
    let language = value.split(['.', '@']).next().unwrap_or_default();
    Some(language.replace('_', "-"))
}
