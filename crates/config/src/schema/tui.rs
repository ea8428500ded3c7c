//! `[tui]`: the terminal user interface.
//!
//! What a newcomer would get wrong: the three notification keys sit in a struct of their own that is flattened into the
//! table, because the reference does so, and with that unknown keys of `[tui]` are tolerated even in strict mode.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::keymap::TuiKeymap;

/// `[tui]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Tui {
    /// What the terminal is told about while it is in the background.
    #[serde(flatten)]
    pub notification_settings: NotificationSettings,
    /// Moves spinners and shimmers. Default: true.
    pub animations: bool,
    /// Shows tips below the welcome. Default: true.
    pub show_tooltips: bool,
    /// Starts the composer in Vim's normal mode. Default: false.
    pub vim_mode_default: bool,
    /// Shows answers as plain text, easy to select and copy. Default: false.
    pub raw_output_mode: bool,
    /// Whether the transcript and other pagers use the alternate screen. Default: auto.
    pub alternate_screen: AlternateScreen,
    /// Items of the line below the composer, in order; an empty list hides it, unset shows the default ones.
    pub status_line: Option<Vec<String>>,
    /// Colours the items of the status line. Default: true.
    pub status_line_use_colors: bool,
    /// Items of the terminal's title, in order; an empty list leaves the title alone, unset shows the default ones.
    pub terminal_title: Option<Vec<String>>,
    /// Name of the syntax highlighting theme.
    pub theme: Option<String>,
    /// Name of the pet; `disabled` hides it.
    pub pet: Option<String>,
    /// Where the pet sits. Default: composer.
    pub pet_anchor: PetAnchor,
    /// How the list of sessions looks. Default: dense.
    pub session_picker_view: Option<SessionPickerView>,
    /// Shortcuts, by context and action.
    pub keymap: TuiKeymap,
    /// How often each new model was announced; the program counts here.
    pub model_availability_nux: ModelAvailabilityNux,
    /// Rows of scrollback that are drawn again when the terminal changes its width; 0 means all, unset is as the
    /// terminal suggests.
    pub terminal_resize_reflow_max_rows: Option<usize>,
}

impl Default for Tui {
    fn default() -> Self {
        Self {
            notification_settings: NotificationSettings::default(),
            animations: true,
            show_tooltips: true,
            vim_mode_default: false,
            raw_output_mode: false,
            alternate_screen: AlternateScreen::default(),
            status_line: None,
            status_line_use_colors: true,
            terminal_title: None,
            theme: None,
            pet: None,
            pet_anchor: PetAnchor::default(),
            session_picker_view: None,
            keymap: TuiKeymap::default(),
            model_availability_nux: ModelAvailabilityNux::default(),
            terminal_resize_reflow_max_rows: None,
        }
    }
}

/// The notification keys of `[tui]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct NotificationSettings {
    /// Whether, or about which events, the terminal notifies. Default: true.
    pub notifications: Notifications,
    /// How the terminal is asked to notify. Default: auto.
    pub notification_method: NotificationMethod,
    /// When it notifies. Default: unfocused.
    pub notification_condition: NotificationCondition,
}

/// All or no notifications, or the named events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a boolean or a list of event names")]
pub enum Notifications {
    /// All or none.
    Switch(bool),
    /// These.
    Events(Vec<String>),
}

impl Default for Notifications {
    fn default() -> Self {
        Self::Switch(true)
    }
}

/// `tui.notification_method`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NotificationMethod {
    /// Whichever the terminal understands.
    #[default]
    Auto,
    /// A desktop notification (escape sequence OSC 9).
    Osc9,
    /// The bell.
    Bel,
}

/// `tui.notification_condition`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NotificationCondition {
    /// While the terminal is not in front.
    #[default]
    Unfocused,
    /// At all times.
    Always,
}

/// `tui.alternate_screen`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AlternateScreen {
    /// Where the terminal allows it.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// `tui.pet_anchor`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PetAnchor {
    /// On the composer.
    #[default]
    Composer,
    /// At the bottom of the screen.
    ScreenBottom,
}

/// `tui.session_picker_view`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SessionPickerView {
    /// Several lines per session.
    Comfortable,
    /// One line per session.
    Dense,
}

/// `[tui.model_availability_nux]`: model slug to count.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(expecting = "struct ModelAvailabilityNuxConfig")]
pub struct ModelAvailabilityNux {
    /// How often each model was announced.
    #[serde(flatten)]
    pub shown: BTreeMap<String, u32>,
}
