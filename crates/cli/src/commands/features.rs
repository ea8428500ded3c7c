//! `quire features`: which feature flags there are, and switches for them.

use std::fmt::Write as _;

use clap::{Args, Subcommand};
use quire_config::{CodexHome, Feature, Features, Stage, edit};
use serde_json::json;

use super::Outer;
use crate::exit::{Exit, print, say};
use crate::startup::Startup;
use crate::voice::Voice;

/// Arguments of `features`.
#[derive(Debug, Args)]
pub(crate) struct FeaturesArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: FeaturesCommand,
}

/// Commands below `features`.
#[derive(Debug, Subcommand)]
pub(crate) enum FeaturesCommand {
    /// List all features: name, stage, on or off.
    List(ListArgs),
    /// Turn a feature on in config.toml.
    Enable(FeatureArgs),
    /// Turn a feature off in config.toml.
    Disable(FeatureArgs),
}

/// Arguments of `features list`.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// As JSON, with the defaults.
    #[arg(long)]
    pub(crate) json: bool,
    /// Only features that are not as they are by default.
    #[arg(long)]
    pub(crate) changed: bool,
}

/// The feature of `features enable` and `features disable`.
#[derive(Debug, Args)]
pub(crate) struct FeatureArgs {
    /// Its name.
    #[arg(value_name = "FEATURE")]
    pub(crate) feature: String,
}

impl FeaturesCommand {
    /// The word for it.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::List(_) => "list",
            Self::Enable(_) => "enable",
            Self::Disable(_) => "disable",
        }
    }
}

/// Runs the command.
pub(crate) fn run(args: &FeaturesArgs, outer: &Outer) -> Exit {
    let startup = match Startup::begin(Voice::Plain) {
        Ok(startup) => startup,
        Err(exit) => return exit,
    };
    match &args.command {
        FeaturesCommand::List(args) => match quire_config::load(startup.options_with(&outer.overrides)) {
            Ok(config) => print(&list(args, &config.features)),
            Err(error) => Voice::Plain.config(&error),
        },
        FeaturesCommand::Enable(args) => switch(&startup.home, &args.feature, true),
        FeaturesCommand::Disable(args) => switch(&startup.home, &args.feature, false),
    }
}

/// The listing, sorted by name. Without flags it is the reference's, byte for byte.
fn list(args: &ListArgs, features: &Features) -> String {
    let mut listed: Vec<_> = Feature::ALL
        .into_iter()
        .filter(|feature| !args.changed || features.enabled(*feature) != feature.default_on())
        .collect();
    listed.sort_by_key(|feature| feature.key());
    if args.json {
        let entries: Vec<_> = listed
            .into_iter()
            .map(|feature| {
                json!({
                    "name": feature.key(),
                    "stage": feature.stage().as_str(),
                    "enabled": features.enabled(feature),
                    "default": feature.default_on(),
                })
            })
            .collect();
        return format!("{:#}\n", serde_json::Value::from(entries));
    }
    let longest = |text: fn(Feature) -> &'static str| {
        Feature::ALL.into_iter().map(|feature| text(feature).len()).max().unwrap_or_default()
    };
    let (keys, stages) = (longest(Feature::key), longest(|feature| feature.stage().as_str()));
    let mut text = String::new();
    for feature in listed {
        let (key, stage, on) = (feature.key(), feature.stage().as_str(), features.enabled(feature));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{key:keys$}  {stage:stages$}  {on}");
    }
    text
}

/// Writes a switch to the user's config.toml.
fn switch(home: &CodexHome, name: &str, on: bool) -> Exit {
    let file = home.config_file();
    let feature = match edit::set_feature(&file, name, on) {
        Ok(feature) => feature,
        Err(error) => return Exit::error(error),
    };
    let done = if on { "Enabled" } else { "Disabled" };
    let exit = print(&format!("{done} feature `{name}` in config.toml.\n"));
    if on && feature.stage() == Stage::UnderDevelopment {
        say(quire_config::unstable_warning([feature], &file));
    }
    exit
}
