//! From stored lines to what the model sees (rollout sheet §7).
//!
//! In: the lines from some point on, oldest first, and the history at that point. Out: the history at the end. Three
//! things change a history: an item is added, it is condensed, turns are taken back.
//!
//! A newcomer's trap: the items are not checked against each other here. A call without an output stays one; the engine
//! evens that out before each request.

use quire_protocol::{Compacted, ContentItem, ResponseItem, Role, RolloutEvent, RolloutItem};

use crate::fragments::{is_context, is_user_turn};

/// Estimated tokens of typed messages that survive a compaction that left no replacement.
const RETAINED_TOKENS: usize = 20_000;

/// Stands for an empty summary.
const NO_SUMMARY: &str = "(no summary available)";

/// How an earlier summary begins, which is written in the user's role but was not typed.
const SUMMARY_LEAD_IN: &str = "Another language model started to solve this problem";

/// A history under construction.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    pub(crate) history: Vec<ResponseItem>,
    /// Whether a compaction of the old form (without a replacement) was met. It makes every recorded baseline worthless.
    pub(crate) condensed_without_replacement: bool,
}

impl Replay {
    /// Takes the next line. Kinds that do not touch the history are ignored.
    pub(crate) fn apply(&mut self, item: RolloutItem) {
        match item {
            RolloutItem::ResponseItem(item) => self.history.extend(Some(item).filter(is_history)),
            RolloutItem::Compacted(Compacted { replacement_history: Some(history), .. }) => {
                self.replace(history);
            }
            RolloutItem::Compacted(Compacted { message, replacement_history: None }) => {
                self.history = condense(&self.history, message);
                self.condensed_without_replacement = true;
            }
            RolloutItem::EventMsg(RolloutEvent::ThreadRolledBack { num_turns }) => {
                roll_back(&mut self.history, num_turns as usize);
            }
            _ => {}
        }
    }

    pub(crate) fn replace(&mut self, history: Vec<ResponseItem>) {
        self.history = history;
        self.history.retain(is_history);
    }
}

fn is_history(item: &ResponseItem) -> bool {
    !matches!(item, ResponseItem::Other | ResponseItem::Message { role: Role::System, .. })
}

/// Takes the last `turns` turns off a history. The context that was put in front of the oldest turn taken goes with it,
/// unless no turn is left: then everything before the first turn stays.
pub fn roll_back(history: &mut Vec<ResponseItem>, turns: usize) {
    let starts: Vec<usize> =
        history.iter().enumerate().filter(|(_, item)| is_user_turn(item)).map(|(at, _)| at).collect();
    let Some(&first) = starts.first() else { return };
    if turns == 0 {
        return;
    }
    let cut = match starts.len().checked_sub(turns) {
        None | Some(0) => first,
        Some(kept) => {
            let context = history[..starts[kept]].iter().rev().take_while(|item| is_context(item)).count();
            starts[kept] - context
        }
    };
    history.truncate(cut);
}

/// History after a compaction of the old form: what was typed, newest first until the budget is used up, and the summary.
fn condense(history: &[ResponseItem], summary: String) -> Vec<ResponseItem> {
    let mut kept = Vec::new();
    let mut left = RETAINED_TOKENS;
    for item in history.iter().rev().filter(|item| is_user_turn(item)) {
        if left == 0 {
            break;
        }
        let text = typed_text(item);
        if is_summary(&text) {
            continue;
        }
        let tokens = text.len().div_ceil(4);
        let text = if tokens > left { cut_middle(&text, left * 4) } else { text };
        left = left.saturating_sub(tokens);
        kept.push(ResponseItem::message(Role::User, text));
    }
    kept.reverse();
    let summary = if summary.is_empty() { NO_SUMMARY.to_owned() } else { summary };
    kept.push(ResponseItem::message(Role::User, summary));
    kept
}

fn is_summary(text: &str) -> bool {
    text.starts_with(SUMMARY_LEAD_IN) && text.contains('\n')
}

fn typed_text(item: &ResponseItem) -> String {
    let ResponseItem::Message { content, .. } = item else { return String::new() };
    content
        .iter()
        .filter_map(|part| match part {
            ContentItem::InputText { text } | ContentItem::OutputText { text } => Some(text.as_str()),
            ContentItem::InputImage { .. } => None,
        })
        .collect()
}

