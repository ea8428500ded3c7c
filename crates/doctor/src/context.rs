//! What a check gets to see, and what a check is.

use quire_config::{Config, ConfigError};
use tokio::runtime::Runtime;

use crate::host::{Host, Network};
use crate::report::Outcome;

/// What every check sees.
pub(crate) struct Context<'a> {
    pub(crate) host: &'a Host,
    pub(crate) config: Result<&'a Config, &'a ConfigError>,
    pub(crate) network: Network,
    /// Bounds programs and probes in time.
    pub(crate) runtime: &'a Runtime,
}

/// How a check is run.
#[derive(Clone, Copy)]
pub(crate) enum Run {
    /// Needs no config.
    Always(fn(&Context<'_>) -> Outcome),
    /// Left out when the config cannot be loaded.
    Configured(fn(&Context<'_>, &Config) -> Outcome),
}

impl Run {
    /// Whether it can be run with what is there.
    pub(crate) fn applies(self, context: &Context<'_>) -> bool {
        matches!(self, Self::Always(_)) || context.config.is_ok()
    }

    /// Runs it; `None` if it does not apply.
    pub(crate) fn outcome(self, context: &Context<'_>) -> Option<Outcome> {
        match (self, context.config) {
            (Self::Always(run), _) => Some(run(context)),
            (Self::Configured(run), Ok(config)) => Some(run(context, config)),
            (Self::Configured(_), Err(_)) => None,
        }
    }
}

/// One check.
pub(crate) struct Check {
    pub(crate) id: &'static str,
    /// Also its label in the text report.
    pub(crate) category: &'static str,
    /// What it looks at, for the progress line.
    pub(crate) label: &'static str,
    pub(crate) run: Run,
}
