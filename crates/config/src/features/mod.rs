//! Feature flags: which exist, which are on, and what to say about old names (features sheet).
//!
//! In comes the merged `[features]` table, out goes a [`Features`] set that answers "is it on?". What a newcomer would
//! get wrong: a flag of stage `removed` still has a value, and for some of them ([`PINNED`]) that value cannot be
//! changed at all.

mod registry;
mod table;

use std::collections::BTreeMap;
use std::path::Path;

pub use registry::{Feature, Stage};
pub(crate) use table::SwitchOr;
pub use table::{
    AppsMcpPathToml, DomainRules, FeatureToml, FeaturesToml, MultiAgentV2Toml, NetworkMode, NetworkProxyToml,
    NetworkToml, Rule, UnixSocketRules,
};

/// Old names: what is written, and which flag is meant.
const ALIASES: [(&str, Feature); 9] = [
    ("collab", Feature::MultiAgent),
    ("connectors", Feature::Apps),
    ("memory_tool", Feature::Memories),
    ("codex_hooks", Feature::Hooks),
    ("telepathy", Feature::Chronicle),
    ("request_permissions", Feature::ExecPermissionApprovals),
    ("web_search", Feature::WebSearchRequest),
    ("enable_experimental_windows_sandbox", Feature::ExperimentalWindowsSandbox),
    (UNIFIED_EXEC_ALIAS, Feature::UnifiedExec),
];

/// The one old name that is also a top-level key.
const UNIFIED_EXEC_ALIAS: &str = "experimental_use_unified_exec_tool";

/// Removed flags whose value never changes, whatever is configured.
const PINNED: [Feature; 10] = [
    Feature::ApplyPatchFreeform,
    Feature::ImageDetailOriginal,
    Feature::JsRepl,
    Feature::JsReplToolsOnly,
    Feature::PluginHooks,
    Feature::RemoteControl,
    Feature::SkillEnvVarDependencyPrompt,
    Feature::ToolSearch,
    Feature::TuiAppServer,
    Feature::Undo,
];

/// Canonical flags that are reported when they are merely mentioned.
const DEPRECATED_MENTIONS: [Feature; 3] =
    [Feature::UseLegacyLandlock, Feature::WebSearchCached, Feature::WebSearchRequest];

/// Something in the config that works but should be written differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What is outdated.
    pub summary: String,
    /// What to do about it.
    pub details: Option<String>,
}

impl Feature {
    /// The flag of a name, old names included.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|feature| feature.key() == name)
            .or_else(|| ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, feature)| *feature))
    }
}

/// Which flags are on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Features {
    on: [bool; Feature::ALL.len()],
}

impl Default for Features {
    fn default() -> Self {
        Self { on: Feature::ALL.map(Feature::default_on) }
    }
}

impl Features {
    /// Whether a flag is on.
    pub const fn enabled(&self, feature: Feature) -> bool {
        self.on[feature as usize]
    }

    /// Switches a flag, for the running program only. Pinned flags stay as they are.
    pub fn set(&mut self, feature: Feature, on: bool) {
        if !PINNED.contains(&feature) {
            self.on[feature as usize] = on;
        }
        if self.enabled(Feature::CodeModeOnly) {
            self.on[Feature::CodeMode as usize] = true;
        }
    }

    /// The flags that are on, in registry order.
    pub fn iter_enabled(&self) -> impl Iterator<Item = Feature> {
        Feature::ALL.into_iter().filter(|feature| self.enabled(*feature))
    }

    /// The value of the header `x-codex-beta-features`; nothing when it is not sent.
    pub fn beta_header(&self) -> Option<String> {
        let announced = |feature: &Feature| match feature {
            Feature::Memories => false,
            Feature::RemoteCompactionV2 => true,
            other => other.stage() == Stage::Experimental,
        };
        let names: Vec<_> = self.iter_enabled().filter(announced).map(Feature::key).collect();
        (!names.is_empty()).then(|| names.join(","))
    }

