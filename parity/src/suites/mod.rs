//! Suites: differential tests that need no scripted model and come in hundreds of small cases.
//!
//! A suite runs both binaries itself and hands back, for every [`Case`], pairs of values; they are compared, excused
//! (`known.toml`, by the case's name) and counted exactly like the facets of a scenario. To add one: a file beside this
//! one, its cases as data in `parity/data/`, and a line in [`SUITES`]. Case names begin with the suite's name.

mod argv;
mod commands;
mod completion;
mod config;
mod doctor;
mod help_text;
mod invoke;
mod server;
mod writes;

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::Value;

use crate::snapshot::Facet;

/// The suites, in the order of the report.
pub(crate) const SUITES: &[Suite] = &[
    Suite { name: "argv", about: "command lines: accepted, refused, explained", run: argv::run },
    Suite {
        name: "completion",
        about: "completion scripts, as text and in real shells",
        run: completion::run,
    },
    commands::SUITE,
    config::SUITE,
    writes::SUITE,
    Suite {
        name: "doctor",
        about: "doctor on homes of all kinds: states, names of details, facts",
        run: doctor::run,
    },
];

/// Tells by its name whether a case is wanted.
pub(crate) type Filter<'a> = &'a dyn Fn(&str) -> bool;

/// One suite.
pub(crate) struct Suite {
    /// Its name, and the beginning of the names of its cases.
    pub(crate) name: &'static str,
    /// What its cases are, for the report.
    pub(crate) about: &'static str,
    /// Runs all cases whose name the filter lets through.
    pub(crate) run: fn(&Sides, Filter<'_>) -> Result<Vec<Case>>,
}

/// The two programs and a place to run them in.
pub(crate) struct Sides {
    /// The reference, under the name `codex`.
    pub(crate) reference: PathBuf,
    /// Ours, under the same name.
    pub(crate) ours: PathBuf,
    /// A folder of this suite's own, outside of the temp folder. Empty at the start.
    pub(crate) folder: PathBuf,
}

impl Sides {
    /// Both, the reference first.
    pub(crate) fn both(&self) -> [&Path; 2] {
        [&self.reference, &self.ours]
    }
}

/// One case and what both sides made of it.
pub(crate) struct Case {
    /// `suite/what`.
    pub(crate) name: String,
    /// What is compared: the reference's value, then ours.
    pub(crate) facets: Vec<(Facet, Value, Value)>,
}
