//! What the shell tools share: from arguments to a decided, sandboxed, ready-to-start command.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use quire_patch::Patch;
use quire_process::SpawnRequest;
use quire_protocol::{
    CommandAction, CommandSource, CommandStatus, NetworkAccess, PermissionProfile, TurnItem,
};
use quire_sandbox::{SandboxCommand, SandboxError};
use quire_shell::Shell;
use quire_shell::actions::{CommandAction as ShellAction, actions};
use quire_shell::intercept::{PatchInvocation, patch_invocation};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Done, Refusal, TurnScope, boolean, string};
use crate::approvals::{self, Decision};

/// Whether a call wants out of the sandbox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SandboxPermissions {
    /// No.
    #[default]
    UseDefault,
    /// Yes.
    RequireEscalated,
    /// A little.
    WithAdditionalPermissions,
}

impl SandboxPermissions {
    /// Whether a person would have to be asked.
    pub(super) fn asks_for_more(self) -> bool {
        self != Self::UseDefault
    }
}

/// Variables every session command gets, so that programs print plain text and never wait for a pager.
pub(super) const PLAIN_TERMINAL: [(&str, &str); 10] = [
    ("CODEX_CI", "1"),
    ("NO_COLOR", "1"),
    ("TERM", "dumb"),
    ("LANG", "C.UTF-8"),
    ("LC_CTYPE", "C.UTF-8"),
    ("LC_ALL", "C.UTF-8"),
    ("COLORTERM", ""),
    ("PAGER", "cat"),
    ("GIT_PAGER", "cat"),
    ("GH_PAGER", "cat"),
];

/// Parameters that both shell tools offer, to be placed in alphabetical order by the caller.
pub(super) fn permission_parameters(properties: &mut Map<String, Value>) {
    properties.insert(
        "justification".to_owned(),
        string("Only with `require_escalated`: the question to put to the user, in one sentence."),
    );
    properties.insert(
        "prefix_rule".to_owned(),
        json!({
            "type": "array",
            "description": "Only with `require_escalated`: the first words of the command that could be allowed from now on, such as [\"npm\", \"test\"].",
            "items": {"type": "string"},
        }),
    );
    properties.insert(
        "sandbox_permissions".to_owned(),
        json!({
            "type": "string",
            "description": "Leave out for `use_default`; `require_escalated` asks to run outside the sandbox.",
            "enum": ["use_default", "require_escalated"],
        }),
    );
}

/// The `login` parameter, where the configuration lets the model choose.
pub(super) fn login_parameter(properties: &mut Map<String, Value>, allowed: bool) {
    if allowed {
        properties.insert(
            "login".to_owned(),
            boolean("Whether the shell is a login shell; true unless said otherwise."),
        );
    }
}

/// A command of the model, decided upon and ready to start.
pub(super) struct Command {
    /// Shell-quoted command line for people.
    pub(super) shown: String,
    /// What the model asked for; rules and people judge this.
    pub(super) argv: Vec<String>,
    pub(super) cwd: PathBuf,
    shell: Shell,
    script: String,
    login: bool,
}

impl Command {
    pub(super) fn new(shell: &Shell, script: &str, login: bool, cwd: PathBuf) -> Self {
        let argv = shell.argv(script, login);
        Self {
            shown: quire_shell::join(&argv),
            argv,
            cwd,
            shell: shell.clone(),
            script: script.to_owned(),
            login,
        }
    }

    /// The patch the script is, when it is nothing but a call of `apply_patch`.
    pub(super) async fn as_patch(&self, call_id: &str, turn: &TurnScope) -> Option<Result<Done, Refusal>> {
        match patch_invocation(&self.argv, |text| quire_patch::parse(text).is_ok()) {
            PatchInvocation::NotPatch => None,
            PatchInvocation::Implicit => Some(Err(Refusal::new(
                "apply_patch verification failed: patch detected without explicit call to apply_patch. Rerun as \
                 [\"apply_patch\", \"<patch>\"]",
            ))),
            PatchInvocation::Patch { text, workdir } => {
                let base = turn.path_base(&self.cwd);
                let cwd = workdir.map_or_else(|| self.cwd.clone(), |dir| base.resolve(Path::new(&dir)));
                Some(super::apply_patch::run_patch(call_id, &text, &cwd, turn).await)
            }
        }
    }

    /// Decides whether it may run.
    pub(super) fn decide(&self, turn: &TurnScope, permissions: SandboxPermissions) -> Decision {
        let escalated = permissions.asks_for_more();
        approvals::command(&turn.approval_policy, &turn.profile, &self.argv, &self.shown, escalated)
    }

