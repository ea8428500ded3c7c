//! Configuration: from files, flags and variables to the settings of a session.
//!
//! In come [`LoadOptions`] (home, working folder, raw flags, lookups), out goes a [`Config`] in which every default is
//! applied; [`edit`] writes config files back without disturbing what people wrote in them. What a newcomer would get
//! wrong: there are three vocabularies. [`ConfigToml`] is what is *written* (one definition per key), [`LayerStack`]
//! knows *where* it was written, [`Config`] is what it *means*.
//!
//! The formats are in the config, features, providers and sandbox sheets.

mod checks;
mod cli_override;
mod config;
mod decode;
pub mod describe;
pub mod dotenv;
pub mod edit;
mod error;
mod features;
pub mod home;
mod json;
mod key_path;
mod layer;
mod load;
mod locate;
mod options;
mod permissions;
mod project;
mod provider;
pub mod requirements;
pub mod schema;
mod shell_environment;
pub mod write;

pub use cli_override::{CliOverride, OverrideError};
pub use config::Config;
pub use edit::{ConfigEdit, EditError, FeatureEditError};
pub use error::{ConfigError, FileKind, InvalidConfig};
pub use features::{Feature, Features, Notice, Stage, unstable_warning};
pub use home::{CodexHome, HomeError};
pub use key_path::{KeyPath, Segment};
pub use layer::{DisabledReason, Layer, LayerSource, LayerStack, Setting, without_dots};
pub use load::{load, load_requirements};
pub use locate::Location;
pub use options::{
    EnvLookup, HostnameLookup, LoadOptions, LocalModels, ProfileName, ProfileNameError, SystemPaths,
    TypedOverrides,
};
pub use permissions::PermissionError;
pub use project::{GitRootFinder, Project};
pub use provider::{AwsSettings, BEDROCK, LOCAL_PROVIDERS, ModelProvider, OPENAI, ProviderAuth};
pub use requirements::{Disallowed, Limits, Requirements, RequirementsError};
pub use schema::{
    ApprovalsReviewer, AuthStore, AutoCompactScope, ConfigToml, FileOpener, ForcedLogin, History,
    HistoryPersistence, Inherit, Personality, SearchContextSize, SearchLocation, TrustLevel, WebSearchMode,
    WebSearchSettings,
};
pub use shell_environment::ShellEnvironmentPolicy;
