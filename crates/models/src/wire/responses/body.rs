//! The request body. Field order is key order on the wire: provider-side caches and the differential tests see it.
//!
//! What a newcomer would get wrong: `reasoning` is sent as `null` for models without reasoning, never left out, and
//! server ids of items go back to Azure only.

use quire_protocol::{ReasoningEffort, ReasoningSummary, ResponseItem, Verbosity};
use serde::ser::SerializeSeq as _;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::prompt::{Prompt, RequestIdentity, Sampling};

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    instructions: &'a str,
    input: Input<'a>,
    tools: &'a [Value],
    tool_choice: &'static str,
    parallel_tool_calls: bool,
    reasoning: Option<Reasoning>,
    store: bool,
    stream: bool,
    include: &'static [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
    prompt_cache_key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Text<'a>>,
    client_metadata: ClientMetadata<'a>,
}

#[derive(Serialize)]
struct Reasoning {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<ReasoningEffort>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<ReasoningSummary>,
}

#[derive(Serialize)]
struct Text<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    verbosity: Option<Verbosity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Format<'a>>,
}

#[derive(Serialize)]
struct Format<'a> {
    r#type: &'static str,
    strict: bool,
    schema: &'a Value,
    name: &'static str,
}

#[derive(Serialize)]
struct ClientMetadata<'a> {
    #[serde(rename = "x-codex-installation-id")]
    installation_id: &'a str,
}

/// The conversation without items of unknown kinds, for Azure with server ids.
struct Input<'a> {
    items: &'a [ResponseItem],
    with_ids: bool,
}

impl Serialize for Input<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        for item in self.items.iter().filter(|item| !matches!(item, ResponseItem::Other)) {
            match item.server_id() {
                Some(id) if self.with_ids && !writes_own_id(item) => {
                    list.serialize_element(&WithId { item, id })?;
                }
                _ => list.serialize_element(item)?,
            }
        }
        list.end()
    }
}

/// Ids are stripped from all items but these.
fn writes_own_id(item: &ResponseItem) -> bool {
    matches!(item, ResponseItem::ImageGenerationCall { .. })
}

#[derive(Serialize)]
struct WithId<'a> {
    #[serde(flatten)]
    item: &'a ResponseItem,
    id: &'a str,
}

/// The body of a sampling request as JSON.
pub(crate) fn encode(
    prompt: &Prompt,
    sampling: &Sampling,
    identity: &RequestIdentity,
    azure: bool,
) -> Result<Vec<u8>, serde_json::Error> {
    let reasoning = reasoning(sampling);
    let include: &[&str] = if reasoning.is_some() { &["reasoning.encrypted_content"] } else { &[] };
    serde_json::to_vec(&Body {
        model: &sampling.model,
        instructions: &prompt.instructions,
        input: Input { items: &prompt.input, with_ids: azure },
        tools: &prompt.tools,
        tool_choice: "auto",
        parallel_tool_calls: prompt.parallel_tool_calls,
        reasoning,
        store: azure,
        stream: true,
        include,
        service_tier: sampling.service_tier.as_deref().and_then(|tier| sampling.info.service_tier(tier)),
        prompt_cache_key: identity.thread_id.to_string(),
        text: text(prompt, sampling),
        client_metadata: ClientMetadata { installation_id: &identity.installation_id },
    })
}

fn reasoning(sampling: &Sampling) -> Option<Reasoning> {
    let info = &sampling.info;
    let summary = sampling.summary.unwrap_or(info.default_reasoning_summary);
    info.supports_reasoning_summaries.then(|| Reasoning {
        effort: sampling.effort.or(info.default_reasoning_level),
        summary: (summary != ReasoningSummary::None).then_some(summary),
    })
}

fn text<'a>(prompt: &'a Prompt, sampling: &Sampling) -> Option<Text<'a>> {
    let info = &sampling.info;
    let verbosity = if info.support_verbosity { sampling.verbosity.or(info.default_verbosity) } else { None };
    let format = prompt.output_schema.as_ref().map(|schema| Format {
        r#type: "json_schema",
        strict: true,
        schema,
        name: "codex_output_schema",
    });
    (verbosity.is_some() || format.is_some()).then_some(Text { verbosity, format })
}
