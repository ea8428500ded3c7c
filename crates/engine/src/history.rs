//! What the model remembers of a thread: the list of items, and the form of it that may be sent (engine sheet §7).

use std::collections::{HashMap, HashSet};

use quire_models::TruncationPolicy;
use quire_protocol::{ContentItem, OutputContent, ResponseItem, Role, ToolOutput};

use crate::prompts;
use crate::truncate;

/// Output of a call that never got one.
pub(crate) const ABORTED: &str = "aborted";

/// Stands for an image that the provider could not read.
const INVALID_IMAGE: &str = "Invalid image";

/// The items of a thread in the order the model saw or made them.
#[derive(Debug, Default)]
pub(crate) struct History {
    items: Vec<ResponseItem>,
}

impl History {
    /// A history read from a rollout.
    pub(crate) fn from_items(items: Vec<ResponseItem>) -> Self {
        let mut history = Self { items: items.into_iter().filter(|item| !is_dropped(item)).collect() };
        history.sort_outputs();
        history
    }

    /// Adds an item. What a thread must not keep (system messages, unknown kinds) is left out.
    pub(crate) fn push(&mut self, item: ResponseItem) {
        if !is_dropped(&item) {
            self.items.push(item);
        }
    }

    /// The items to send: every call answered, no answer without its call, images only where the model sees them.
    pub(crate) fn for_prompt(&self, images: bool) -> Vec<ResponseItem> {
        let answered: HashSet<&str> = self.items.iter().filter_map(output_call_id).collect();
        let called: HashSet<&str> = self.items.iter().filter_map(call_id).collect();
        let mut prompt = Vec::with_capacity(self.items.len());
        for item in &self.items {
            if output_call_id(item).is_some_and(|id| !called.contains(id)) && !is_server_output(item) {
                continue;
            }
            prompt.push(if images { item.clone() } else { without_images(item) });
            if let Some(output) =
                call_id(item).filter(|id| !answered.contains(id)).and_then(|_| missing_output(item))
            {
                prompt.push(output);
            }
        }
        prompt
    }

    /// Puts a text in the place of the images of the last tool output, when it has any: the provider cannot read them.
    pub(crate) fn replace_last_tool_images(&mut self) -> bool {
        let last = self.items.iter_mut().rev().find_map(|item| match item {
            ResponseItem::FunctionCallOutput { output, .. }
            | ResponseItem::CustomToolCallOutput { output, .. } => Some(output),
            _ => None,
        });
        let Some(ToolOutput::Parts(parts)) = last else { return false };
        let mut replaced = false;
        for part in parts {
            if matches!(part, OutputContent::InputImage { .. }) {
                *part = OutputContent::InputText { text: INVALID_IMAGE.to_owned() };
                replaced = true;
            }
        }
        replaced
    }

    /// Outputs are stored in the order the tools finished; the model gets them in the order of its calls.
    fn sort_outputs(&mut self) {
        let order: HashMap<String, usize> = self
            .items
            .iter()
            .enumerate()
            .filter_map(|(at, item)| Some((call_id(item)?.to_owned(), at)))
            .collect();
        for run in self.items.chunk_by_mut(|a, b| output_call_id(a).is_some() && output_call_id(b).is_some())
        {
            if run.len() > 1 {
                run.sort_by_key(|item| {
                    output_call_id(item).and_then(|id| order.get(id)).copied().unwrap_or(usize::MAX)
                });
            }
        }
    }
}

/// Cuts a tool's output to what the model's policy lets into the history.
pub(crate) fn fit_output(item: ResponseItem, policy: TruncationPolicy) -> ResponseItem {
    match item {
        ResponseItem::FunctionCallOutput { call_id, output } => {
            ResponseItem::FunctionCallOutput { call_id, output: truncate::recorded(output, policy) }
        }
        ResponseItem::CustomToolCallOutput { call_id, name, output } => {
            ResponseItem::CustomToolCallOutput { call_id, name, output: truncate::recorded(output, policy) }
        }
        other => other,
    }
}

fn is_dropped(item: &ResponseItem) -> bool {
    matches!(item, ResponseItem::Other | ResponseItem::Message { role: Role::System, .. })
}

fn call_id(item: &ResponseItem) -> Option<&str> {
    match item {
        ResponseItem::FunctionCall { call_id, .. } | ResponseItem::CustomToolCall { call_id, .. } => {
            Some(call_id)
        }
        ResponseItem::LocalShellCall { call_id, .. } => call_id.as_deref(),
        ResponseItem::ToolSearchCall { call_id, execution, .. } if execution == "client" => {
            call_id.as_deref()
        }
        _ => None,
    }
}