/// Keeps `budget` bytes, half of them from either end, on character borders.
fn cut_middle(text: &str, budget: usize) -> String {
    let head = text.floor_char_boundary(budget / 2);
    let tail = text.ceil_char_boundary(text.len() - (budget - budget / 2));
    let removed = (tail - head).div_ceil(4);
    format!("{}…{removed} tokens truncated…{}", &text[..head], &text[tail..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(text: &str) -> ResponseItem {
        ResponseItem::message(Role::User, text)
    }

    fn lengths(history: &[ResponseItem]) -> Vec<usize> {
        history.iter().map(|item| typed_text(item).len()).collect()
    }

    fn condensed(messages: &[String]) -> Vec<ResponseItem> {
        let history: Vec<_> = messages.iter().map(|text| user(text)).collect();
        condense(&history, "S".to_owned())
    }

    #[test]
    fn the_budget_of_an_old_compaction_is_counted_as_the_reference_counts() {
        // Expected lengths in bytes (`…` is three), as seen in the reference's next request.
        assert_eq!(lengths(&condensed(&["K".repeat(4), "L".repeat(79_996)])), [4, 79_996, 1]);
        assert_eq!(lengths(&condensed(&["K".repeat(4), "L".repeat(80_000)])), [80_000, 1]);
        let cut = condensed(&["K".repeat(9), "L".repeat(79_996)]);
        assert_eq!(typed_text(&cut[0]), "KK…2 tokens truncated…KK");
        let cut = condensed(&["L".repeat(100_000), "M".repeat(10)]);
        assert!(typed_text(&cut[0]).contains("L…5003 tokens truncated…L"));
        assert_eq!(typed_text(&cut[0]).chars().count(), 80_011);
        let cut = condensed(&["é".repeat(60_000)]);
        assert_eq!(typed_text(&cut[0]).chars().count(), 40_024);
        assert!(typed_text(&cut[0]).contains("é…10000 tokens truncated…é"));
    }

    #[test]
    fn an_old_compaction_keeps_typed_text_alone() {
        let parts = ResponseItem::Message {
            id: None,
            role: Role::User,
            content: vec![
                ContentItem::InputText { text: "one".to_owned() },
                ContentItem::InputImage { image_url: "data:".to_owned(), detail: None },
                ContentItem::InputText { text: "two".to_owned() },
            ],
            phase: None,
        };
        let history = [
            user("<environment_context>e</environment_context>"),
            parts,
            ResponseItem::message(Role::Assistant, "A"),
            user(&format!("{SUMMARY_LEAD_IN} and so on\nold summary")),
            ResponseItem::message(Role::Developer, "D"),
        ];
        assert_eq!(condense(&history, String::new()), [user("onetwo"), user(NO_SUMMARY)]);
    }

    #[test]
    fn rolling_back_takes_context_with_the_turn() {
        let texts = |history: &[ResponseItem]| history.iter().map(typed_text).collect::<Vec<_>>();
        let environment = "<environment_context>e</environment_context>";
        let history = vec![
            ResponseItem::message(Role::Developer, "initial"),
            user("U1"),
            ResponseItem::message(Role::Assistant, "A1"),
            ResponseItem::message(Role::Developer, "kept: not ours"),
            ResponseItem::message(Role::Developer, "<model_switch>m</model_switch>"),
            user(environment),
            user("U2"),
            ResponseItem::message(Role::Assistant, "A2"),
        ];
        for (turns, expected) in [
            (
                0,
                vec![
                    "initial",
                    "U1",
                    "A1",
                    "kept: not ours",
                    "<model_switch>m</model_switch>",
                    environment,
                    "U2",
                    "A2",
                ],
            ),
            (1, vec!["initial", "U1", "A1", "kept: not ours"]),
            (2, vec!["initial"]),
            (usize::MAX, vec!["initial"]),
        ] {
            let mut history = history.clone();
            roll_back(&mut history, turns);
            assert_eq!(texts(&history), expected, "{turns} turns");
        }
        let mut without_turns = vec![ResponseItem::message(Role::Assistant, "A")];
        roll_back(&mut without_turns, 3);
        assert_eq!(texts(&without_turns), ["A"]);
    }
}