    /// The flags that are on although they are not ready.
    pub fn unstable(&self) -> impl Iterator<Item = Feature> {
        self.iter_enabled().filter(|feature| feature.stage() == Stage::UnderDevelopment)
    }

    /// The flags of a merged config: real names beat old names, which beat the old top-level key.
    pub(crate) fn resolve(configured: &FeaturesToml, legacy_unified_exec: Option<bool>) -> Self {
        let mut on = Feature::ALL.map(Feature::default_on);
        let mut assign = |feature: Feature, value: bool| {
            if !PINNED.contains(&feature) {
                on[feature as usize] = value;
            }
        };
        if let Some(value) = legacy_unified_exec {
            assign(Feature::UnifiedExec, value);
        }
        let values = || configured.iter().filter_map(|(name, value)| Some((name, value.enabled()?)));
        for (name, value) in values() {
            if let Some((_, feature)) = ALIASES.iter().find(|(alias, _)| *alias == name) {
                assign(*feature, value);
            }
        }
        for (name, value) in values() {
            if let Some(feature) = Feature::ALL.into_iter().find(|feature| feature.key() == name) {
                assign(feature, value);
            }
        }
        let mut features = Self { on };
        features.set(Feature::CodeModeOnly, features.enabled(Feature::CodeModeOnly));
        features
    }
}

/// What to tell about outdated names, in the reference's order.
pub(crate) fn notices(configured: &FeaturesToml, legacy_unified_exec: Option<bool>) -> Vec<Notice> {
    // Sorted by how each name is filed: old names bare, canonical ones with their table.
    let mut found = BTreeMap::new();
    if legacy_unified_exec.is_some() {
        found.insert(UNIFIED_EXEC_ALIAS.to_owned(), renamed(UNIFIED_EXEC_ALIAS, Feature::UnifiedExec));
    }
    for (name, _) in configured.iter() {
        if let Some((alias, feature)) = ALIASES.iter().find(|(alias, _)| *alias == name) {
            let notice = match feature {
                Feature::WebSearchRequest => web_search_moved(alias),
                _ => renamed(alias, *feature),
            };
            found.insert((*alias).to_owned(), notice);
        } else if let Some(feature) = DEPRECATED_MENTIONS.iter().find(|feature| feature.key() == name) {
            let notice = match feature {
                Feature::UseLegacyLandlock => landlock_leaves(),
                _ => web_search_moved(name),
            };
            found.insert(format!("features.{name}"), notice);
        }
    }
    found.into_values().collect()
}

/// What to tell about flags that are on although they are not ready.
pub fn unstable_warning(features: impl IntoIterator<Item = Feature>, config_file: &Path) -> String {
    let names: Vec<_> = features.into_iter().map(Feature::key).collect();
    format!(
        "Under-development features enabled: {}. They are not finished and may change or break. To silence this, set \
         `suppress_unstable_features_warning = true` in {}.",
        names.join(", "),
        config_file.display()
    )
}

fn renamed(alias: &str, feature: Feature) -> Notice {
    let key = feature.key();
    Notice {
        summary: format!("`[features].{alias}` is an old name. Write `[features].{key}` instead."),
        details: Some(format!("On the command line: `--enable {key}` or `--disable {key}`.")),
    }
}

fn web_search_moved(name: &str) -> Notice {
    Notice {
        summary: format!("`[features].{name}` is deprecated: web search has a key of its own."),
        details: Some(
            "Remove it, and set the top-level key `web_search` to \"live\", \"cached\" or \"disabled\" if the default \
             does not suit you."
                .to_owned(),
        ),
    }
}

