//! `app_server.status`: whether a server runs in the background, and whether it answers.

use std::path::Path;

use quire_config::Config;

use crate::access::describe;
use crate::context::{Check, Context, Run};
#[cfg(unix)]
use crate::control;
use crate::report::{Details, Outcome, Status};

pub(crate) const CHECK: Check = Check {
    id: "app_server.status",
    category: "app-server",
    label: "background server",
    run: Run::Configured(run),
};

fn run(context: &Context<'_>, _config: &Config) -> Outcome {
    let home = &context.host.home;
    let folder = home.join("app-server-daemon");
    let (settings, socket) =
        (folder.join("settings.json"), home.join("app-server-control").join("app-server-control.sock"));
    let mut details = Details::default();
    details.add_path("daemon state dir", &folder);
    details.add("settings", describe(&settings));
    details.add("pid file", describe(&folder.join("app-server.pid")));
    details.add("update-loop pid file", describe(&folder.join("app-server-updater.pid")));
    details.add_path("control socket", &socket);
    let server = probe(context, &socket);
    let (status, answer) = match &server {
        Server::Absent => ("not running", None),
        Server::Running(version) => ("running", Some(version.clone())),
        Server::Silent(reason) => ("stale or unreachable", Some(format!("unavailable ({reason})"))),
    };
    details.add("status", status);
    details.add_some("app-server version", answer);
    let mode = if settings.exists() { "persistent" } else { "ephemeral" };
    details.add("mode", mode);
    match server {
        Server::Absent => Outcome::ok("no server runs in the background")
            .headline(format!("not running ({mode} mode)"))
            .idle(),
        Server::Running(_) => {
            Outcome::ok("a server runs in the background").headline(format!("running ({mode} mode)"))
        }
        Server::Silent(_) => Outcome::bad(
            Status::Warning,
            "there is a control socket, but no server answers on it",
            format!("If no server should run, remove {}.", socket.display()),
        ),
    }
    .with(details)
}

/// What is behind the control socket.
enum Server {
    Absent,
    /// Answers, with this version.
    Running(String),
    Silent(String),
}

#[cfg(unix)]
fn probe(context: &Context<'_>, socket: &Path) -> Server {
    if std::fs::symlink_metadata(socket).is_err() {
        return Server::Absent;
    }
    let bounded = async { tokio::time::timeout(crate::program::PATIENCE, control::version(socket)).await };
    match context.runtime.block_on(bounded) {
        Err(_elapsed) => Server::Silent("no answer in time".to_owned()),
        Ok(Err(error)) => Server::Silent(error.to_string()),
        Ok(Ok(version)) => Server::Running(version),
    }
}

#[cfg(not(unix))]
fn probe(_: &Context<'_>, _: &Path) -> Server {
    Server::Absent
}
