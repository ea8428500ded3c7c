//! Verdicts, the table on the screen and `docs/PARITY.md`.
//!
//! In come the two snapshots of each scenario and the list of known differences, out come lines for people and
//! the answer whether the run passed. The document holds no date and no timing, so that it only changes when
//! behaviour does.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::diff::{Difference, diff};
use crate::known::KnownDifferences;
use crate::scenario::Scenario;
use serde_json::Value;

use crate::snapshot::{Facet, Snapshot};
use crate::suites::{Case, SUITES};

/// How one scenario went.
#[derive(Debug)]
pub(crate) struct Verdict {
    name: String,
    /// The suite it belongs to; none for a scenario.
    suite: Option<&'static str>,
    facets: Vec<(Facet, Standing)>,
    unknown: Vec<(Facet, Difference)>,
    used: BTreeSet<usize>,
    error: Option<String>,
    /// The first play differed, this is the second.
    second: bool,
}

/// How one facet stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Equal,
    /// Different, and every difference is on the list.
    Known,
    Different,
}

impl Verdict {
    pub(crate) fn compare(
        scenario: &Scenario,
        reference: &Snapshot,
        ours: &Snapshot,
        known: &KnownDifferences,
    ) -> Self {
        let mut verdict = Self::empty(&scenario.name);
        for facet in Facet::ALL {
            if let (Some(left), Some(right)) = (reference.facet(facet), ours.facet(facet)) {
                verdict.weigh(facet, left, right, known);
            }
        }
        verdict
    }

    /// A case of a suite.
    pub(crate) fn of_case(suite: &'static str, case: Case, known: &KnownDifferences) -> Self {
        let mut verdict = Self { suite: Some(suite), ..Self::empty(&case.name) };
        for (facet, reference, ours) in &case.facets {
            verdict.weigh(*facet, reference, ours, known);
        }
        verdict
    }

    fn weigh(&mut self, facet: Facet, reference: &Value, ours: &Value, known: &KnownDifferences) {
        let mut standing = Standing::Equal;
        for difference in diff(reference, ours) {
            let excuses = known.excuses(&self.name, facet, &difference);
            if excuses.is_empty() {
                standing = Standing::Different;
                self.unknown.push((facet, difference));
            } else {
                self.used.extend(excuses);
                if standing == Standing::Equal {
                    standing = Standing::Known;
                }
            }
        }
        self.facets.push((facet, standing));
    }

    /// A scenario that could not be played.
    pub(crate) fn broken(scenario: &Scenario, error: &anyhow::Error) -> Self {
        Self { error: Some(format!("{error:#}")), ..Self::empty(&scenario.name) }
    }

    fn empty(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            suite: None,
            facets: Vec::new(),
            unknown: Vec::new(),
            used: BTreeSet::new(),
            error: None,
            second: false,
        }
    }

    /// Marks the verdict as that of a second play.
    pub(crate) fn of_second_play(self) -> Self {
        Self { second: true, ..self }
    }

    pub(crate) fn passed(&self) -> bool {
        self.error.is_none() && self.unknown.is_empty()
    }

    fn count(&self, standing: Standing) -> usize {
        self.facets.iter().filter(|(_, other)| *other == standing).count()
    }

    /// The line (or lines) for the screen.
    pub(crate) fn line(&self, verbose: bool) -> String {
        let mark = if self.passed() { "ok  " } else { "FAIL" };
        let known = self.count(Standing::Known);
        let mut text =
            format!("{mark} {:<44} {}/{}", self.name, self.count(Standing::Equal), self.facets.len());
        if known > 0 {
            let _ = write!(text, " (+{known} known)");
        }
        if let Some(error) = &self.error {
            let _ = write!(text, "  {error}");
        }
        let shown = if verbose { self.unknown.len() } else { 1 };
        for (facet, difference) in self.unknown.iter().take(shown) {
            let _ = write!(text, "\n       {} {}", facet.name(), describe(difference, verbose));
        }
        if self.unknown.len() > shown {
            let _ = write!(text, "\n       … and {} more", self.unknown.len() - shown);
        }
        text
    }

    fn cell(&self, facet: Facet) -> &'static str {
        match self.facets.iter().find(|(other, _)| *other == facet) {
            None => "–",
            Some((_, Standing::Equal)) => "=",
            Some((_, Standing::Known)) => "~",
            Some((_, Standing::Different)) => "≠",
        }
    }
}

fn describe(difference: &Difference, verbose: bool) -> String {
    let shorten = |value: &Option<serde_json::Value>| match value {
        None => "nothing".to_owned(),
        Some(value) => {
            let text = value.to_string();
            let most = if verbose { 2000 } else { 160 };
            if text.chars().count() <= most {
                text
            } else {
                format!("{}…", text.chars().take(most).collect::<String>())
            }
        }
    };
    let gap = if verbose { "\n           " } else { " " };
    format!(
        "{}:{gap}reference {}{gap}ours {}",
        difference.pointer,
        shorten(&difference.reference),
        shorten(&difference.ours)
    )
}

/// The whole run.
#[derive(Debug)]
pub(crate) struct Report {
    verdicts: Vec<Verdict>,
    /// What is wrong with the list of known differences.
    complaints: Vec<String>,
}