fn landlock_leaves() -> Notice {
    Notice {
        summary: "`[features].use_legacy_landlock` is deprecated and will go away.".to_owned(),
        details: Some("Remove it; the default sandbox covers more.".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(table: &str) -> Features {
        Features::resolve(&parse(table), None)
    }

    fn parse(table: &str) -> FeaturesToml {
        toml::from_str(table).unwrap()
    }

    #[test]
    fn defaults_and_beta_header() {
        let features = Features::default();
        assert_eq!(features.beta_header().as_deref(), Some("terminal_resize_reflow"));
        assert_eq!(features, resolve(""));
        let all = resolve(
            "remote_compaction_v2 = true\nprevent_idle_sleep = true\nmemories = true\nexternal_migration = true\n\
             network_proxy = true\ncode_mode = true",
        );
        assert_eq!(
            all.beta_header().as_deref(),
            Some(
                "terminal_resize_reflow,network_proxy,external_migration,prevent_idle_sleep,remote_compaction_v2"
            )
        );
        assert_eq!(resolve("terminal_resize_reflow = false").beta_header(), None);
    }

    #[test]
    fn names_old_names_and_the_old_key() {
        assert!(resolve("collab = false\nmulti_agent = true").enabled(Feature::MultiAgent));
        assert!(resolve("multi_agent = true\ncollab = false").enabled(Feature::MultiAgent));
        assert!(!resolve("collab = false").enabled(Feature::MultiAgent));
        let old_key =
            |table: &str| Features::resolve(&parse(table), Some(false)).enabled(Feature::UnifiedExec);
        assert!(!old_key(""));
        assert!(old_key("unified_exec = true"));
        assert_eq!(Feature::from_name("telepathy"), Some(Feature::Chronicle));
        assert_eq!(Feature::from_name("rmcp_client"), None);
    }

    #[test]
    fn pinned_and_implied_flags() {
        let table: String = PINNED.iter().map(|f| format!("{} = {}\n", f.key(), !f.default_on())).collect();
        assert_eq!(resolve(&table), Features::default());
        assert!(
            resolve("steer = false\n").on != Features::default().on,
            "other removed flags report what is set"
        );
        assert!(resolve("code_mode_only = true\ncode_mode = false").enabled(Feature::CodeMode));
    }

    #[test]
    fn table_forms_switch_their_flag() {
        assert!(
            !resolve("[multi_agent_v2]\nmax_concurrent_threads_per_session = 2")
                .enabled(Feature::MultiAgentV2)
        );
        assert!(resolve("[multi_agent_v2]\nenabled = true").enabled(Feature::MultiAgentV2));
        assert!(resolve("[apps_mcp_path_override]\npath = '/x'").enabled(Feature::AppsMcpPathOverride));
        assert!(
            !resolve("[apps_mcp_path_override]\npath = '/x'\nenabled = false")
                .enabled(Feature::AppsMcpPathOverride)
        );
        assert!(!resolve("[network_proxy]\nmode = 'full'").enabled(Feature::NetworkProxy));
    }

    #[test]
    fn notices_come_in_the_order_of_the_reference() {
        let table = "use_legacy_landlock = false\nweb_search_request = false\nweb_search_cached = false\n\
                     web_search = false\ncollab = true\nconnectors = true\nmemory_tool = false\ncodex_hooks = true\n\
                     telepathy = true\nrequest_permissions = false\nenable_experimental_windows_sandbox = false\n";
        let names: Vec<_> = notices(&parse(table), Some(true))
            .into_iter()
            .map(|notice| notice.summary.split(['.', '`']).nth(2).unwrap_or_default().to_owned())
            .collect();
        assert_eq!(
            names,
            [
                "codex_hooks",
                "collab",
                "connectors",
                "enable_experimental_windows_sandbox",
                "experimental_use_unified_exec_tool",
                "use_legacy_landlock",
                "web_search_cached",
                "web_search_request",
                "memory_tool",
                "request_permissions",
                "telepathy",
                "web_search",
            ]
        );
        assert_eq!(notices(&parse("goals = false"), None), []);
    }

    #[test]
    fn the_registry_is_that_of_the_reference() {
        let data = include_str!("../../tests/data/features.json");
        let expected: Vec<(String, String, bool)> = serde_json::from_str(data).unwrap();
        let ours: Vec<_> = Feature::ALL
            .iter()
            .map(|f| (f.key().to_owned(), f.stage().as_str().to_owned(), f.default_on()))
            .collect();
        assert_eq!(ours, expected);
    }
}
