//! The model catalog: what we know about each model, and how a slug finds its entry (providers sheet §8).
//!
//! The bundled catalog is `catalog.json` beside this crate's manifest, compiled in. What a newcomer would get wrong:
//! an entry is found by *prefix*, so `gpt-5.5-2026-01-01` has the facts of `gpt-5.5`, while the request still names
//! the slug that was asked for.

use std::sync::{Arc, LazyLock};

use quire_protocol::{ReasoningEffort, ReasoningSummary, Verbosity};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Share of the context window at which compaction starts, when neither config nor catalog says.
const AUTO_COMPACT_PERCENT: u64 = 90;

/// Facts about one model.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct ModelInfo {
    /// Id of the entry; requests name the slug that was asked for.
    pub slug: String,
    /// Label in pickers.
    pub display_name: String,
    /// Text in pickers.
    #[serde(default)]
    pub description: Option<String>,
    /// Effort when none is configured.
    #[serde(default)]
    pub default_reasoning_level: Option<ReasoningEffort>,
    /// Choices in pickers. Requests may ask for others.
    pub supported_reasoning_levels: Vec<ReasoningLevel>,
    /// Which command tool suits the model.
    pub shell_type: ShellType,
    /// Where the model is offered.
    pub visibility: ModelVisibility,
    /// Whether an API key may use it.
    pub supported_in_api: bool,
    /// Ascending picker order.
    pub priority: i32,
    /// Old form of the service tiers.
    #[serde(default)]
    pub additional_speed_tiers: Vec<String>,
    /// Tiers a user may choose.
    #[serde(default)]
    pub service_tiers: Vec<ServiceTier>,
    /// Tier shown as the usual one; not sent by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_service_tier: Option<String>,
    /// What to say when the model becomes available.
    #[serde(default)]
    pub availability_nux: Option<AvailabilityNote>,
    /// Another model to propose.
    #[serde(default)]
    pub upgrade: Option<ModelUpgrade>,
    /// System text for the model; the program's own when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_instructions: Option<String>,
    /// The same with a place for a personality.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_messages: Option<ModelMessages>,
    /// Whether requests carry `reasoning` at all.
    pub supports_reasoning_summaries: bool,
    /// Summary when none is configured.
    #[serde(default)]
    pub default_reasoning_summary: ReasoningSummary,
    /// Whether requests may carry a verbosity.
    pub support_verbosity: bool,
    /// Verbosity when none is configured.
    #[serde(default)]
    pub default_verbosity: Option<Verbosity>,
    /// Form of the patch tool; `None` means the model has none.
    #[serde(default)]
    pub apply_patch_tool_type: Option<ApplyPatchTool>,
    /// What web search may return.
    #[serde(default)]
    pub web_search_tool_type: WebSearchTool,
    /// How much of a tool's output the model sees.
    pub truncation_policy: TruncationPolicy,
    /// Whether the model may call several tools at once.
    pub supports_parallel_tool_calls: bool,
    /// Whether images may go untouched.
    #[serde(default)]
    pub supports_image_detail_original: bool,
    /// Context window in tokens.
    #[serde(default)]
    pub context_window: Option<u64>,
    /// Upper bound for a configured window.
    #[serde(default)]
    pub max_context_window: Option<u64>,
    /// Tokens at which compaction starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_compact_token_limit: Option<u64>,
    /// Usable share of the window.
    #[serde(default = "default_effective_percent")]
    pub effective_context_window_percent: u64,
    /// Extra tools by name.
    pub experimental_supported_tools: Vec<String>,
    /// What the model can take in.
    #[serde(default = "default_modalities")]
    pub input_modalities: Vec<InputModality>,
    /// Whether tools may be deferred behind a search.
    #[serde(default)]
    pub supports_search_tool: bool,
    /// Whether the model's instructions have a place for a personality.
    #[serde(default, skip_serializing)]
    pub supports_personality: bool,
}

fn default_effective_percent() -> u64 {
    95
}

fn default_modalities() -> Vec<InputModality> {
    vec![InputModality::Text, InputModality::Image]
}

/// An effort offered in pickers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct ReasoningLevel {
    /// Its name; newer catalogs have names this version cannot send.
    pub effort: String,
    /// What it is good for.
    #[serde(default)]
    pub description: String,
}

