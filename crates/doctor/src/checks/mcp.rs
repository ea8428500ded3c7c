//! `mcp.config`: whether the configured MCP servers could be started or reached.

use std::ffi::OsStr;
use std::path::Path;

use quire_config::Config;

use crate::context::{Check, Context, Run};
use crate::host::{Host, Network};
use crate::http;
use crate::mcp_servers::{self, EnvVar, Server, Transport};
use crate::program;
use crate::report::{Details, Outcome, Status};

pub(crate) const CHECK: Check =
    Check { id: "mcp.config", category: "mcp", label: "MCP servers", run: Run::Configured(run) };

fn run(context: &Context<'_>, config: &Config) -> Outcome {
    let mut servers = mcp_servers::servers(config);
    if servers.is_empty() {
        return Outcome::ok("no MCP servers are configured").headline("none configured");
    }
    // What is required comes first.
    servers.sort_by_key(|server| !server.required);
    let count = |wanted: fn(&Server) -> bool| servers.iter().filter(|server| wanted(server)).count();
    let mut details = Details::default();
    details.add("configured servers", servers.len());
    details.add("disabled servers", count(|server| !server.enabled));
    for (key, number) in [
        ("stdio servers", count(|server| matches!(server.transport, Transport::Stdio { .. }))),
        ("streamable_http servers", count(|server| matches!(server.transport, Transport::Http { .. }))),
    ] {
        if number > 0 {
            details.add(key, number);
        }
    }
    let (mut status, mut affected) = (Status::Ok, Vec::new());
    for server in servers.iter().filter(|server| server.enabled) {
        let problems = problems(context, config, server);
        let unreachable = unreachable(context, server);
        if problems.is_empty() && unreachable.is_none() {
            continue;
        }
        affected.push(server.name.as_str());
        status = status.max(if server.required { Status::Fail } else { Status::Warning });
        for problem in problems {
            details.add(&server.name, problem);
        }
        let key =
            if server.required { "required reachability failed" } else { "optional reachability failed" };
        details.add_some(key, unreachable);
    }
    match status {
        Status::Ok => {
            Outcome::ok("the MCP servers could be started").headline(format!("{} configured", servers.len()))
        }
        Status::Warning | Status::Fail => Outcome::bad(
            status,
            if status == Status::Fail {
                "a required MCP server cannot work"
            } else {
                "an MCP server cannot work"
            },
            format!(
                "Correct {} in config.toml, or set `enabled = false` there.",
                affected.iter().map(|name| format!("[mcp_servers.{name}]")).collect::<Vec<_>>().join(", ")
            ),
        ),
    }
    .with(details)
}

fn problems(context: &Context<'_>, config: &Config, server: &Server) -> Vec<String> {
    let host = context.host;
    match &server.transport {
        Transport::Stdio { command, cwd, path, env_vars } => {
            let mut problems = missing_variables(host, env_vars);
            if let Some(cwd) = cwd.as_deref().filter(|cwd| !config.cwd.join(cwd).is_dir()) {
                problems.push(format!("its cwd does not exist ({})", cwd.display()));
            }
            let folder = config.cwd.join(cwd.as_deref().unwrap_or(Path::new("")));
            let path = path.as_deref().map(OsStr::new).or_else(|| host.var_os("PATH"));
            if let Err(reason) = resolve(command, &folder, path) {
                problems.push(reason);
            }
            problems
        }
        Transport::Http { bearer_variable, header_variables, .. } => {
            let unset = |name: &&String| host.filled_var(name).is_none();
            let bearer = bearer_variable.iter().filter(unset);
            let headers = header_variables.iter().filter(unset);
            bearer
                .map(|name| format!("variable {name} (bearer) is not set"))
                .chain(headers.map(|name| format!("variable {name} (header) is not set")))
                .collect()
        }
    }
}

fn missing_variables(host: &Host, variables: &[EnvVar]) -> Vec<String> {
    let mut problems = Vec::new();
    for variable in variables {
        if variable.remote {
            problems.push(format!("variable {} is remote, but the server is local", variable.name));
        } else if host.var_os(&variable.name).is_none() {
            problems.push(format!("variable {} is not set", variable.name));
        }
    }
    problems
}

/// Whether a command names a program; if not, why.
fn resolve(command: &str, folder: &Path, path: Option<&OsStr>) -> Result<(), String> {
    if command.trim().is_empty() {
        return Err("the command is empty".to_owned());
    }
    if Path::new(command).components().count() > 1 {
        return program::executable(&folder.join(command))
            .map_err(|reason| format!("the command {command:?} cannot be run ({reason})"));
    }
    let found = path.is_some_and(|path| !program::find_all_in(path, command).is_empty());
    if found { Ok(()) } else { Err(format!("the command {command:?} is not on PATH")) }
}

/// Why an HTTP server gives no answer. Asked only if the network may be used.
fn unreachable(context: &Context<'_>, server: &Server) -> Option<String> {
    let (Transport::Http { url, .. }, Network::Allowed) = (&server.transport, context.network) else {
        return None;
    };
    let failed = http::any_answer(context, url).err()?;
    Some(format!("{}: {url} ({failed})", server.name))
}
