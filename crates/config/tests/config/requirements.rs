//! What an administrator requires, against what the reference makes of it.

use quire_config::{ApprovalsReviewer, Feature, WebSearchMode};
use quire_protocol::{
    Access, ApprovalPolicy, FileSystemPath, FileSystemPolicy, PermissionProfile, SandboxMode, SandboxPolicy,
};
use serde::Deserialize;
use serde_json::Value;

use crate::world::World;

/// One pair of files and what the reference answers.
#[derive(Deserialize)]
struct Case {
    requirements: Option<String>,
    managed: Option<String>,
    config: String,
    /// `configRequirements/read`, without what is null.
    #[serde(default)]
    read: Value,
    approval: Option<String>,
    reviewer: Option<String>,
    sandbox: Option<String>,
    /// What is warned about: keys, and names of features.
    #[serde(default)]
    warnings: Vec<String>,
    /// First line of the error.
    error: Option<String>,
}

impl Case {
    fn world(&self) -> World {
        let mut world = World::with(&self.config);
        if let Some(text) = &self.requirements {
            world = world.file(
                "etc/requirements.toml",
                &text.replace("'vm'", "'build-7'").replace("'v?'", "'build-?'"),
            );
        }
        match &self.managed {
            Some(text) => world.file("etc/managed_config.toml", text),
            None => world,
        }
    }
}

fn without_null(value: Value) -> Value {
    match value {
        Value::Object(members) => members.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        other => other,
    }
}

#[test]
fn every_requirement_has_the_effect_it_has_with_the_reference() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../data/requirements.json")).unwrap();
    assert!(cases.len() > 80);
    for case in cases {
        let world = case.world();
        let shown = format!("{:?} {:?} {:?}", case.requirements, case.managed, case.config);
        let config = match (world.try_load(), &case.error) {
            (Ok(config), None) => config,
            (Err(error), Some(theirs)) => {
                same_error(&world.tidy(&error.message()), theirs, &shown);
                continue;
            }
            (Ok(_), Some(theirs)) => panic!("{shown}: loads, the reference says {theirs}"),
            (Err(error), None) => panic!("{shown}: {error}"),
        };
        let view = config.requirements.as_ref().map(|requirements| requirements.view());
        assert_eq!(without_null(serde_json::to_value(view).unwrap()), case.read, "{shown}");
        let policy = serde_json::to_value(&config.approval_policy).unwrap();
        assert_eq!(policy.as_str().unwrap_or("granular"), case.approval.unwrap(), "{shown}");
        let by_person = config.approvals_reviewer == ApprovalsReviewer::User;
        assert_eq!(by_person, case.reviewer.unwrap() == "user", "{shown}");
        let sandbox = match &config.sandbox_policy {
            SandboxPolicy::ReadOnly { .. } => "readOnly",
            SandboxPolicy::WorkspaceWrite { .. } => "workspaceWrite",
            SandboxPolicy::DangerFullAccess => "dangerFullAccess",
            SandboxPolicy::ExternalSandbox { .. } => "externalSandbox",
        };
        assert_eq!(sandbox, case.sandbox.unwrap(), "{shown}");
        assert_eq!(config.warnings.len(), case.warnings.len(), "{shown}: {:?}", config.warnings);
        for (ours, theirs) in config.warnings.iter().zip(&case.warnings) {
            assert!(ours.contains(&format!("`{theirs}`")), "{shown}: {ours}");
        }
    }
}

/// The beginning of the text is the same; advice is in our own words, and places of errors inside a table are closer.
fn same_error(ours: &str, theirs: &str, case: &str) {
    let beginning = |text: &str| {
        let line = text.lines().next().unwrap_or_default().replace("@/etc", "/etc/codex");
        let end =
            ["` is not in the allowed set", ": `[", ": Codex", ": write", "; ", ": it must", " at line "]
                .iter()
                .filter_map(|mark| line.find(mark))
                .min();
        line[..end.unwrap_or(line.len())].to_owned()
    };
    assert_eq!(beginning(ours), beginning(theirs), "{case}");
}

