//! What a client should know about the config before it asks: a config that cannot be used, folders that do not count.
//!
//! In come the server's load options, out go `configWarning`s. What a newcomer would get wrong: a broken config does not
//! keep the server from running. It runs on defaults, so that a client can read the warning and repair the file.

use quire_appserver_protocol::notices::{ConfigWarningNotification, TextPosition, TextRange};
use quire_config::{Config, ConfigError, LayerSource, LoadOptions};

use crate::config_methods::told;

/// The warnings. Blocks: files are read.
pub(crate) fn of(options: &LoadOptions) -> Vec<ConfigWarningNotification> {
    match quire_config::load(options.clone()) {
        Ok(config) => disabled_folders(&config)
            .into_iter()
            .chain(config.warnings.iter().cloned())
            .chain(config.unknown_keys_warning())
            .map(plain)
            .collect(),
        Err(error) => vec![unusable(&error)],
    }
}

fn plain(summary: String) -> ConfigWarningNotification {
    ConfigWarningNotification { summary, details: None, path: None, range: None }
}

fn unusable(error: &ConfigError) -> ConfigWarningNotification {
    let place = error.location().map(|location| {
        let start = TextPosition { line: location.line, column: location.column };
        let end = TextPosition { line: location.end_line, column: location.end_column };
        (location.file.clone(), TextRange { start, end })
    });
    let (path, range) = place.unzip();
    ConfigWarningNotification {
        summary: "The configuration cannot be used; defaults count until it is repaired.".to_owned(),
        details: Some(told(error)),
        path,
        range,
    }
}

/// One text for all folders that do not count.
fn disabled_folders(config: &Config) -> Option<String> {
    let folders: Vec<_> = config
        .layers
        .iter()
        .filter_map(|layer| match (&layer.source, layer.disabled) {
            (LayerSource::Project { dot_codex_folder }, Some(reason)) => {
                Some(format!("\n    {} ({reason})", dot_codex_folder.display()))
            }
            _ => None,
        })
        .collect();
    (!folders.is_empty()).then(|| {
        format!(
            "Config, hooks and rules of these project folders do not count, because the project is not trusted:{}\n\
             To make them count, add the project to {}: [projects.\"FOLDER\"] trust_level = \"trusted\".",
            folders.concat(),
            config.home.config_file().display()
        )
    })
}
