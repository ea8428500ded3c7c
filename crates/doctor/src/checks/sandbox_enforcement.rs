//! `quire.sandbox.enforcement`: really runs a command in each sandbox mode and looks whether what must be denied is
//! denied.
//!
//! A newcomer's trap: the command's own words do not count. Whether a write went through is read from the disk, whether a
//! connection went through from the socket that listened.

use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use quire_protocol::{PermissionProfile, SandboxPolicy};
use quire_sandbox::SandboxCommand;

use crate::context::{Check, Context, Run};
use crate::program;
use crate::report::{Details, Issue, Outcome};

pub(crate) const CHECK: Check = Check {
    id: "quire.sandbox.enforcement",
    category: "enforcement",
    label: "sandbox enforcement",
    run: Run::Always(run),
};

/// What is tried in every mode. `$1` is inside of the workspace, `$2` outside, `$3` a port.
const SCRIPT: &str = "echo x > \"$1\"; echo x > \"$2\"; \
    if [ -n \"$BASH_VERSION\" ]; then (exec 3<>\"/dev/tcp/127.0.0.1/$3\") ; fi; exit 0";

/// The helper is this program; on a busy machine it needs its time.
const PATIENCE: Duration = Duration::from_secs(5);

/// A mode and what it allows inside of the workspace.
const MODES: [(&str, bool); 2] = [("read-only", false), ("workspace-write", true)];

fn run(context: &Context<'_>) -> Outcome {
    let Some(helper) = &context.host.sandbox_helper else {
        return Outcome::ok("not tried: there is no sandbox helper here").headline("not tried").idle();
    };
    let mut details = Details::default();
    let mut issues = Vec::new();
    for (mode, writes) in MODES {
        match try_mode(context, helper, writes) {
            Ok(seen) => {
                let wrong = seen.wrong(writes);
                details.add(mode, if wrong.is_empty() { "enforced".to_owned() } else { wrong.join("; ") });
                for fault in wrong {
                    issues.push(fault_in(mode, fault));
                }
                details.add_some(
                    format!("{mode} network"),
                    seen.network_untried.then_some("not tried (no bash)"),
                );
            }
            Err(error) => {
                details.add(mode, format!("not tried ({error})"));
                issues.push(Issue::warning(
                    format!("{mode}: commands cannot be run in the sandbox"),
                    format!("Commands in this mode will be refused: {error}."),
                ));
            }
        }
    }
    details.add("danger-full-access", "nothing to enforce");
    let summary = issues.first().map_or("what must be denied is denied", |issue| issue.cause.as_str());
    Outcome::ok(summary.to_owned()).headline("enforced").with(details).issues(issues)
}

fn fault_in(mode: &str, fault: &'static str) -> Issue {
    let issue = Issue::warning(format!("{mode}: {fault}"), "");
    if fault == Seen::TOO_STRICT {
        Issue {
            remedy: Some(
                "Check that the temporary folder (TMPDIR) is writable and not mounted read-only.".into(),
            ),
            ..issue
        }
    } else {
        Issue {
            remedy: Some("Do not run agents here before this is understood; please report it.".into()),
            ..issue
        }
        .failure()
    }
}

/// What really happened.
struct Seen {
    wrote_inside: bool,
    wrote_outside: bool,
    connected: bool,
    network_untried: bool,
}

impl Seen {
    const TOO_STRICT: &str = "a write that must be allowed was denied";

    fn wrong(&self, writes: bool) -> Vec<&'static str> {
        let mut wrong = Vec::new();
        if self.wrote_outside {
            wrong.push("a write outside of the workspace went through");
        }
        if self.wrote_inside && !writes {
            wrong.push("a write into the workspace went through");
        }
        if !self.wrote_inside && writes {
            wrong.push(Self::TOO_STRICT);
        }
        if self.connected {
            wrong.push("a network connection went through");
        }
        wrong
    }
}

/// Why a mode was not tried.
#[derive(Debug, thiserror::Error)]
enum TrialError {
    #[error("a scratch folder or port cannot be had: {0}")]
    Scratch(std::io::Error),
    #[error(transparent)]
    Sandbox(#[from] quire_sandbox::SandboxError),
    #[error("the helper cannot be run: {0}")]
    Start(std::io::Error),
    #[error("the command did not end in time")]
    TimedOut,
    #[error("the helper refused: {0}")]
    Refused(String),
    #[error("there is no shell on PATH")]
    NoShell,
}

fn try_mode(context: &Context<'_>, helper: &Path, writes: bool) -> Result<Seen, TrialError> {
    let scratch = tempfile::tempdir().map_err(TrialError::Scratch)?;
    let scratch_path = scratch.path().canonicalize().map_err(TrialError::Scratch)?;
    let (workspace, outside) = (scratch_path.join("workspace"), scratch_path.join("outside"));
    for folder in [&workspace, &outside] {
        std::fs::create_dir(folder).map_err(TrialError::Scratch)?;
    }
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(TrialError::Scratch)?;
    listener.set_nonblocking(true).map_err(TrialError::Scratch)?;
    let port = listener.local_addr().map_err(TrialError::Scratch)?.port().to_string();

    let policy = if writes {
        SandboxPolicy::WorkspaceWrite {
            writable_roots: Vec::new(),
            network_access: false,
            exclude_tmpdir_env_var: true,
            exclude_slash_tmp: true,
        }
    } else {
        SandboxPolicy::ReadOnly { network_access: false }
    };
    let profile = PermissionProfile::from_policy(&policy, &workspace);
    let shell =
        ["bash", "sh"].iter().find_map(|name| program::find_all(context.host, name).into_iter().next());
    let shell = shell.ok_or(TrialError::NoShell)?;
    let (inside_file, outside_file) = (workspace.join("file"), outside.join("file"));
    let arguments: [&std::ffi::OsStr; 7] = [
        shell.as_ref(),
        "-c".as_ref(),
        SCRIPT.as_ref(),
        "doctor".as_ref(),
        inside_file.as_ref(),
        outside_file.as_ref(),
        port.as_ref(),
    ];
    if let Some(command) = SandboxCommand::for_profile(&profile, &workspace, &workspace, helper)? {
        run_helper(context, &command, &workspace, &arguments)?;
    }
    Ok(Seen {
        wrote_inside: inside_file.exists(),
        wrote_outside: outside_file.exists(),
        connected: listener.accept().is_ok(),
        network_untried: !shell.ends_with("bash"),
    })
}

fn run_helper(
    context: &Context<'_>,
    sandbox: &SandboxCommand,
    cwd: &Path,
    arguments: &[&std::ffi::OsStr],
) -> Result<(), TrialError> {
    let mut command = tokio::process::Command::new(&sandbox.program);
    #[cfg(unix)]
    command.arg0(sandbox.arg0);
    command
        .args(sandbox.args_with(arguments))
        .current_dir(cwd)
        .env_clear()
        .envs(context.host.env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    context.runtime.block_on(async {
        let child = command.spawn().map_err(TrialError::Start)?;
        let ended = tokio::time::timeout(PATIENCE, child.wait_with_output()).await;
        let output = ended.map_err(|_elapsed| TrialError::TimedOut)?.map_err(TrialError::Start)?;
        if output.status.success() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&output.stderr);
        Err(TrialError::Refused(text.lines().next().unwrap_or("no reason given").to_owned()))
    })
}