impl Report {
    /// `complete`: every scenario was played, so that an entry without a match is out of date.
    pub(crate) fn new(verdicts: Vec<Verdict>, known: &KnownDifferences, complete: bool) -> Self {
        let used: BTreeSet<usize> =
            verdicts.iter().flat_map(|verdict| verdict.used.iter().copied()).collect();
        let mut complaints = Vec::new();
        for (index, entry) in known.entries.iter().enumerate() {
            let place = format!("{} {}: {}", entry.scenario, entry.facet.name(), entry.reason);
            // Cases that this machine does not allow are not played, and say nothing.
            let played = verdicts.iter().any(|verdict| entry.speaks_of(&verdict.name));
            if complete && played && !entry.flaky && !used.contains(&index) {
                complaints.push(format!("known difference that no longer shows: {place}"));
            }
            if let Some(text) = &entry.undocumented {
                complaints.push(format!("DEVIATIONS.md has no text {text:?} for: {place}"));
            }
        }
        Self { verdicts, complaints }
    }

    pub(crate) fn passed(&self) -> bool {
        self.complaints.is_empty() && self.verdicts.iter().all(Verdict::passed)
    }

    fn total(&self, standing: Standing) -> usize {
        self.verdicts.iter().map(|verdict| verdict.count(standing)).sum()
    }

    fn figures(&self) -> String {
        let passed = self.verdicts.iter().filter(|verdict| verdict.passed()).count();
        let facets: usize = self.verdicts.iter().map(|verdict| verdict.facets.len()).sum();
        format!(
            "{passed} of {} scenarios and cases agree; of {facets} facets {} are equal, {} differ as documented, {} differ",
            self.verdicts.len(),
            self.total(Standing::Equal),
            self.total(Standing::Known),
            self.total(Standing::Different),
        )
    }

    /// The last lines on the screen.
    pub(crate) fn summary(&self) -> String {
        let mut text = format!("\n{}", self.figures());
        let unsteady: Vec<&str> = self
            .verdicts
            .iter()
            .filter(|verdict| verdict.second && verdict.passed())
            .map(|verdict| verdict.name.as_str())
            .collect();
        if !unsteady.is_empty() {
            let _ = write!(text, "\nagree only when played again: {}", unsteady.join(", "));
        }
        for complaint in &self.complaints {
            let _ = write!(text, "\n{complaint}");
        }
        text
    }

    /// `docs/PARITY.md`.
    pub(crate) fn document(&self, known: &KnownDifferences) -> String {
        let mut text = String::from(
            "# Parity with the reference\n\nWritten by `cargo xtask parity`; do not edit.\n\n\
             Every scenario is played by the reference binary (0.136.0) and by ours, with the same scripted model,\n\
             the same folders and the same environment. Compared are: exit code, standard output, standard error\n\
             (kind of message, not its wording), the requests to the model (headers, key order, every field but\n\
             prose), whether the script was played to its end, the session file, the files of the home, and the\n\
             files of the work folder. A scenario that differs is played once more before it counts.\n\n",
        );
        let _ = writeln!(text, "**{}.**\n", self.figures());
        text.push_str(
            "`=` equal, `~` different as documented below, `≠` different, `–` not compared.\n\n| scenario |",
        );
        for facet in Facet::ALL {
            let _ = write!(text, " {} |", facet.name());
        }
        text.push_str("\n|---|");
        text.push_str(&"---|".repeat(Facet::ALL.len()));
        for verdict in self.verdicts.iter().filter(|verdict| verdict.suite.is_none()) {
            let _ = write!(text, "\n| {} |", verdict.name);
            for facet in Facet::ALL {
                let _ = write!(text, " {} |", verdict.cell(facet));
            }
        }
        self.write_suites(&mut text);
        text.push_str("\n\n## Documented differences\n\n| scenario | facet | why |\n|---|---|---|\n");
        for entry in &known.entries {
            let _ = writeln!(text, "| {} | {} | {} |", entry.scenario, entry.facet.name(), entry.reason);
        }
        text
    }

    /// Cases come in hundreds: one line per suite, and the names of those that are not equal in everything.
    fn write_suites(&self, text: &mut String) {
        text.push_str("\n\n## Suites\n\n| suite | what is compared | cases | equal | as documented |\n|---|---|---|---|---|");
        for suite in SUITES {
            let cases: Vec<&Verdict> =
                self.verdicts.iter().filter(|verdict| verdict.suite == Some(suite.name)).collect();
            let equal = cases.iter().filter(|case| case.count(Standing::Equal) == case.facets.len()).count();
            let all = cases.len();
            let _ =
                write!(text, "\n| {} | {} | {all} | {equal} | {} |", suite.name, suite.about, all - equal);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LIST: &str =
        "[[known]]\nscenario = 'config/etc*'\nfacet = 'exit'\nat = '/x'\ndeviation = 'own'\nreason = 'why'\n";

    #[test]
    fn an_entry_is_out_of_date_only_where_its_cases_were_played() {
        let known = KnownDifferences::parse(LIST, "own").unwrap();
        let report = |name: &str| Report::new(vec![Verdict::empty(name)], &known, true);
        assert!(report("config/good").passed());
        assert!(!report("config/etc/a").passed());
    }

    #[test]
    fn long_values_are_shortened_on_the_screen_only_when_asked() {
        let difference =
            Difference { pointer: "/a".into(), reference: Some(json!("x".repeat(300))), ours: None };
        assert!(describe(&difference, false).len() < 260);
        assert!(describe(&difference, true).len() > 300);
        assert!(describe(&difference, false).ends_with("ours nothing"));
    }
}
