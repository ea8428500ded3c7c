//! What the model is told besides the conversation: permissions, environment, instruction files (engine sheet §5).
//!
//! In comes a turn's context and the one before it, out come the messages that make up the difference. With no turn
//! before, the difference is everything.

mod environment;
mod input;
mod permissions;

use std::path::Path;

use quire_config::Config;
use quire_protocol::{ContentItem, ResponseItem, Role, TurnContext};

pub(crate) use input::user_message;

/// What a context message is made of, beyond the two turn contexts.
pub(crate) struct Surroundings<'a> {
    /// Name of the user's shell.
    pub(crate) shell: &'a str,
    /// Configured developer instructions.
    pub(crate) developer_instructions: Option<&'a str>,
    /// The personality, when the base instructions do not speak of it.
    pub(crate) personality: Option<&'a str>,
    /// Text of the instruction files.
    pub(crate) instructions: Option<&'a str>,
    /// Model of the turn before.
    pub(crate) previous_model: Option<&'a str>,
    /// Base instructions of the model, for the note on a model switch.
    pub(crate) base_instructions: &'a str,
    /// `$TMPDIR`.
    pub(crate) temp_dir: Option<&'a Path>,
    /// Whether each part is wanted.
    pub(crate) parts: Parts,
}

/// Which parts the configuration wants (`include_*` keys).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parts {
    pub(crate) permissions: bool,
    pub(crate) environment: bool,
}

impl Parts {
    pub(crate) fn of(config: &Config) -> Self {
        Self {
            permissions: config.include_permissions_instructions,
            environment: config.include_environment_context,
        }
    }
}

/// The messages that bring the model from `before` to `now`.
pub(crate) fn messages(
    before: Option<&TurnContext>,
    now: &TurnContext,
    around: &Surroundings<'_>,
) -> Vec<ResponseItem> {
    let developer = developer_parts(before, now, around);
    let user = user_parts(before, now, around);
    [(Role::Developer, developer), (Role::User, user)]
        .into_iter()
        .filter(|(_, parts)| !parts.is_empty())
        .map(|(role, parts)| ResponseItem::Message {
            id: None,
            role,
            content: parts.into_iter().map(|text| ContentItem::InputText { text }).collect(),
            phase: None,
        })
        .collect()
}

fn developer_parts(
    before: Option<&TurnContext>,
    now: &TurnContext,
    around: &Surroundings<'_>,
) -> Vec<String> {
    let mut parts = Vec::new();
    if around.previous_model.is_some_and(|previous| previous != now.model) {
        let note = crate::prompts::MODEL_SWITCH;
        parts.push(format!("<model_switch>\n{note}\n\n{}\n</model_switch>", around.base_instructions));
    }
    let permissions_changed = before.is_none_or(|before| {
        before.approval_policy != now.approval_policy
            || before.sandbox_policy != now.sandbox_policy
            || before.permission_profile != now.permission_profile
    });
    if around.parts.permissions && permissions_changed {
        parts.push(permissions::text(now, around.temp_dir));
    }
    if before.is_none()
        && let Some(text) = around.personality
    {
        parts.push(format!("<personality_spec> {} </personality_spec>", text.trim()));
    }
    if before.is_none()
        && let Some(text) = around.developer_instructions.filter(|text| !text.trim().is_empty())
    {
        parts.push(text.to_owned());
    }
    parts
}

fn user_parts(before: Option<&TurnContext>, now: &TurnContext, around: &Surroundings<'_>) -> Vec<String> {
    let mut parts = Vec::new();
    if before.is_none()
        && let Some(text) = around.instructions
    {
        let cwd = now.cwd.display();
        parts.push(format!("# AGENTS.md instructions for {cwd}\n\n<INSTRUCTIONS>\n{text}\n</INSTRUCTIONS>"));
    }
    if around.parts.environment
        && let Some(text) = environment::difference(before, now, around.shell)
    {
        parts.push(text);
    }
    parts
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;
    use quire_protocol::{ApprovalPolicy, PermissionProfile, ReasoningSummary, SandboxPolicy};

    fn turn(cwd: &str, policy: SandboxPolicy) -> TurnContext {
        TurnContext {
            turn_id: None,
            cwd: PathBuf::from(cwd),
            workspace_roots: vec![PathBuf::from(cwd)],
            current_date: Some("2026-01-31".into()),
            timezone: Some("Etc/UTC".into()),
            approval_policy: ApprovalPolicy::Never,
            permission_profile: Some(PermissionProfile::from_policy(&policy, Path::new(cwd))),
            sandbox_policy: policy,
            file_system_sandbox_policy: None,
            model: "m".into(),
            personality: None,
            collaboration_mode: None,
            realtime_active: Some(false),
            effort: None,
            summary: ReasoningSummary::Auto,
        }
    }

    fn around() -> Surroundings<'static> {
        Surroundings {
            shell: "bash",
            developer_instructions: Some("Be brief."),
            personality: None,
            instructions: Some("Use tabs."),
            previous_model: None,
            base_instructions: "BASE",
            temp_dir: None,
            parts: Parts { permissions: true, environment: true },
        }
    }

    fn shape(items: &[ResponseItem]) -> Vec<(Role, Vec<String>)> {
        items
            .iter()
            .map(|item| match item {
                ResponseItem::Message { role, content, .. } => (
                    *role,
                    content
                        .iter()
                        .map(|part| match part {
                            ContentItem::InputText { text } => text.chars().take(20).collect(),
                            other => panic!("unexpected part {other:?}"),
                        })
                        .collect(),
                ),
                other => panic!("unexpected item {other:?}"),
            })
            .collect()
    }

    const READ_ONLY: SandboxPolicy = SandboxPolicy::ReadOnly { network_access: false };

    #[test]
    fn the_first_turn_gets_everything() {
        let items = messages(None, &turn("/w", READ_ONLY), &around());
        assert_eq!(
            shape(&items),
            vec![
                (Role::Developer, vec!["<permissions instruc".to_owned(), "Be brief.".into()]),
                (Role::User, vec!["# AGENTS.md instruct".to_owned(), "<environment_context".into()]),
            ]
        );
    }

    #[test]
    fn an_unchanged_turn_gets_nothing() {
        let now = turn("/w", READ_ONLY);
        assert_eq!(messages(Some(&now.clone()), &now, &around()), vec![]);
    }

    #[test]
    fn changes_are_told_alone() {
        let before = turn("/w", READ_ONLY);
        let mut now = turn("/w", SandboxPolicy::DangerFullAccess);
        now.model = "n".into();
        let around = Surroundings { previous_model: Some("m"), ..around() };
        let items = messages(Some(&before), &now, &around);
        assert_eq!(
            shape(&items),
            vec![
                (Role::Developer, vec!["<model_switch>\nAnoth".to_owned(), "<permissions instruc".into()]),
                (Role::User, vec!["<environment_context".to_owned()]),
            ]
        );
    }

    #[test]
    fn unwanted_parts_are_left_out() {
        let mut around = around();
        around.parts = Parts { permissions: false, environment: false };
        around.developer_instructions = None;
        around.instructions = None;
        assert_eq!(messages(None, &turn("/w", READ_ONLY), &around), vec![]);
    }
}