fn output_call_id(item: &ResponseItem) -> Option<&str> {
    match item {
        ResponseItem::FunctionCallOutput { call_id, .. }
        | ResponseItem::CustomToolCallOutput { call_id, .. } => Some(call_id),
        ResponseItem::ToolSearchOutput { call_id, .. } => call_id.as_deref(),
        _ => None,
    }
}

fn is_server_output(item: &ResponseItem) -> bool {
    matches!(item, ResponseItem::ToolSearchOutput { execution, .. } if execution == "server")
}

fn missing_output(item: &ResponseItem) -> Option<ResponseItem> {
    let aborted = || ToolOutput::Text(ABORTED.to_owned());
    match item {
        ResponseItem::FunctionCall { call_id, .. }
        | ResponseItem::LocalShellCall { call_id: Some(call_id), .. } => {
            Some(ResponseItem::FunctionCallOutput { call_id: call_id.clone(), output: aborted() })
        }
        ResponseItem::CustomToolCall { call_id, .. } => Some(ResponseItem::CustomToolCallOutput {
            call_id: call_id.clone(),
            name: None,
            output: aborted(),
        }),
        ResponseItem::ToolSearchCall { call_id, .. } => Some(ResponseItem::ToolSearchOutput {
            call_id: call_id.clone(),
            status: "completed".to_owned(),
            execution: "client".to_owned(),
            tools: Vec::new(),
        }),
        _ => None,
    }
}

fn without_images(item: &ResponseItem) -> ResponseItem {
    let mut item = item.clone();
    match &mut item {
        ResponseItem::Message { content, .. } => {
            for part in content {
                if matches!(part, ContentItem::InputImage { .. }) {
                    *part = ContentItem::InputText { text: prompts::IMAGE_OMITTED.to_owned() };
                }
            }
        }
        ResponseItem::FunctionCallOutput { output: ToolOutput::Parts(parts), .. }
        | ResponseItem::CustomToolCallOutput { output: ToolOutput::Parts(parts), .. } => {
            for part in parts {
                if matches!(part, OutputContent::InputImage { .. }) {
                    *part = OutputContent::InputText { text: prompts::IMAGE_OMITTED.to_owned() };
                }
            }
        }
        _ => {}
    }
    item
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(id: &str) -> ResponseItem {
        ResponseItem::FunctionCall {
            id: None,
            name: "t".into(),
            namespace: None,
            arguments: "{}".into(),
            call_id: id.into(),
        }
    }

    fn output(id: &str, text: &str) -> ResponseItem {
        ResponseItem::FunctionCallOutput { call_id: id.into(), output: ToolOutput::Text(text.into()) }
    }

    #[test]
    fn a_call_without_output_is_answered_right_after_it() {
        let history = History::from_items(vec![call("a"), call("b"), output("b", "x")]);
        assert_eq!(
            history.for_prompt(true),
            vec![call("a"), output("a", ABORTED), call("b"), output("b", "x")]
        );
    }

    #[test]
    fn an_output_without_call_is_dropped() {
        let history = History::from_items(vec![output("z", "x"), ResponseItem::message(Role::User, "hi")]);
        assert_eq!(history.for_prompt(true), vec![ResponseItem::message(Role::User, "hi")]);
    }

    #[test]
    fn stored_outputs_come_back_in_call_order() {
        let history = History::from_items(vec![call("a"), call("b"), output("b", "2"), output("a", "1")]);
        assert_eq!(history.for_prompt(true), vec![call("a"), call("b"), output("a", "1"), output("b", "2")]);
    }

    #[test]
    fn system_messages_and_unknown_items_are_not_kept() {
        let mut history = History::default();
        history.push(ResponseItem::Other);
        history.push(ResponseItem::message(Role::System, "x"));
        assert!(history.for_prompt(true).is_empty());
    }

    #[test]
    fn images_the_provider_cannot_read_are_replaced_once() {
        let image = OutputContent::InputImage { image_url: "data:x".into(), detail: None };
        let output = |part| ResponseItem::FunctionCallOutput {
            call_id: "a".into(),
            output: ToolOutput::Parts(vec![part]),
        };
        let mut history = History::from_items(vec![call("a"), output(image)]);
        assert!(history.replace_last_tool_images());
        let text = OutputContent::InputText { text: INVALID_IMAGE.into() };
        assert_eq!(history.for_prompt(true), vec![call("a"), output(text)]);
        assert!(!history.replace_last_tool_images());
    }

    #[test]
    fn blind_models_get_a_note_instead_of_an_image() {
        let history = History::from_items(vec![ResponseItem::Message {
            id: None,
            role: Role::User,
            content: vec![ContentItem::InputImage { image_url: "data:x".into(), detail: None }],
            phase: None,
        }]);
        let [ResponseItem::Message { content, .. }] = &history.for_prompt(false)[..] else {
            panic!("one message")
        };
        assert_eq!(content, &vec![ContentItem::InputText { text: prompts::IMAGE_OMITTED.into() }]);
    }
}
