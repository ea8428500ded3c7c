//! Conversation items as the model sees them and as the rollout stores them (model-api sheet §4, rollout sheet §4.5).
//!
//! Field order is wire order. Server ids are read but not written back: the reference drops them, and a provider that
//! did not issue an id may refuse it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Who speaks in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The program, on behalf of its operator.
    Developer,
    /// The person.
    User,
    /// The model.
    Assistant,
    /// Dropped when recorded; some providers send it.
    System,
}

/// Whether an assistant message is work-in-progress talk or the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessagePhase {
    /// Said while working.
    Commentary,
    /// The answer.
    FinalAnswer,
}

/// How closely the model looks at an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImageDetail {
    /// The provider decides.
    Auto,
    /// Small.
    Low,
    /// Scaled to fit 2048 by 2048.
    High,
    /// Untouched.
    Original,
}

/// A part of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ContentItem {
    /// Text from us.
    InputText {
        /// The text.
        text: String,
    },
    /// An image from us.
    InputImage {
        /// A `data:` or `https:` URL.
        image_url: String,
        /// Wanted detail.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<ImageDetail>,
    },
    /// Text from the model.
    OutputText {
        /// The text.
        text: String,
    },
}

/// A part of a structured tool output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum OutputContent {
    /// Text.
    InputText {
        /// The text.
        text: String,
    },
    /// An image.
    InputImage {
        /// A `data:` or `https:` URL.
        image_url: String,
        /// Wanted detail.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<ImageDetail>,
    },
    /// Content only the provider can read.
    EncryptedContent {
        /// The opaque text.
        encrypted_content: String,
    },
}

/// What a tool answered: plain text, or parts when images are among it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ToolOutput {
    /// Plain text.
    Text(String),
    /// Parts.
    Parts(Vec<OutputContent>),
}

impl ToolOutput {
    /// The text of the output, parts joined by newlines, images left out.
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Parts(parts) => parts
                .iter()
                .filter_map(|part| match part {
                    OutputContent::InputText { text } => Some(text.as_str()),
                    _ => None,
                })
                .collect::<Vec<_>>()
                .join("\n"),
        }
    }
}

impl<'de> Deserialize<'de> for ToolOutput {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// The third form is a very old one: an object with `content` and `success` (rollout sheet §4.5).
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Stored {
            Text(String),
            Parts(Vec<OutputContent>),
            Old { content: String },
        }
        Ok(match Stored::deserialize(deserializer)? {
            Stored::Text(text) | Stored::Old { content: text } => Self::Text(text),
            Stored::Parts(parts) => Self::Parts(parts),
        })
    }
}

/// A part of a reasoning summary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ReasoningSummaryPart {
    /// Text.
    SummaryText {
        /// The text.
        text: String,
    },
}

/// Raw reasoning, when the provider shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ReasoningContent {
    /// The current form.
    ReasoningText {
        /// The text.
        text: String,
    },
    /// An older form.
    Text {
        /// The text.
        text: String,
    },
}

/// What a server-side shell call asked for. Accepted, never run (tools sheet §1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum LocalShellAction {
    /// Run a program.
    Exec {
        /// Program and arguments.
        command: Vec<String>,
        /// Limit in milliseconds.
        timeout_ms: Option<u64>,
        /// Folder to run in.
        working_directory: Option<String>,
        /// Extra environment.
        env: Option<std::collections::BTreeMap<String, String>>,
        /// User to run as.
        user: Option<String>,
    },
}

/// What a provider-side web search did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum SearchAction {
    /// Searched.
    Search {
        /// The query.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        query: Option<String>,
        /// All queries, when there were several.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        queries: Option<Vec<String>>,
    },
    /// Opened a page.
    OpenPage {
        /// Its address.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        url: Option<String>,
    },
    /// Looked for a text in a page.
    FindInPage {
        /// Its address.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        url: Option<String>,
        /// The text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pattern: Option<String>,
    },
    /// Anything else.
    #[serde(other)]
    Other,
}

