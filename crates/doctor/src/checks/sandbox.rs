//! `sandbox.helpers`: what commands may do, and the programs that see to it.

use quire_config::Config;
use quire_protocol::{ApprovalPolicy, FileSystemPolicy, NetworkAccess, PermissionProfile};

use crate::context::{Check, Context, Run};
use crate::report::{Details, Outcome};

pub(crate) const CHECK: Check =
    Check { id: "sandbox.helpers", category: "sandbox", label: "sandbox", run: Run::Configured(run) };

fn run(context: &Context<'_>, config: &Config) -> Outcome {
    let approval = approval(&config.approval_policy);
    let files = if restricts_files(&config.permission_profile) { "restricted" } else { "unrestricted" };
    let network = match config.permission_profile.network() {
        NetworkAccess::Enabled => "enabled",
        NetworkAccess::Restricted => "restricted",
    };
    let mut details = Details::default();
    details.add("approval policy", &approval);
    details.add("filesystem sandbox", files);
    details.add("network sandbox", network);
    if cfg!(target_os = "linux") {
        let helpers = context.host.helper_folder.as_deref();
        let link = |name: &str| helpers.map(|folder| folder.join(name).display().to_string());
        let own = || context.host.executable.display().to_string();
        details.add("codex-linux-sandbox helper", link(quire_sandbox::HELPER_ARG0).unwrap_or_else(own));
        details
            .add("execve wrapper helper", link("codex-execve-wrapper").unwrap_or_else(|| "none".to_owned()));
    }
    Outcome::ok("the sandbox settings are sound")
        .headline(format!("{files} fs + {network} network · approval {approval}"))
        .with(details)
}

fn restricts_files(profile: &PermissionProfile) -> bool {
    match profile {
        PermissionProfile::Managed { file_system, .. } => {
            matches!(file_system, FileSystemPolicy::Restricted { .. })
        }
        PermissionProfile::Disabled | PermissionProfile::External { .. } => false,
    }
}

/// The policy as clients know it from the reference's report.
fn approval(policy: &ApprovalPolicy) -> String {
    match policy {
        ApprovalPolicy::Untrusted => "UnlessTrusted".to_owned(),
        ApprovalPolicy::OnFailure => "OnFailure".to_owned(),
        ApprovalPolicy::OnRequest => "OnRequest".to_owned(),
        ApprovalPolicy::Never => "Never".to_owned(),
        ApprovalPolicy::Granular(granular) => format!(
            "Granular(GranularApprovalConfig {{ sandbox_approval: {}, rules: {}, skill_approval: {}, \
             request_permissions: {}, mcp_elicitations: {} }})",
            granular.sandbox_approval,
            granular.rules,
            granular.skill_approval,
            granular.request_permissions,
            granular.mcp_elicitations
        ),
    }
}
