//! `experimentalFeature/*`: the flags, and switching some of them while the server runs (features sheet §5).
//!
//! What a newcomer would get wrong: a switch of the running server is the *weakest* opinion. A flag that any file or
//! argument sets keeps that value, and the switch is remembered without effect.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use quire_appserver_protocol::RpcError;
use quire_appserver_protocol::features::{
    ExperimentalFeature, ExperimentalFeatureListParams, ExperimentalFeatureListResponse, FeatureEnablement,
    FeatureStage,
};
use quire_config::{Config, Feature, Stage};

use crate::config_methods;
use crate::handlers;
use crate::server::Shared;

/// The flags a running server can switch.
const SWITCHABLE: [Feature; 8] = [
    Feature::Apps,
    Feature::Memories,
    Feature::MentionsV2,
    Feature::Plugins,
    Feature::RemoteControl,
    Feature::RemotePlugin,
    Feature::ToolSuggest,
    Feature::ToolCallMcpElicitation,
];

/// What clients switched.
#[derive(Default)]
pub(crate) struct Switches {
    on: Mutex<BTreeMap<&'static str, bool>>,
}

impl Switches {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, bool>> {
        // The map is consistent after every statement, so a panic elsewhere leaves it usable.
        self.on.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was switched, unless the config has an opinion of its own.
    fn over(&self, config: &Config, feature: Feature) -> Option<bool> {
        let written = config.merged.get("features").and_then(|features| features.as_table());
        let decided = written
            .is_some_and(|features| features.keys().any(|name| Feature::from_name(name) == Some(feature)));
        if decided { None } else { self.lock().get(feature.key()).copied() }
    }

    /// Applies what was switched to the config of a thread.
    pub(crate) fn apply(&self, config: &mut Config) {
        for feature in SWITCHABLE {
            if let Some(on) = self.over(config, feature) {
                config.features.set(feature, on);
            }
        }
    }
}

/// The flags a running server can switch, and whether they are on.
pub(crate) fn switchable(shared: &Shared, config: &Config) -> Vec<(Feature, bool)> {
    SWITCHABLE.into_iter().map(|feature| (feature, is_on(shared, config, feature))).collect()
}

fn is_on(shared: &Shared, config: &Config, feature: Feature) -> bool {
    shared.switches.over(config, feature).unwrap_or_else(|| config.features.enabled(feature))
}

/// `experimentalFeature/enablement/set`: all or nothing.
pub(crate) fn set(shared: &Shared, params: FeatureEnablement) -> Result<FeatureEnablement, RpcError> {
    let mut wanted = Vec::new();
    for (name, on) in &params.enablement {
        wanted.push((switchable_of(name)?.key(), *on));
    }
    shared.switches.lock().extend(wanted);
    Ok(params)
}

fn switchable_of(name: &str) -> Result<Feature, RpcError> {
    let refuse = |text: String| Err(RpcError::invalid_request(text));
    match Feature::from_name(name) {
        None => refuse(format!("invalid feature enablement `{name}`")),
        Some(feature) if feature.key() != name => {
            refuse(format!("invalid feature enablement `{name}`: its name is `{}`", feature.key()))
        }
        Some(feature) if SWITCHABLE.contains(&feature) => Ok(feature),
        Some(_) => {
            let names = SWITCHABLE.map(Feature::key).join(", ");
            refuse(format!("unsupported feature enablement `{name}`: a running server can switch {names}"))
        }
    }
}

/// `experimentalFeature/list`.
pub(crate) async fn list(
    shared: &Shared,
    params: ExperimentalFeatureListParams,
) -> Result<ExperimentalFeatureListResponse, RpcError> {
    let mut options = shared.options.config.clone();
    if let Some(id) = &params.thread_id {
        options.cwd = handlers::find(shared, id)?.session().cwd;
    }
    let total = Feature::ALL.len();
    let from = params.cursor.as_deref().map_or(Ok(0), |cursor| {
        let index = cursor.parse::<usize>();
        index.map_err(|_| RpcError::invalid_request(format!("invalid cursor: {cursor}")))
    })?;
    if from > total {
        let text = format!("cursor {from} exceeds total feature flags {total}");
        return Err(RpcError::invalid_request(text));
    }
    let config = config_methods::load(options).await?.map_err(|error| {
        RpcError::internal(format!("failed to reload config: {}", config_methods::told(&error)))
    })?;
    let length = params.limit.map_or(total, |limit| limit.max(1) as usize);
    let to = from.saturating_add(length).min(total);
    let page = Feature::ALL.into_iter().skip(from).take(to - from);
    Ok(ExperimentalFeatureListResponse {
        data: page.map(|feature| described(feature, is_on(shared, &config, feature))).collect(),
        next_cursor: (to < total).then(|| to.to_string()),
    })
}

fn described(feature: Feature, enabled: bool) -> ExperimentalFeature {
    let texts = texts(feature);
    ExperimentalFeature {
        name: feature.key().to_owned(),
        stage: match feature.stage() {
            Stage::Experimental => FeatureStage::Beta,
            Stage::UnderDevelopment => FeatureStage::UnderDevelopment,
            Stage::Stable => FeatureStage::Stable,
            Stage::Deprecated => FeatureStage::Deprecated,
            Stage::Removed => FeatureStage::Removed,
        },
        display_name: texts.map(|(name, _)| name.to_owned()),
        description: texts.map(|(_, description)| description.to_owned()),
        announcement: None,
        enabled,
        default_enabled: feature.default_on(),
    }
}

/// Name and description of the flags that people are invited to try.
const fn texts(feature: Feature) -> Option<(&'static str, &'static str)> {
    Some(match feature {
        Feature::TerminalResizeReflow => {
            ("Reflow on resize", "Lays the transcript out again when the terminal changes its width.")
        }
        Feature::Memories => {
            ("Memories", "Learns from earlier sessions and tells new ones; uses extra model requests.")
        }
        Feature::NetworkProxy => {
            ("Network proxy", "Lets sandboxed commands reach only the hosts that the config allows.")
        }
        Feature::ExternalMigration => {
            ("Import from other agents", "Offers at start to take over the settings of other agents.")
        }
        Feature::PreventIdleSleep => ("Stay awake", "Keeps the machine from sleeping while a turn runs."),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_have_texts_exactly_when_they_are_offered() {
        for feature in Feature::ALL {
            assert_eq!(texts(feature).is_some(), feature.stage() == Stage::Experimental, "{}", feature.key());
        }
    }

    #[test]
    fn what_can_be_switched() {
        assert_eq!(switchable_of("apps").unwrap(), Feature::Apps);
        for (name, begin) in [
            ("nope", "invalid feature enablement `nope`"),
            ("connectors", "invalid feature enablement `connectors`: "),
            ("goals", "unsupported feature enablement `goals`: "),
        ] {
            let error = switchable_of(name).unwrap_err();
            assert!(error.message.starts_with(begin), "{}", error.message);
        }
    }
}
