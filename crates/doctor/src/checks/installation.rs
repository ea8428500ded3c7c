//! `installation`: whether the package manager that installed the program would also update it.

use crate::context::{Check, Context, Run};
use crate::install::{Manager, NpmTarget, package_root};
use crate::report::{Details, Outcome, Status};

pub(crate) const CHECK: Check =
    Check { id: "installation", category: "install", label: "installation", run: Run::Always(run) };

fn run(context: &Context<'_>) -> Outcome {
    let host = context.host;
    let manager = Manager::of(host);
    let mut details = Details::default();
    details.add_path("current executable", &host.executable);
    details.add("install context", manager.as_str());
    details.add("managed by npm", host.var_os("CODEX_MANAGED_BY_NPM").is_some());
    details.add("managed by bun", host.var_os("CODEX_MANAGED_BY_BUN").is_some());
    let root = package_root(host).map(|root| root.display().to_string());
    details.add("managed package root", root.as_deref().unwrap_or("not set"));
    let target = NpmTarget::find(context);
    if let NpmTarget::Known { running, npm } = &target {
        details.add_path("running package root", running);
        details.add_path("npm package root", npm);
    }
    outcome(&target).with(details)
}

fn outcome(target: &NpmTarget) -> Outcome {
    match target {
        NpmTarget::Known { running, npm } if target.mismatch() => Outcome::bad(
            Status::Fail,
            "npm would update another installation than the one that runs",
            format!(
                "Make the npm prefix, or PATH, agree with the running package: it runs from {}, npm installs into {}.",
                running.display(),
                npm.display()
            ),
        ),
        NpmTarget::NotNpm | NpmTarget::Known { .. } => {
            Outcome::ok("the installation is consistent").headline("consistent")
        }
        NpmTarget::Unproven => Outcome::bad(
            Status::Warning,
            "started through npm, but npm's starter did not say where the package is",
            "Reinstall the npm package; its starter must set CODEX_MANAGED_PACKAGE_ROOT.",
        ),
        NpmTarget::Unknown(reason) => Outcome::bad(
            Status::Warning,
            "npm does not say where it installs packages",
            format!("Make `npm root -g` work ({reason})."),
        ),
    }
}
