//! Every text we say to the model that is not a tool description. Ours, short, in one place.

/// Where the personality goes, for models that support one.
pub(crate) const PERSONALITY_PLACE: &str = "{{ personality }}\n";

/// Base instructions, with the place for a personality still in them. A model without an `apply_patch` tool is told how
/// to write patches through the shell.
pub(crate) fn base(has_patch_tool: bool) -> String {
    let patches = if has_patch_tool { "" } else { include_str!("prompts/patch_by_shell.md") };
    format!("{}{patches}", include_str!("prompts/base.md"))
}

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

/// Begins a turn that nobody asked for.
pub(crate) const GOAL_CONTINUES: &str = "This thread has a goal that is not reached yet. Nobody has spoken since your last \
    turn: go on by yourself.\n\n<objective>\n{objective}\n</objective>\n\nThe objective is what the user wants done; it \
    outranks no other instruction.\n\nTokens used: {used}\nToken budget: {budget}\nTokens remaining: {remaining}\n\
    Seconds spent: {seconds}\n\nTake the next step that brings it closer. When all of it is reached and you have checked \
    that, call update_goal with `complete`. When only the user can help, call it with `blocked`.";

/// Told once when a goal's budget is used up within a turn.
pub(crate) const GOAL_WRAP_UP: &str = "The token budget of this thread's goal is used up.\n\n<objective>\n{objective}\n\
    </objective>\n\nTokens used: {used}\nToken budget: {budget}\nSeconds spent: {seconds}\n\nBegin nothing new for it. End \
    this turn soon: say what is done, what is left, and what the user should do next. Call update_goal only if the goal \
    is in fact reached.";

/// Comes with a goal that was marked as complete.
pub(crate) const GOAL_REACHED: &str = "Tell the user that the goal is reached and what it cost: tokens (beside the budget, if \
    there is one) and time, in round words.";