    /// The process to start: the command behind the sandbox helper, when the profile asks for one.
    pub(super) async fn spawn_request(
        &self,
        turn: &TurnScope,
        extra_env: &[(&str, &str)],
        tty: bool,
    ) -> Result<SpawnRequest, SandboxError> {
        let login_env = match &turn.services.login_env {
            Some(login_env) if self.login => login_env.variables(&self.shell, &turn.cwd).await,
            _ => None,
        };
        let mut env = environment(turn, extra_env, login_env.as_deref());
        if matches!(&turn.profile, PermissionProfile::Managed { network: NetworkAccess::Restricted, .. }) {
            env.push(("CODEX_SANDBOX_NETWORK_DISABLED".into(), "1".into()));
        }
        let argv = if login_env.is_some() { self.shell.argv(&self.script, false) } else { self.argv.clone() };
        let argv = argv.into_iter().map(OsString::from).collect();
        Ok(SpawnRequest { tty, ..behind_sandbox(turn, &self.cwd, argv, env)? })
    }

    /// The item people see while it runs.
    pub(super) fn started_item(
        &self,
        call_id: &str,
        source: CommandSource,
        process_id: Option<String>,
        turn: &TurnScope,
    ) -> TurnItem {
        let home = turn.services.user_home.as_deref();
        TurnItem::CommandExecution {
            id: call_id.to_owned(),
            command: self.shown.clone(),
            cwd: self.cwd.clone(),
            process_id,
            source,
            status: CommandStatus::InProgress,
            command_actions: actions(&self.argv, &self.cwd, home).into_iter().map(shown_action).collect(),
            aggregated_output: None,
            exit_code: None,
            duration_ms: None,
        }
    }
}

fn shown_action(action: ShellAction) -> CommandAction {
    match action {
        ShellAction::Read { command, name, path } => CommandAction::Read { command, name, path },
        ShellAction::ListFiles { command, path } => CommandAction::ListFiles { command, path },
        ShellAction::Search { command, query, path } => CommandAction::Search { command, query, path },
        ShellAction::Unknown { command } => CommandAction::Unknown { command },
    }
}

/// The same item once the command ended.
pub(crate) fn completed_item(
    started: &TurnItem,
    output: String,
    exit: i32,
    wall: std::time::Duration,
) -> TurnItem {
    let mut item = started.clone();
    if let TurnItem::CommandExecution { status, aggregated_output, exit_code, duration_ms, .. } = &mut item {
        *status = if exit == 0 { CommandStatus::Completed } else { CommandStatus::Failed };
        *aggregated_output = Some(output);
        *exit_code = Some(exit);
        *duration_ms = Some(wall.as_millis() as i64);
    }
    item
}

/// The environment of a command. Later ones win: the user's policy over ours, the tool's additions, what a login shell
/// exports, what the user's policy sets, and the thread.
fn environment(
    turn: &TurnScope,
    extra: &[(&str, &str)],
    login_env: Option<&Vec<(OsString, OsString)>>,
) -> Vec<(OsString, OsString)> {
    let extra = extra.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let set = turn.services.config.shell_environment_policy.set.iter();
    let set = set
        .map(|(name, value)| (OsString::from(name), OsString::from(value)))
        .filter(|_| login_env.is_some());
    let thread = ("CODEX_THREAD_ID".into(), turn.services.thread_id.to_string().into());
    let env: BTreeMap<OsString, OsString> = turn
        .services
        .command_env
        .iter()
        .cloned()
        .chain(extra)
        .chain(login_env.into_iter().flatten().cloned())
        .chain(set)
        .chain([thread])
        .collect();
    env.into_iter().collect()
}

/// Our own patch program under the turn's sandbox, reading the patch from its standard input; nothing when the turn
/// has no sandbox.
pub(super) fn patch_helper(
    patch_cwd: &Path,
    text: &str,
    turn: &TurnScope,
) -> Result<Option<SpawnRequest>, SandboxError> {
    if approvals::is_unconfined(&turn.profile) {
        return Ok(None);
    }
    let helper = turn.services.engine.options.helper_exe.clone().into_os_string();
    let argv = vec![helper, quire_patch::cli::STDIN_FLAG.into()];
    let request = behind_sandbox(turn, patch_cwd, argv, turn.services.command_env.clone())?;
    Ok(Some(SpawnRequest { stdin: Some(text.as_bytes().to_vec()), ..request }))
}

/// A command line started as it is, or behind the sandbox helper when the turn's profile asks for one.
fn behind_sandbox(
    turn: &TurnScope,
    cwd: &Path,
    argv: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
) -> Result<SpawnRequest, SandboxError> {
    let helper = &turn.services.engine.options.helper_exe;
    let (program, arg0, args) = match SandboxCommand::for_profile(&turn.profile, &turn.cwd, cwd, helper)? {
        Some(sandbox) => {
            let args = sandbox.args_with(&argv);
            (sandbox.program, Some(sandbox.arg0.to_owned()), args)
        }
        None => {
            let mut argv = argv.into_iter();
            (argv.next().map(PathBuf::from).unwrap_or_default(), None, argv.collect())
        }
    };
    Ok(SpawnRequest { program, arg0, args, cwd: cwd.to_owned(), env, tty: false, stdin: None })
}

/// Parses a patch for the tools, with the tool's error texts.
pub(super) fn parse_patch(text: &str) -> Result<Patch, Refusal> {
    quire_patch::parse(text).map_err(|error| Refusal(format!("apply_patch verification failed: {error}")))
}