#[test]
fn flags_are_held_against_requirements_too() {
    let required = "allowed_sandbox_modes = ['read-only']\nallowed_approval_policies = ['on-request', 'never']\n\
                    allowed_web_search_modes = ['cached']\n";
    let world = || World::new().file("etc/requirements.toml", required);
    let config = world()
        .options(|options| {
            options.typed.sandbox_mode = Some(SandboxMode::DangerFullAccess);
            options.typed.approval_policy = Some(ApprovalPolicy::Untrusted);
            options.typed.web_search = Some(WebSearchMode::Live);
        })
        .load();
    assert_eq!(config.approval_policy, ApprovalPolicy::OnRequest);
    assert_eq!(config.sandbox_policy, SandboxPolicy::ReadOnly { network_access: false });
    assert_eq!(config.web_search, WebSearchMode::Cached);
    assert_eq!(config.warnings.len(), 3, "{:?}", config.warnings);
    for warning in &config.warnings {
        assert!(warning.starts_with("Configured value for `"), "{warning}");
        assert!(warning.contains("` is disallowed by requirements; falling back "), "{warning}");
    }
    let yolo = world().options(|options| options.typed.bypass_approvals_and_sandbox = true);
    assert!(
        yolo.error().starts_with("Error: `approval_policy = \"never\"` cannot be used because requirements")
    );
}

#[test]
fn web_search_is_not_raised_beyond_what_is_allowed() {
    let config = World::with("sandbox_mode = 'danger-full-access'")
        .file("etc/requirements.toml", "allowed_web_search_modes = ['cached']")
        .load();
    assert_eq!(config.web_search_mode(), WebSearchMode::Cached);
}

#[test]
fn pinned_features_beat_everything() {
    let config = World::with("[features]\ngoals = true\n")
        .file("etc/requirements.toml", "[features]\ngoals = false\nundo = true\ncode_mode_only = true\n")
        .flags(&["features.goals=true"])
        .load();
    assert!(!config.features.enabled(Feature::Goals));
    assert!(!config.features.enabled(Feature::Undo), "what is gone cannot be pinned");
    assert!(config.features.enabled(Feature::CodeMode));
}

#[test]
fn what_must_not_be_read_is_denied_in_every_profile() {
    let config = World::with("sandbox_mode = 'workspace-write'")
        .file(
            "etc/requirements.toml",
            "[permissions.filesystem]\ndeny_read = ['/secret', '~/x', 'rel', '/a/*.key']\n",
        )
        .env(&[("HOME", "@/u")]);
    let root = config.path("");
    let config = config.load();
    let PermissionProfile::Managed { file_system: FileSystemPolicy::Restricted { entries, .. }, .. } =
        config.permission_profile
    else {
        panic!("no sandbox")
    };
    let denied: Vec<_> = entries
        .into_iter()
        .filter(|entry| entry.access == Access::Deny)
        .map(|entry| match entry.path {
            FileSystemPath::Path { path } => path.display().to_string(),
            FileSystemPath::GlobPattern { pattern } => format!("glob {pattern}"),
            FileSystemPath::Special { .. } => panic!("special"),
        })
        .collect();
    let below = |name: &str| root.join(name).display().to_string();
    assert_eq!(denied, ["/secret".to_owned(), below("u/x"), below("etc/rel"), "glob /a/*.key".to_owned()]);
}

#[test]
fn profiles_of_the_requirements_can_be_chosen() {
    let config = World::with("default_permissions = 'p'")
        .file("etc/requirements.toml", "[permissions.p]\nextends = ':workspace'\n")
        .load();
    assert_eq!(config.active_permission_profile.as_deref(), Some("p"));
    assert!(matches!(config.sandbox_policy, SandboxPolicy::WorkspaceWrite { .. }));
}

#[test]
fn a_running_thread_is_bound_too() {
    let required = "allowed_sandbox_modes = ['read-only', 'workspace-write']\nallowed_approval_policies = ['never']\n\
                    [permissions.filesystem]\ndeny_read = ['/srv/secrets']\n";
    let limits = World::with("").file("etc/requirements.toml", required).load().limits;
    let cwd = std::path::Path::new("/w");
    let read_only = SandboxPolicy::ReadOnly { network_access: false };
    let PermissionProfile::Managed { file_system: FileSystemPolicy::Restricted { entries, .. }, .. } =
        limits.profile(&read_only, cwd).unwrap()
    else {
        panic!("a read-only profile has entries");
    };
    assert!(entries.iter().any(|entry| entry.access == Access::Deny
        && entry.path == FileSystemPath::Path { path: "/srv/secrets".into() }));
    let refused = limits.profile(&SandboxPolicy::DangerFullAccess, cwd).unwrap_err().to_string();
    assert!(refused.starts_with(
        "invalid value for `sandbox_mode`: `danger-full-access` is not in the allowed set [read-only, workspace-write] (set by "
    ), "{refused}");
    assert!(limits.check_approval_policy(&ApprovalPolicy::Never).is_ok());
    assert!(limits.check_approval_policy(&ApprovalPolicy::OnRequest).is_err());

    let free = World::with("").load().limits;
    assert_eq!(free.profile(&SandboxPolicy::DangerFullAccess, cwd).unwrap(), PermissionProfile::Disabled);
}
