//! What the model would be told before it first answers: for people who want to see it, not for sampling.
//!
//! In come a configuration and an input, out come the items of the first request. Nothing is sent, started or written,
//! and no credential is looked up. What a newcomer would get wrong: this is the same text as a real first turn's, made
//! by the same functions; a test holds the two side by side.

use std::path::PathBuf;

use quire_config::Config;
use quire_models::{InstructionVariables, ModelInfo, ModelMessages};
use quire_protocol::{ResponseItem, UserInput};

use crate::birth::{base_text, blocking, discover_options, user_shell, variable};
use crate::context::{self, Parts, Surroundings};
use crate::engine::{Engine, EngineError, NewThread};
use crate::prompts;
use crate::settings::Settings;

/// The items that a new thread would send along with `input`; without input, the context alone.
pub(crate) async fn items(
    engine: &Engine,
    config: &Config,
    params: &NewThread,
    input: &[UserInput],
) -> Result<Vec<ResponseItem>, EngineError> {
    let options = &engine.options;
    let settings = Settings::from_config(config);
    let base = base_text(config, params, None, &settings);
    let discover = discover_options(&options.home, config);
    let instructions = blocking(move || quire_repo::discover(&discover)).await?;
    let shell = user_shell(&options.env);
    let temp_dir = variable(&options.env, "TMPDIR").filter(|dir| !dir.is_empty()).map(PathBuf::from);
    let now = jiff::Timestamp::from_millisecond(options.clock.unix_ms())
        .unwrap_or_default()
        .to_zoned(options.clock.zone());
    let context = settings.turn_context(&options.ids.turn_id(), &now);
    let surroundings = Surroundings {
        shell: shell.name(),
        developer_instructions: params
            .developer_instructions
            .as_deref()
            .or(config.developer_instructions.as_deref()),
        personality: base.personality,
        instructions: instructions.text.as_deref(),
        previous_model: None,
        base_instructions: &base.text,
        temp_dir: temp_dir.as_deref(),
        parts: Parts::of(config),
    };
    let mut items = context::messages(None, &context, &surroundings);
    if !input.is_empty() {
        items.push(context::user_message(input).await);
    }
    Ok(items)
}

/// The facts about a model with the system text it gets, unless its catalog entry brings one.
pub fn with_instructions(model: &ModelInfo) -> ModelInfo {
    let mut model = model.clone();
    if model.base_instructions.is_some() {
        return model;
    }
    let template = prompts::base(model.apply_patch_tool_type.is_some());
    model.base_instructions = Some(template.replace(prompts::PERSONALITY_PLACE, ""));
    model.model_messages = model.supports_personality.then(|| ModelMessages {
        instructions_template: Some(template),
        instructions_variables: Some(InstructionVariables {
            personality_default: Some(String::new()),
            personality_friendly: Some(prompts::FRIENDLY.to_owned()),
            personality_pragmatic: Some(prompts::PRAGMATIC.to_owned()),
        }),
    });
    model
}
