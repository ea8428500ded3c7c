//! `[tui.keymap]`: shortcuts by context and action (TUI sheet §13).
//!
//! In come key names as people write them, out go [`KeySpec`]s in one spelling. The list of actions stands here once, with
//! the default keys as text. What a newcomer would get wrong: an unknown action is an error even outside strict mode, except
//! in the contexts `vim_normal` and `vim_operator`, where the reference lets it pass.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

/// One key with its modifiers, in its one spelling: `ctrl-alt-shift-page-up`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct KeySpec(String);

/// A text that names no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a key; write modifiers and key joined by `-`, such as `ctrl-a`, `alt-enter`, `shift-tab`, `f5`, `space` \
     or `minus`"
)]
pub struct KeySpecError(String);

/// Keys with a name: accepted spellings, the first of which is kept.
const NAMED_KEYS: [&[&str]; 15] = [
    &["enter", "return"],
    &["tab"],
    &["esc", "escape"],
    &["space", "spacebar"],
    &["backspace"],
    &["delete", "del"],
    &["up"],
    &["down"],
    &["left"],
    &["right"],
    &["home"],
    &["end"],
    &["page-up", "pageup", "pgup"],
    &["page-down", "pagedown", "pgdn"],
    &["minus"],
];
/// Modifiers in the order of the one spelling.
const MODIFIERS: [&[&str]; 3] = [&["ctrl", "control"], &["alt", "option"], &["shift"]];
const FUNCTION_KEYS: std::ops::RangeInclusive<u8> = 1..=12;

impl KeySpec {
    /// Reads a key. Case and blanks around it do not matter.
    pub fn parse(text: &str) -> Result<Self, KeySpecError> {
        let refused = || KeySpecError(text.to_owned());
        let lower = text.trim().to_lowercase();
        let mut rest = lower.as_str();
        let mut held = [false; MODIFIERS.len()];
        while let Some((modifier, behind)) = rest.split_once('-') {
            let Some(which) = MODIFIERS.iter().position(|names| names.contains(&modifier)) else { break };
            if std::mem::replace(&mut held[which], true) {
                return Err(refused());
            }
            rest = behind;
        }
        let key = key_name(rest).ok_or_else(refused)?;
        let modifiers = MODIFIERS.iter().zip(held).filter(|(_, held)| *held).map(|(names, _)| names[0]);
        Ok(Self(modifiers.chain([&*key]).collect::<Vec<_>>().join("-")))
    }

    /// The one spelling.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn key_name(text: &str) -> Option<Cow<'static, str>> {
    if let Some(names) = NAMED_KEYS.iter().find(|names| names.contains(&text)) {
        return Some(Cow::Borrowed(names[0]));
    }
    let mut characters = text.chars();
    match (characters.next(), characters.as_str()) {
        (Some(single), "") if single.is_ascii_graphic() && single != '-' => {
            Some(Cow::Owned(single.to_string()))
        }
        (Some('f'), number) => {
            let number = number.parse().ok().filter(|number| FUNCTION_KEYS.contains(number))?;
            Some(Cow::Owned(format!("f{number}")))
        }
        _ => None,
    }
}

/// The keys of one action: one, several, or none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum KeyBindings {
    /// `"ctrl-a"`.
    One(KeySpec),
    /// `["ctrl-a", "f5"]`; an empty list unbinds the action.
    Many(Vec<KeySpec>),
}

impl KeyBindings {
    /// The keys.
    pub fn keys(&self) -> &[KeySpec] {
        match self {
            Self::One(key) => std::slice::from_ref(key),
            Self::Many(keys) => keys,
        }
    }
}

impl<'de> Deserialize<'de> for KeyBindings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = KeyBindings;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key such as `ctrl-a`, or a list of keys")
            }

            fn visit_str<E: Error>(self, key: &str) -> Result<KeyBindings, E> {
                KeySpec::parse(key).map(KeyBindings::One).map_err(E::custom)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<KeyBindings, A::Error> {
                let mut keys = Vec::new();
                while let Some(key) = list.next_element::<String>()? {
                    keys.push(KeySpec::parse(&key).map_err(A::Error::custom)?);
                }
                Ok(KeyBindings::Many(keys))
            }
        }
        deserializer.deserialize_any(Keys)
    }
}

