//! `quire features`: which feature flags there are, and switches for them.

use clap::{Args, Subcommand};

use super::Outer;
use crate::exit::Exit;

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
    List,
    /// Turn a feature on in config.toml.
    Enable(FeatureArgs),
    /// Turn a feature off in config.toml.
    Disable(FeatureArgs),
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
            Self::List => "list",
            Self::Enable(_) => "enable",
            Self::Disable(_) => "disable",
        }
    }
}

/// Runs the command.
pub(crate) fn run(args: &FeaturesArgs, outer: &Outer) -> Exit {
    outer.not_there(&format!("features {}", args.command.word()), "Use `[features]` in config.toml.")
}