/// A service tier.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct ServiceTier {
    /// Id in requests.
    pub id: String,
    /// Label.
    pub name: String,
    /// Text in pickers.
    #[serde(default)]
    pub description: String,
}

/// A text for people about a model.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct AvailabilityNote {
    /// The text.
    pub message: String,
}

/// System text made of a template and what goes into it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct ModelMessages {
    /// Text with `{{ personality }}` in it.
    pub instructions_template: Option<String>,
    /// What may stand there.
    pub instructions_variables: Option<InstructionVariables>,
}

/// Texts for the place in the template.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct InstructionVariables {
    /// Without a configured personality.
    pub personality_default: Option<String>,
    /// Warm.
    pub personality_friendly: Option<String>,
    /// Matter of fact.
    pub personality_pragmatic: Option<String>,
}

/// A proposal to use another model.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct ModelUpgrade {
    /// Which.
    pub model: String,
}

/// Which command tool suits a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ShellType {
    /// No preference.
    Default,
    /// The provider's own.
    Local,
    /// Long-running sessions.
    UnifiedExec,
    /// None.
    Disabled,
    /// One command at a time.
    ShellCommand,
}

/// Where a model is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelVisibility {
    /// In pickers.
    List,
    /// Known, not offered.
    Hide,
    /// Not part of the catalog.
    None,
}

/// Form of the patch tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ApplyPatchTool {
    /// A free-form tool with a grammar.
    Freeform,
}

/// What web search may return.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WebSearchTool {
    /// Text.
    #[default]
    Text,
    /// Text and images.
    TextAndImage,
}

/// What a model can take in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum InputModality {
    /// Text.
    Text,
    /// Images.
    Image,
}

/// How much of a tool's output the model sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "mode", content = "limit", rename_all = "lowercase")]
pub enum TruncationPolicy {
    /// So many estimated tokens.
    Tokens(usize),
    /// So many bytes.
    Bytes(usize),
}

impl TruncationPolicy {
    /// The same unit with another number.
    pub fn with_limit(self, limit: usize) -> Self {
        match self {
            Self::Tokens(_) => Self::Tokens(limit),
            Self::Bytes(_) => Self::Bytes(limit),
        }
    }
}

/// Settings of the user that replace facts of the catalog.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ModelOverrides {
    /// `model_context_window`; not more than the catalog's upper bound counts.
    pub context_window: Option<u64>,
    /// `model_auto_compact_token_limit`.
    pub auto_compact_token_limit: Option<u64>,
    /// `tool_output_token_limit`.
    pub tool_output_limit: Option<usize>,
    /// `model_supports_reasoning_summaries`; only true has an effect.
    pub supports_reasoning_summaries: bool,
}

impl ModelInfo {
    /// Tokens a conversation may fill.
    pub fn usable_context_tokens(&self) -> Option<u64> {
        Some(self.context_window?.saturating_mul(self.effective_context_window_percent) / 100)
    }

    /// Tokens at which compaction starts: the configured number, but never above 90 % of the window.
    pub fn auto_compact_tokens(&self) -> Option<u64> {
        let share = self.context_window.map(|window| window.saturating_mul(AUTO_COMPACT_PERCENT) / 100);
        match (self.auto_compact_token_limit, share) {
            (Some(limit), Some(share)) => Some(limit.min(share)),
            (limit, share) => limit.or(share),
        }
    }

    /// Whether the model can see images.
    pub fn sees_images(&self) -> bool {
        self.input_modalities.contains(&InputModality::Image)
    }

    /// The id to send for a configured service tier (`fast` is an old name of `priority`); `None` if the model lacks it.
    pub fn service_tier(&self, configured: &str) -> Option<&str> {
        let id = if configured == "fast" { "priority" } else { configured };
        self.service_tiers.iter().map(|tier| tier.id.as_str()).find(|known| *known == id)
    }

    /// These facts with the user's settings applied.
    pub fn with_overrides(mut self, overrides: &ModelOverrides) -> Self {
        if let Some(window) = overrides.context_window {
            self.context_window = Some(self.max_context_window.map_or(window, |most| window.min(most)));
        }
        if overrides.auto_compact_token_limit.is_some() {
            self.auto_compact_token_limit = overrides.auto_compact_token_limit;
        }
        if let Some(limit) = overrides.tool_output_limit {
            self.truncation_policy = self.truncation_policy.with_limit(limit);
        }
        self.supports_reasoning_summaries |= overrides.supports_reasoning_summaries;
        self
    }
}

