//! Known differences: where ours is different on purpose.
//!
//! In comes `known.toml`, out comes the answer whether a difference is on the list. Every entry names the
//! paragraph of DEVIATIONS.md that explains it to users; an entry without such a paragraph fails the run, and so
//! does an entry that nothing matches any more (unless it is marked as a matter of chance).

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};
use regex::Regex;
use serde::Deserialize;

use crate::diff::Difference;
use crate::snapshot::Facet;

/// The list.
#[derive(Debug, Default)]
pub(crate) struct KnownDifferences {
    pub(crate) entries: Vec<Known>,
}

/// One entry.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) scenario: String,
    pub(crate) facet: Facet,
    pub(crate) reason: String,
    /// Shows only in some runs.
    pub(crate) flaky: bool,
    /// The text that DEVIATIONS.md should contain but does not.
    pub(crate) undocumented: Option<String>,
    pointer: Regex,
    reference: Option<Regex>,
    ours: Option<Regex>,
    names: Regex,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    known: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    scenario: String,
    facet: Facet,
    at: String,
    reference: Option<String>,
    ours: Option<String>,
    deviation: String,
    reason: String,
    #[serde(default)]
    flaky: bool,
}

impl Known {
    /// Whether it is about a scenario or case of that name.
    pub(crate) fn speaks_of(&self, scenario: &str) -> bool {
        self.names.is_match(scenario)
    }
}

impl KnownDifferences {
    /// Reads the list and checks it against DEVIATIONS.md.
    pub(crate) fn load(path: &Path, repo: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let deviations = ["DEVIATIONS.md", "docs/DEVIATIONS.md"]
            .iter()
            .find_map(|name| std::fs::read_to_string(repo.join(name)).ok())
            .unwrap_or_default();
        Self::parse(&text, &deviations).with_context(|| format!("bad list {}", path.display()))
    }

    pub(crate) fn parse(text: &str, deviations: &str) -> Result<Self> {
        let file: File = toml::from_str(text)?;
        let mut entries = Vec::new();
        for written in file.known {
            let whole = |pattern: &str| {
                Regex::new(&format!("^(?s:{pattern})$")).with_context(|| format!("bad pattern {pattern:?}"))
            };
            let glob: Vec<String> = written.scenario.split('*').map(regex::escape).collect();
            entries.push(Known {
                names: whole(&glob.join(".*"))?,
                pointer: whole(&written.at)?,
                reference: written.reference.as_deref().map(whole).transpose()?,
                ours: written.ours.as_deref().map(whole).transpose()?,
                scenario: written.scenario,
                facet: written.facet,
                reason: written.reason,
                flaky: written.flaky,
                undocumented: Some(written.deviation).filter(|text| !deviations.contains(text)),
            });
        }
        Ok(Self { entries })
    }

    /// The entries that excuse a difference; empty when none does.
    pub(crate) fn excuses(&self, scenario: &str, facet: Facet, difference: &Difference) -> BTreeSet<usize> {
        let matches = |known: &Known| {
            let value = |pattern: &Option<Regex>, value: &Option<serde_json::Value>| match pattern {
                None => true,
                Some(pattern) => {
                    pattern.is_match(&value.as_ref().map_or_else(String::new, ToString::to_string))
                }
            };
            known.facet == facet
                && known.speaks_of(scenario)
                && known.pointer.is_match(&difference.pointer)
                && value(&known.reference, &difference.reference)
                && value(&known.ours, &difference.ours)
        };
        self.entries.iter().enumerate().filter(|(_, known)| matches(known)).map(|(index, _)| index).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LIST: &str = r#"
        [[known]]
        scenario = "retry_*"
        facet = "stdout"
        at = "/0/[0-9]+/message"
        ours = '".*own words.*"'
        deviation = "own words"
        reason = "because"
    "#;

    fn difference(pointer: &str, ours: &str) -> Difference {
        Difference { pointer: pointer.into(), reference: Some(json!("x")), ours: Some(json!(ours)) }
    }

    #[test]
    fn entries_excuse_only_what_they_describe() {
        let known = KnownDifferences::parse(LIST, "in our own words").unwrap();
        let excused = |scenario: &str, facet, difference: &Difference| {
            !known.excuses(scenario, facet, difference).is_empty()
        };
        let good = difference("/0/3/message", "in our own words");
        assert!(excused("retry_500", Facet::Stdout, &good));
        assert!(!excused("plain", Facet::Stdout, &good));
        assert!(!excused("retry_500", Facet::Stderr, &good));
        assert!(!excused("retry_500", Facet::Stdout, &difference("/0/3/message/x", "own words")));
        assert!(!excused("retry_500", Facet::Stdout, &difference("/0/3/message", "other")));
    }

    #[test]
    fn undocumented_entries_are_marked() {
        let undocumented = |deviations: &str| {
            KnownDifferences::parse(LIST, deviations).unwrap().entries.remove(0).undocumented
        };
        assert_eq!(undocumented("nothing here").as_deref(), Some("own words"));
        assert_eq!(undocumented("in our own words"), None);
    }
}
