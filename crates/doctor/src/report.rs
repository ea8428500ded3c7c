//! The report: what each check found.
//!
//! A newcomer's trap: details keep the order the check gave them, and a key may come more than once. The text report
//! shows that order; JSON sorts the keys and collects repeated ones into a list.

use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::redact::redact;

/// How bad it is. Ordered: the report is as bad as its worst check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Nothing to do.
    Ok,
    /// Works, but something should be looked at.
    Warning,
    /// Something does not work.
    Fail,
}

impl Status {
    /// The word in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Fail => "fail",
        }
    }
}

/// A fact a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail {
    /// What it is about. May repeat.
    pub key: String,
    /// The fact, redacted.
    pub value: String,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// How bad.
    pub severity: Status,
    /// What is wrong.
    pub cause: String,
    /// What was found.
    pub measured: Option<String>,
    /// What should have been found.
    pub expected: Option<String>,
    /// How to mend it.
    pub remedy: Option<String>,
    /// The details it is about.
    pub fields: Vec<&'static str>,
}

impl Issue {
    /// A warning with the fix people want to read.
    pub(crate) fn warning(cause: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            severity: Status::Warning,
            cause: cause.into(),
            measured: None,
            expected: None,
            remedy: Some(remedy.into()),
            fields: Vec::new(),
        }
    }

    /// What was found, and what should have been.
    #[must_use]
    pub(crate) fn measured(mut self, found: impl Into<String>, expected: impl Into<String>) -> Self {
        self.measured = Some(found.into());
        self.expected = Some(expected.into());
        self
    }

    /// The details it is about.
    #[must_use]
    pub(crate) fn about(mut self, fields: &[&'static str]) -> Self {
        self.fields = fields.to_vec();
        self
    }

    /// The same as a failure.
    #[must_use]
    pub(crate) fn failure(mut self) -> Self {
        self.severity = Status::Fail;
        self
    }
}

/// What a check hands back.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: Status,
    pub(crate) summary: String,
    /// What the text report says in place of the summary when all is well.
    pub(crate) headline: Option<String>,
    /// Nothing was looked at: not a failure, but not a success either.
    pub(crate) idle: bool,
    pub(crate) details: Vec<Detail>,
    pub(crate) issues: Vec<Issue>,
    pub(crate) notes: Vec<String>,
    pub(crate) remediation: Option<String>,
}

impl Outcome {
    /// All is well.
    pub(crate) fn ok(summary: impl Into<String>) -> Self {
        Self {
            status: Status::Ok,
            summary: summary.into(),
            headline: None,
            idle: false,
            details: Vec::new(),
            issues: Vec::new(),
            notes: Vec::new(),
            remediation: None,
        }
    }

    /// Not well, and this is what to do.
    pub(crate) fn bad(status: Status, summary: impl Into<String>, remediation: impl Into<String>) -> Self {
        Self { status, remediation: Some(remediation.into()), ..Self::ok(summary) }
    }

    /// The text report's short form of a good result.
    #[must_use]
    pub(crate) fn headline(mut self, headline: impl Into<String>) -> Self {
        self.headline = Some(headline.into());
        self
    }

    /// Marks the check as one that looked at nothing.
    #[must_use]
    pub(crate) fn idle(mut self) -> Self {
        self.idle = true;
        self
    }

    /// Replaces the details.
    #[must_use]
    pub(crate) fn with(mut self, details: Details) -> Self {
        self.details = details.0;
        self
    }

    /// A remark below the details.
    #[must_use]
    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Adds issues; the check becomes as bad as the worst of them.
    #[must_use]
    pub(crate) fn issues(mut self, issues: Vec<Issue>) -> Self {
        self.status = issues.iter().map(|issue| issue.severity).fold(self.status, Status::max);
        self.issues.extend(issues);
        self
    }
}

/// Details in the making.
#[derive(Debug, Default)]
pub(crate) struct Details(Vec<Detail>);

impl Details {
    /// Adds a fact.
    pub(crate) fn add(&mut self, key: impl Into<String>, value: impl ToString) {
        self.0.push(Detail { key: key.into(), value: value.to_string() });
    }

    /// Adds a fact that may be missing.
    pub(crate) fn add_some(&mut self, key: impl Into<String>, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.add(key, value);
        }
    }

    /// Adds a path.
    pub(crate) fn add_path(&mut self, key: impl Into<String>, path: &Path) {
        self.add(key, path.display());
    }
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckReport {
    /// Its id.
    pub id: &'static str,
    /// Its category, and its label in the text report.
    pub category: &'static str,
    /// How bad.
    pub status: Status,
    /// Whether nothing was looked at.
    pub idle: bool,
    /// One sentence.
    pub summary: String,
    /// What the text report says in place of the summary when all is well.
    pub headline: Option<String>,
    /// The facts.
    pub details: Vec<Detail>,
    /// What is wrong.
    pub issues: Vec<Issue>,
    /// Remarks.
    pub notes: Vec<String>,
    /// How to mend it.
    pub remediation: Option<String>,
    /// How long the check took.
    pub duration: Duration,
}

impl CheckReport {
    pub(crate) fn new(
        id: &'static str,
        category: &'static str,
        outcome: Outcome,
        duration: Duration,
    ) -> Self {
        let details = outcome
            .details
            .into_iter()
            .map(|Detail { key, value }| Detail { value: redact(&key, &value), key })
            .collect();
        Self {
            id,
            category,
            status: outcome.status,
            idle: outcome.idle && outcome.status == Status::Ok,
            summary: outcome.summary,
            headline: outcome.headline,
            details,
            issues: outcome.issues,
            notes: outcome.notes,
            remediation: outcome.remediation,
            duration,
        }
    }

    /// The values of a detail.
    pub fn values<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.details.iter().filter(move |detail| detail.key == key).map(|detail| detail.value.as_str())
    }
}

/// What all checks found, in the order of the text report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// When it was made.
    pub generated_at: SystemTime,
    /// The name the program goes by.
    pub program: String,
    /// The version the program goes by.
    pub version: String,
    /// One entry per check that ran.
    pub checks: Vec<CheckReport>,
}

impl Report {
    /// As bad as the worst check.
    pub fn status(&self) -> Status {
        self.checks.iter().map(|check| check.status).fold(Status::Ok, Status::max)
    }

    /// The report of one check.
    pub fn check(&self, id: &str) -> Option<&CheckReport> {
        self.checks.iter().find(|check| check.id == id)
    }
}