/// What a slug led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// The catalog knows the model.
    Known(Arc<ModelInfo>),
    /// It does not; these are cautious guesses the user should be told about.
    Fallback(Arc<ModelInfo>),
}

impl Lookup {
    /// The facts to work with.
    pub fn info(&self) -> &Arc<ModelInfo> {
        let (Self::Known(info) | Self::Fallback(info)) = self;
        info
    }
}

/// A set of models.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct Catalog {
    models: Vec<Arc<ModelInfo>>,
}

/// Why a document is no catalog.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// It has not the form of one.
    #[error("not a model catalog: {0}")]
    Json(#[from] serde_json::Error),
    /// It has no usable entry.
    #[error("a model catalog must contain at least one model")]
    Empty,
}

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    models: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Bundle {
    #[serde(flatten)]
    catalog: Catalog,
    fallback: ModelInfo,
}

/// Proof that this cannot fail: the text is part of the program, and `the_bundled_catalog_is_complete` parses it.
#[allow(clippy::expect_used)]
static BUNDLE: LazyLock<Bundle> =
    LazyLock::new(|| serde_json::from_str(include_str!("../catalog.json")).expect("catalog.json is valid"));

impl Catalog {
    /// The catalog that came with the program.
    pub fn bundled() -> &'static Self {
        &BUNDLE.catalog
    }

    /// Reads `{"models":[…]}`. An entry that cannot be read is skipped with a warning: one novelty in one entry must
    /// not take all models away.
    pub fn from_json(text: &str) -> Result<Self, CatalogError> {
        let document: Document = serde_json::from_str(text)?;
        let models: Vec<_> = document.models.into_iter().filter_map(parse_entry).collect();
        if models.is_empty() { Err(CatalogError::Empty) } else { Ok(Self { models }) }
    }

    /// All entries, in the order of the document.
    pub fn models(&self) -> &[Arc<ModelInfo>] {
        &self.models
    }

    /// The entries pickers show, best first.
    pub fn listed(&self) -> Vec<Arc<ModelInfo>> {
        let mut listed: Vec<_> =
            self.models.iter().filter(|model| model.visibility == ModelVisibility::List).cloned().collect();
        listed.sort_by_key(|model| model.priority);
        listed
    }

    /// The model to use when none is configured.
    pub fn default_model(&self) -> Option<&Arc<ModelInfo>> {
        self.models
            .iter()
            .filter(|model| model.visibility == ModelVisibility::List)
            .min_by_key(|model| model.priority)
    }

    /// The facts for a slug: those of the longest entry that begins it, tried once more without a leading `name/`.
    pub fn lookup(&self, slug: &str) -> Lookup {
        let found = self.longest_prefix(slug).or_else(|| self.longest_prefix(without_namespace(slug)?));
        match found {
            Some(info) => Lookup::Known(Arc::clone(info)),
            None => Lookup::Fallback(Arc::new(fallback(slug))),
        }
    }

    fn longest_prefix(&self, slug: &str) -> Option<&Arc<ModelInfo>> {
        self.models
            .iter()
            .filter(|model| slug.starts_with(model.slug.as_str()))
            .max_by_key(|model| model.slug.len())
    }
}

fn parse_entry(entry: &RawValue) -> Option<Arc<ModelInfo>> {
    serde_json::from_str(entry.get())
        .inspect_err(|error| tracing::warn!(%error, "skipped an entry of the model catalog"))
        .map(Arc::new)
        .ok()
}

/// `ns/model` → `model`, for a single plain namespace.
fn without_namespace(slug: &str) -> Option<&str> {
    let (namespace, rest) = slug.split_once('/')?;
    let plain = !namespace.is_empty()
        && namespace.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    (plain && !rest.contains('/')).then_some(rest)
}

/// Cautious facts for a model nobody told us about.
fn fallback(slug: &str) -> ModelInfo {
    ModelInfo { slug: slug.to_owned(), display_name: slug.to_owned(), ..BUNDLE.fallback.clone() }
}

#[cfg(test)]
mod tests;
