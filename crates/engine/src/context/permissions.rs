//! The `<permissions instructions>` block (engine sheet §5.2): the structure is the reference's, the words are ours.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use quire_protocol::{ApprovalPolicy, GranularApproval, NetworkAccess, SandboxPolicy, TurnContext};

/// The block for a turn.
pub(super) fn text(now: &TurnContext, temp_dir: Option<&Path>) -> String {
    let roots = writable_roots(now, temp_dir);
    let roots = if roots.is_empty() {
        String::new()
    } else {
        let list: Vec<_> = roots.iter().map(|root| format!("`{}`", root.display())).collect();
        format!(" Writable roots: {}.\n", list.join(", "))
    };
    format!(
        "<permissions instructions>\n{} {}\n{}\n{roots}</permissions instructions>",
        files(&now.sandbox_policy),
        network(now),
        approvals(&now.approval_policy),
    )
}

fn files(policy: &SandboxPolicy) -> &'static str {
    match policy {
        SandboxPolicy::ReadOnly { .. } => {
            "Commands run in a sandbox. `sandbox_mode` is `read-only`: files can be read, none can be written."
        }
        SandboxPolicy::WorkspaceWrite { .. } => {
            "Commands run in a sandbox. `sandbox_mode` is `workspace-write`: all files can be read; only files in the \
             working folder and the writable roots can be written."
        }
        SandboxPolicy::DangerFullAccess | SandboxPolicy::ExternalSandbox { .. } => {
            "`sandbox_mode` is `danger-full-access`: every file can be read and written."
        }
    }
}

fn network(now: &TurnContext) -> &'static str {
    let open = match &now.sandbox_policy {
        SandboxPolicy::DangerFullAccess => true,
        SandboxPolicy::ReadOnly { network_access } | SandboxPolicy::WorkspaceWrite { network_access, .. } => {
            *network_access
        }
        SandboxPolicy::ExternalSandbox { network_access } => *network_access == NetworkAccess::Enabled,
    };
    if open { "Network access is enabled." } else { "Network access is restricted." }
}

fn approvals(policy: &ApprovalPolicy) -> String {
    match policy {
        ApprovalPolicy::Never => {
            "Approval policy is `never`: nobody can be asked. Leave `sandbox_permissions` out; a \
            call that asks for more than the sandbox gives is refused."
                .to_owned()
        }
        ApprovalPolicy::Untrusted => {
            "Approval policy is `unless-trusted`: the user is asked before anything but a \
            short list of read-only commands runs."
                .to_owned()
        }
        ApprovalPolicy::OnFailure => {
            "Approval policy is `on-failure`: commands run in the sandbox; when one fails \
            there, the user is asked whether to run it outside."
                .to_owned()
        }
        ApprovalPolicy::OnRequest => on_request(),
        ApprovalPolicy::Granular(kinds) => granular(kinds),
    }
}

fn on_request() -> String {
    "Approval policy is `on-request`: commands run in the sandbox, and you may ask to run one outside it by calling the \
     tool with `sandbox_permissions` set to `require_escalated` and a one-sentence `justification` for the user. Ask \
     when the task needs to write outside the writable roots, use the network or open a window, when a command the task \
     needs failed because of the sandbox, or before anything destructive the user did not ask for. Do not ask first in \
     plain text; the call itself asks.\n\
     With such a call you may propose a `prefix_rule`: the first words of the command that the user could allow from now \
     on, such as [\"cargo\", \"test\"]. Keep it as narrow as is useful. Never propose an interpreter, a shell or a \
     destructive command alone."
        .to_owned()
}

fn granular(kinds: &GranularApproval) -> String {
    let all = [
        ("sandbox escalation", kinds.sandbox_approval),
        ("command rules", kinds.rules),
        ("skills", kinds.skill_approval),
        ("MCP elicitation", kinds.mcp_elicitations),
    ];
    let list = |wanted: bool| -> String {
        all.iter().filter(|(_, asks)| *asks == wanted).map(|(name, _)| format!("- {name}\n")).collect()
    };
    format!(
        "Approval policy is `granular`. The user may be asked about:\n{}These are refused without asking:\n{}",
        list(true),
        list(false)
    )
}

/// The folders that can be written, sorted, the temporary ones included.
fn writable_roots(now: &TurnContext, temp_dir: Option<&Path>) -> BTreeSet<PathBuf> {
    let SandboxPolicy::WorkspaceWrite { writable_roots, exclude_tmpdir_env_var, exclude_slash_tmp, .. } =
        &now.sandbox_policy
    else {
        return BTreeSet::new();
    };
    let mut roots: BTreeSet<PathBuf> = writable_roots.iter().chain([&now.cwd]).cloned().collect();
    if !exclude_slash_tmp {
        roots.insert(PathBuf::from("/tmp"));
    }
    if let Some(dir) = temp_dir.filter(|_| !exclude_tmpdir_env_var) {
        roots.insert(dir.to_owned());
    }
    roots
}
