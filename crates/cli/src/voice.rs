//! How commands speak of a home or a configuration they cannot use (CLI sheet §8).
//!
//! The same mistake is told in three voices, because scripts match the first words. A newcomer's trap: `exec` prints
//! [`ConfigError`] as it is; the other voices name the place first and the reason below it.

use std::fmt::Write as _;

use quire_config::{ConfigError, HomeError};

use crate::exit::{Exit, say};

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Voice {
    /// `exec` and the interactive mode.
    Exec,
    /// `login` and `logout`.
    Login,
    /// Everything else: the error, then what caused it.
    Plain,
}

impl Voice {
    /// The home cannot be used.
    pub(crate) fn home(self, error: &HomeError) -> Exit {
        say(match self {
            Self::Exec => format!("Error finding codex home: {error}"),
            Self::Login => format!("Error loading configuration: {error}"),
            Self::Plain => format!("Error: {error}"),
        });
        Exit::FAILURE
    }

    /// The configuration cannot be used.
    pub(crate) fn config(self, error: &ConfigError) -> Exit {
        say(self.config_text(error));
        Exit::FAILURE
    }

    fn config_text(self, error: &ConfigError) -> String {
        let what = match (error.location(), error) {
            (Some(location), _) => format!("{location}: {}", error.message()),
            (None, ConfigError::Override(reason)) => reason.to_string(),
            (None, _) => error.message(),
        };
        match (self, error) {
            (Self::Exec, _) | (Self::Login, ConfigError::Override(_)) => error.to_string(),
            (Self::Login, _) if error.location().is_none() => {
                format!("Error loading configuration: {what}{}", cause(error))
            }
            (Self::Login, _) => format!("Error loading configuration: {what}"),
            (Self::Plain, _) => format!("Error: {what}{}", cause(error)),
        }
    }
}

/// What lies behind an error, as a paragraph of its own.
fn cause(error: &ConfigError) -> String {
    let lines = match (error.location(), error.key()) {
        (Some(location), None) => format!(
            "TOML parse error at line {}, column {}\n{}\n{}",
            location.line,
            location.column,
            location.excerpt,
            error.message()
        ),
        (Some(_), Some(key)) => format!("{}\nin `{key}`", error.message()),
        // Nothing more is known of a value from the command line than its key.
        (None, Some(key)) if matches!(error, ConfigError::Value { .. }) => return format!("\nin `{key}`"),
        (None, _) => return String::new(),
    };
    let mut text = String::from("\n\nCaused by:");
    for line in lines.lines() {
        let _ = write!(text, "\n    {line}");
    }
    text
}

#[cfg(test)]
mod tests {
    use quire_config::{CodexHome, LoadOptions};

    use super::*;

    #[test]
    fn one_mistake_in_three_voices() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("config.toml");
        std::fs::write(&file, "model = 3\n").unwrap();
        let error =
            quire_config::load(LoadOptions::new(CodexHome::at(home.path()), home.path())).unwrap_err();
        let wrong = "invalid type: integer `3`, expected a string";
        let at = format!("{}:1:9", file.display());
        assert_eq!(
            Voice::Exec.config_text(&error),
            format!("Error loading config.toml: {wrong}\nin `model`\nat {at}")
        );
        assert_eq!(Voice::Login.config_text(&error), format!("Error loading configuration: {at}: {wrong}"));
        assert_eq!(
            Voice::Plain.config_text(&error),
            format!("Error: {at}: {wrong}\n\nCaused by:\n    {wrong}\n    in `model`")
        );

        std::fs::write(&file, "x=").unwrap();
        let error =
            quire_config::load(LoadOptions::new(CodexHome::at(home.path()), home.path())).unwrap_err();
        let text = Voice::Plain.config_text(&error);
        assert!(text.starts_with(&format!("Error: {}:1:3: ", file.display())), "{text}");
        assert!(text.contains(
            "\n\nCaused by:\n    TOML parse error at line 1, column 3\n      |\n    1 | x=\n      |   ^\n"
        ));

        let mut options = LoadOptions::new(CodexHome::at(home.path()), home.path());
        options.ignore_user_config = true;
        options.cli_overrides = vec!["model=3".to_owned()];
        let error = quire_config::load(options).unwrap_err();
        assert_eq!(Voice::Plain.config_text(&error), format!("Error: {wrong}\nin `model`"));
        assert_eq!(
            Voice::Login.config_text(&error),
            format!("Error loading configuration: {wrong}\nin `model`")
        );

        let mut options = LoadOptions::new(CodexHome::at(home.path()), home.path());
        options.cli_overrides = vec!["foo".to_owned()];
        let error = quire_config::load(options).unwrap_err();
        let reason = "Invalid override (missing '='): foo";
        assert_eq!(Voice::Plain.config_text(&error), format!("Error: {reason}"));
        assert_eq!(Voice::Login.config_text(&error), format!("Error parsing -c overrides: {reason}"));
    }
}
