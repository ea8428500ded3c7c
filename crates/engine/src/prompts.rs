//! Every text we say to the model that is not a tool description. Ours, short, in one place.

/// Base instructions; `{{ personality }}` is replaced where the model supports one.
pub(crate) const BASE: &str = include_str!("prompts/base.md");

/// Added for models that have no `apply_patch` tool and must write patches through the shell.
pub(crate) const PATCH_BY_SHELL: &str = include_str!("prompts/patch_by_shell.md");

/// The default personality.
pub(crate) const PRAGMATIC: &str = include_str!("prompts/pragmatic.md");

/// The warm one.
pub(crate) const FRIENDLY: &str = include_str!("prompts/friendly.md");

/// Body of the `<turn_aborted>` message.
pub(crate) const TURN_ABORTED: &str = "The user stopped the previous turn on purpose. Commands it started may be half done, and \
    background processes may still run: check the state of things before you repeat any of it.";

/// Note at the head of `<model_switch>`.
pub(crate) const MODEL_SWITCH: &str =
    "Another model worked on this thread until now. You take over with these instructions:";

/// Stands for an image that a model without image input cannot see.
pub(crate) const IMAGE_OMITTED: &str = "(image left out: this model does not take images)";