impl JsonSchema for KeyBindings {
    fn schema_name() -> Cow<'static, str> {
        "KeyBindings".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A key such as `ctrl-a`, a list of keys, or an empty list for none.",
            "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }],
        })
    }
}

macro_rules! contexts {
    ($(
        $(#[$attribute:meta])+
        $kind:ident $name:ident: $field:ident { $($action:ident: $default:literal,)+ }
    )+) => {
        /// `[tui.keymap]`: a table of actions for each context.
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(default, deny_unknown_fields)]
        pub struct TuiKeymap {
            $($(#[$attribute])+ pub $field: $name,)+
        }

        $(context!($kind $(#[$attribute])+ $name { $($action: $default,)+ });)+
    };
}

/// One context. A strict one refuses actions it does not know, an open one leaves that to strict mode.
macro_rules! context {
    (strict $(#[$attribute:meta])+ $name:ident $actions:tt) => {
        context!(open #[serde(deny_unknown_fields)] $(#[$attribute])+ $name $actions);
    };
    (open $(#[$attribute:meta])+ $name:ident { $($action:ident: $default:literal,)+ }) => {
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        $(#[$attribute])+
        pub struct $name {
            $(
                #[doc = concat!(
                    "Keys of `", stringify!($action), "`; an empty list takes them away. Default: ", $default, "."
                )]
                pub $action: Option<KeyBindings>,
            )+
        }
    };
}

contexts! {
    /// Keys that work everywhere.
    strict TuiGlobalKeymap: global {
        open_transcript: "ctrl-t",
        open_external_editor: "ctrl-g",
        copy: "ctrl-o",
        clear_terminal: "ctrl-l",
        submit: "as in `composer`",
        queue: "as in `composer`",
        toggle_shortcuts: "as in `composer`",
        toggle_vim_mode: "none",
        toggle_fast_mode: "none",
        toggle_raw_output: "alt-r",
    }
    /// Keys that work in the chat.
    strict TuiChatKeymap: chat {
        interrupt_turn: "esc",
        decrease_reasoning_effort: "alt-,",
        increase_reasoning_effort: "alt-.",
        edit_queued_message: "alt-up, shift-left",
    }
    /// Keys that work in the composer.
    strict TuiComposerKeymap: composer {
        submit: "enter",
        queue: "tab",
        toggle_shortcuts: "?, shift-?",
        history_search_previous: "ctrl-r",
        history_search_next: "ctrl-s",
    }
    /// Keys that work while editing text.
    strict TuiEditorKeymap: editor {
        insert_newline: "ctrl-j, ctrl-m, enter, shift-enter, alt-enter",
        move_left: "left, ctrl-b",
        move_right: "right, ctrl-f",
        move_up: "up, ctrl-p",
        move_down: "down, ctrl-n",
        move_word_left: "alt-b, alt-left, ctrl-left",
        move_word_right: "alt-f, alt-right, ctrl-right",
        move_line_start: "home, ctrl-a",
        move_line_end: "end, ctrl-e",
        delete_backward: "backspace, shift-backspace, ctrl-h",
        delete_forward: "delete, shift-delete, ctrl-d",
        delete_backward_word: "alt-backspace, ctrl-backspace, ctrl-shift-backspace, ctrl-w, ctrl-alt-h",
        delete_forward_word: "alt-delete, ctrl-delete, ctrl-shift-delete, alt-d",
        kill_line_start: "ctrl-u",
        kill_whole_line: "none",
        kill_line_end: "ctrl-k",
        yank: "ctrl-y",
    }
    /// Keys that work in Vim's normal mode.
    open TuiVimNormalKeymap: vim_normal {
        enter_insert: "i",
        append_after_cursor: "a",
        append_line_end: "shift-a",
        insert_line_start: "shift-i",
        open_line_below: "o",
        open_line_above: "shift-o",
        move_left: "h, left",
        move_right: "l, right",
        move_up: "k, up",
        move_down: "j, down",
        move_word_forward: "w",
        move_word_backward: "b",
        move_word_end: "e",
        move_line_start: "0",
        move_line_end: "$, shift-$",
        delete_char: "x",
        substitute_char: "s",
        delete_to_line_end: "shift-d",
        change_to_line_end: "shift-c",
        yank_line: "shift-y",
        paste_after: "p",
        start_delete_operator: "d",
        start_yank_operator: "y",
        start_change_operator: "c",
        cancel_operator: "esc",
    }
    /// Keys that work after a Vim operator.
    open TuiVimOperatorKeymap: vim_operator {
        delete_line: "d",
        yank_line: "y",
        motion_left: "h",
        motion_right: "l",
        motion_up: "k",
        motion_down: "j",
        motion_word_forward: "w",
        motion_word_backward: "b",
        motion_word_end: "e",
        motion_line_start: "0",
        motion_line_end: "$, shift-$",
        select_inner_text_object: "i",
        select_around_text_object: "a",
        cancel: "esc",
    }
    /// Keys that work when a Vim operator waits for a text object.
    strict TuiVimTextObjectKeymap: vim_text_object {
        word: "w",
        big_word: "shift-w",
        parentheses: "(, ), b",
        brackets: "[, ]",
        braces: "{, }, shift-b",
        double_quote: "\"",
        single_quote: "'",
        backtick: "`",
        cancel: "esc",
    }
    /// Keys that work in pagers.
    strict TuiPagerKeymap: pager {
        scroll_up: "up, k",
        scroll_down: "down, j",
        page_up: "page-up, shift-space, ctrl-b",
        page_down: "page-down, space, ctrl-f",
        half_page_up: "ctrl-u",
        half_page_down: "ctrl-d",
        jump_top: "home",
        jump_bottom: "end",
        close: "q, ctrl-c",
        close_transcript: "ctrl-t",
    }
    /// Keys that work in lists.
    strict TuiListKeymap: list {
        move_up: "up, ctrl-p, ctrl-k, k",
        move_down: "down, ctrl-n, ctrl-j, j",
        move_left: "left, ctrl-h",
        move_right: "right, ctrl-l",
        page_up: "page-up, ctrl-b",
        page_down: "page-down, ctrl-f",
        jump_top: "home",
        jump_bottom: "end",
        accept: "enter",
        cancel: "esc",
    }
    /// Keys that work in approval questions.
    strict TuiApprovalKeymap: approval {
        open_fullscreen: "ctrl-a, ctrl-shift-a",
        open_thread: "o",
        approve: "y",
        approve_for_session: "a",
        approve_for_prefix: "p",
        deny: "d",
        decline: "esc, n",
        cancel: "c",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_key_becomes_one() {
        for (written, kept) in [
            ("ctrl-a", "ctrl-a"),
            (" Control-X ", "ctrl-x"),
            ("shift-alt-ctrl-x", "ctrl-alt-shift-x"),
            ("option-enter", "alt-enter"),
            ("A", "a"),
            ("a ", "a"),
            ("pgup", "page-up"),
            ("pageup", "page-up"),
            ("ctrl-page-down", "ctrl-page-down"),
            ("return", "enter"),
            ("ESC", "esc"),
            ("del", "delete"),
            ("minus", "minus"),
            ("ctrl-minus", "ctrl-minus"),
            ("F5", "f5"),
            ("f12", "f12"),
            ("f", "f"),
            ("+", "+"),
            ("alt-,", "alt-,"),
            ("shift-?", "shift-?"),
            ("space", "space"),
        ] {
            assert_eq!(KeySpec::parse(written).unwrap().as_str(), kept, "{written}");
        }
        for bad in [
            "",
            " ",
            "-",
            "ctrl-",
            "ctrl--",
            "ctrl+a",
            "C-a",
            "super-a",
            "cmd-a",
            "meta-a",
            "ctrl-ctrl-a",
            "é",
            "f0",
            "f13",
            "f05x",
            "insert",
            "bs",
            "plus",
            "ab",
            "enter-a",
            "a-ctrl",
            "\t",
        ] {
            assert_eq!(KeySpec::parse(bad), Err(KeySpecError(bad.to_owned())));
        }
    }
}
