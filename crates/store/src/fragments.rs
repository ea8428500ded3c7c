//! Which messages a person typed, and which the program put there (engine sheet §5.1).
//!
//! Turns are counted by *typed* messages: rollback, compaction, titles and transcripts all ask here. The program's own
//! messages are known by their wrappers alone; a person who types a complete wrapper is taken for the program.
//!
//! A newcomer's trap: one wrapped part makes the whole message contextual, whatever its other parts say.

use quire_protocol::{ContentItem, ResponseItem, Role};

/// Opening and closing text of the program's messages in the user's role. Both must be there.
const USER_WRAPPERS: [(&str, &str); 7] = [
    ("# AGENTS.md instructions for ", "</INSTRUCTIONS>"),
    ("<environment_context>", "</environment_context>"),
    ("<skill>", "</skill>"),
    ("<user_shell_command>", "</user_shell_command>"),
    ("<turn_aborted>", "</turn_aborted>"),
    ("<subagent_notification>", "</subagent_notification>"),
    ("<goal_context>", "</goal_context>"),
];

/// Elements that are recognised only with their attribute.
const USER_ELEMENTS: [(&str, &str); 2] =
    [("codex_internal_context", "source"), ("hook_prompt", "hook_run_id")];

/// Opening text of those developer messages that belong to the turn after them.
const DEVELOPER_OPENINGS: [&str; 5] = [
    "<permissions instructions>",
    "<model_switch>",
    "<collaboration_mode>",
    "<realtime_conversation>",
    "<personality_spec>",
];

/// Whether a turn starts at this item: a message in the user's role that is not the program's.
pub fn is_user_turn(item: &ResponseItem) -> bool {
    matches!(item, ResponseItem::Message { role: Role::User, content, .. } if !has_part(content, is_user_fragment))
}

/// Whether this item is context the program put in front of a turn; it goes when the turn goes.
pub fn is_context(item: &ResponseItem) -> bool {
    match item {
        ResponseItem::Message { role: Role::User, content, .. } => has_part(content, is_user_fragment),
        ResponseItem::Message { role: Role::Developer, content, .. } => {
            has_part(content, is_developer_fragment)
        }
        _ => false,
    }
}

fn has_part(content: &[ContentItem], test: fn(&str) -> bool) -> bool {
    content.iter().any(|part| match part {
        ContentItem::InputText { text } | ContentItem::OutputText { text } => test(text.trim()),
        ContentItem::InputImage { .. } => false,
    })
}

fn is_user_fragment(text: &str) -> bool {
    USER_WRAPPERS.iter().any(|(open, close)| starts_with(text, open) && ends_with(text, close))
        || USER_ELEMENTS.iter().any(|(name, attribute)| is_element(text, name, attribute))
        || is_client_context(text)
}

fn is_developer_fragment(text: &str) -> bool {
    DEVELOPER_OPENINGS.iter().any(|open| starts_with(text, open))
}

/// `<name attribute="…">…</name>`
fn is_element(text: &str, name: &str, attribute: &str) -> bool {
    starts_with(text, &format!("<{name} {attribute}=\"")) && ends_with(text, &format!("</{name}>"))
}

/// `<external_KEY>…</external_KEY>`, the same key twice.
fn is_client_context(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("<external_") else { return false };
    let Some((key, rest)) = rest.split_once('>') else { return false };
    rest.strip_suffix('>')
        .and_then(|rest| rest.strip_suffix(key))
        .is_some_and(|rest| rest.ends_with("</external_"))
}

fn starts_with(text: &str, prefix: &str) -> bool {
    text.as_bytes().get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix.as_bytes()))
}

fn ends_with(text: &str, suffix: &str) -> bool {
    let Some(at) = text.len().checked_sub(suffix.len()) else { return false };
    text.as_bytes()[at..].eq_ignore_ascii_case(suffix.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(role: Role, texts: &[&str]) -> ResponseItem {
        let content = texts.iter().map(|text| ContentItem::InputText { text: (*text).to_owned() }).collect();
        ResponseItem::Message { id: None, role, content, phase: None }
    }

    #[test]
    fn the_programs_messages_are_no_turns() {
        // Each line as the reference judges it.
        for text in [
            "<user_shell_command>x</user_shell_command>",
            "<turn_aborted>x</turn_aborted>",
            "<skill>x</skill>",
            "<subagent_notification>x</subagent_notification>",
            "<goal_context>x</goal_context>",
            "<codex_internal_context source=\"foo\">x</codex_internal_context>",
            "# AGENTS.md instructions for /x\n\n<INSTRUCTIONS>\nfoo\n</INSTRUCTIONS>",
            "# agents.md instructions for /x\n\n<INSTRUCTIONS>\nfoo\n</INSTRUCTIONS>",
            "<environment_context>e</environment_context>",
            "<ENVIRONMENT_CONTEXT>x</ENVIRONMENT_CONTEXT>",
            "  \n<environment_context>x</environment_context>  \n",
            "<external_foo>x</external_foo>",
            "<hook_prompt hook_run_id=\"a\">x</hook_prompt>",
        ] {
            assert!(!is_user_turn(&parts(Role::User, &[text])), "{text}");
            assert!(is_context(&parts(Role::User, &[text])), "{text}");
        }
    }

    #[test]
    fn everything_else_a_user_says_is_a_turn() {
        for text in [
            "",
            " ",
            "hello",
            "<user_instructions>x</user_instructions>",
            "<user_action>x</user_action>",
            "<skill>x",
            "<turn_aborted>x</turn_aborted> tail",
            "<codex_internal_context>x</codex_internal_context>",
            "<codex_internal_context source=\"goal\">x",
            "<hook_prompt>x</hook_prompt>",
            "<external_foo>x",
            "<external_foo>x</external_bar>",
            "<external_foo>",
            "# AGENTS.md instructions for",
            "<permissions instructions>x</permissions instructions>",
            "<image>",
        ] {
            assert!(is_user_turn(&parts(Role::User, &[text])), "{text}");
            assert!(!is_context(&parts(Role::User, &[text])), "{text}");
        }
        assert!(is_user_turn(&parts(Role::User, &[])));
    }

    #[test]
    fn one_wrapped_part_is_enough() {
        let wrapped = "<environment_context>x</environment_context>";
        assert!(!is_user_turn(&parts(Role::User, &[wrapped, "typed"])));
        assert!(!is_user_turn(&parts(Role::User, &["typed", wrapped])));
    }

    #[test]
    fn developer_messages_never_start_a_turn() {
        for (text, context) in [
            ("<permissions instructions>x", true),
            ("  <MODEL_SWITCH>x", true),
            ("<collaboration_mode>x</collaboration_mode>", true),
            ("<personality_spec> x", true),
            ("<realtime_conversation>x", true),
            ("pre <model_switch>x</model_switch>", false),
            ("<skills_instructions>x</skills_instructions>", false),
            ("<environment_context>x</environment_context>", false),
            ("custom", false),
        ] {
            let item = parts(Role::Developer, &[text]);
            assert!(!is_user_turn(&item), "{text}");
            assert_eq!(is_context(&item), context, "{text}");
        }
    }
}