/// One item of the conversation as the model sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ResponseItem {
    /// A message.
    Message {
        /// Server id; read, not written.
        #[serde(default, skip_serializing)]
        id: Option<String>,
        /// Who speaks.
        role: Role,
        /// The parts.
        content: Vec<ContentItem>,
        /// Commentary or answer, when the model says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        phase: Option<MessagePhase>,
    },
    /// The model's thinking.
    Reasoning {
        /// Server id; read, not written.
        #[serde(default, skip_serializing)]
        id: Option<String>,
        /// Summary parts.
        #[serde(default)]
        summary: Vec<ReasoningSummaryPart>,
        /// Raw parts.
        #[serde(default)]
        content: Option<Vec<ReasoningContent>>,
        /// The opaque form the provider wants back.
        #[serde(default)]
        encrypted_content: Option<String>,
    },
    /// A shell call of a provider-side tool.
    LocalShellCall {
        /// Server id; read, not written.
        #[serde(default, skip_serializing)]
        id: Option<String>,
        /// Correlates call and output.
        call_id: Option<String>,
        /// `completed`, `in_progress` or `incomplete`.
        status: String,
        /// What to run.
        action: LocalShellAction,
    },
    /// A call of a function tool.
    FunctionCall {
        /// Server id; read, not written.
        #[serde(default, skip_serializing)]
        id: Option<String>,
        /// Tool name.
        name: String,
        /// Namespace of the tool.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        namespace: Option<String>,
        /// JSON text, as the model wrote it.
        arguments: String,
        /// Correlates call and output.
        call_id: String,
    },
    /// The answer to a function call.
    FunctionCallOutput {
        /// Which call.
        call_id: String,
        /// The answer.
        output: ToolOutput,
    },
    /// A call of a free-form tool.
    CustomToolCall {
        /// Server id; read, not written.
        #[serde(default, skip_serializing)]
        id: Option<String>,
        /// Status as the server wrote it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<String>,
        /// Correlates call and output.
        call_id: String,
        /// Tool name.
        name: String,
        /// Free text.
        input: String,
    },
    /// The answer to a free-form call.
    CustomToolCallOutput {
        /// Which call.
        call_id: String,
        /// Tool name, only for late notifications of a cell.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// The answer.
        output: ToolOutput,
    },
    /// The model looked for tools.
    ToolSearchCall {
        /// Server id; read, not written.
        #[serde(default, skip_serializing)]
        id: Option<String>,
        /// Correlates call and output.
        call_id: Option<String>,
        /// Status as the server wrote it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<String>,
        /// `client` or `server`.
        execution: String,
        /// Query and limit, unchecked.
        arguments: Value,
    },
    /// The tools found.
    ToolSearchOutput {
        /// Which call.
        call_id: Option<String>,
        /// Always `completed`.
        status: String,
        /// `client` or `server`.
        execution: String,
        /// Tool specifications.
        tools: Vec<Value>,
    },
    /// The provider searched the web.
    WebSearchCall {
        /// Server id; read, not written.
        #[serde(default, skip_serializing)]
        id: Option<String>,
        /// Status as the server wrote it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<String>,
        /// What it did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        action: Option<SearchAction>,
    },
    /// The provider made an image.
    ImageGenerationCall {
        /// Server id; the only one written back.
        id: String,
        /// Status as the server wrote it.
        status: String,
        /// The prompt as the provider reworded it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        revised_prompt: Option<String>,
        /// Base64 of the image.
        result: String,
    },
    /// History the provider condensed.
    #[serde(alias = "compaction_summary")]
    Compaction {
        /// Opaque text.
        encrypted_content: String,
    },
    /// A later form of the same.
    ContextCompaction {
        /// Opaque text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        encrypted_content: Option<String>,
    },
    /// A kind this version does not know: ignored, never stored or replayed.
    #[serde(other)]
    Other,
}

impl ResponseItem {
    /// A message of one text part; output text for the assistant, input text for the rest.
    pub fn message(role: Role, text: impl Into<String>) -> Self {
        let text = text.into();
        let part = match role {
            Role::Assistant => ContentItem::OutputText { text },
            _ => ContentItem::InputText { text },
        };
        Self::Message { id: None, role, content: vec![part], phase: None }
    }

    /// The id the server gave the item, if it did.
    pub fn server_id(&self) -> Option<&str> {
        match self {
            Self::Message { id, .. }
            | Self::Reasoning { id, .. }
            | Self::LocalShellCall { id, .. }
            | Self::FunctionCall { id, .. }
            | Self::CustomToolCall { id, .. }
            | Self::ToolSearchCall { id, .. }
            | Self::WebSearchCall { id, .. } => id.as_deref(),
            Self::ImageGenerationCall { id, .. } => Some(id),
            _ => None,
        }
    }

    /// Whether the rollout keeps items of this kind (rollout sheet §3.1).
    pub fn is_persisted(&self) -> bool {
        !matches!(self, Self::Other)
    }
}
