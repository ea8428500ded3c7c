//! The report as JSON, in the reference's schema (CLI sheet §6).
//!
//! A newcomer's trap: checks and detail keys are sorted here, whatever the order of the report is, and a detail that
//! comes more than once is a list.

use std::collections::BTreeMap;
use std::time::UNIX_EPOCH;

use serde_json::{Map, Value, json};

use crate::report::{CheckReport, Issue, Report};

/// The version of the schema.
const SCHEMA: u32 = 1;

/// The report as JSON.
pub fn json(report: &Report) -> Value {
    let seconds = report.generated_at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let checks: BTreeMap<_, _> = report.checks.iter().map(|check| (check.id, one(check))).collect();
    json!({
        "schemaVersion": SCHEMA,
        "generatedAt": format!("{seconds}s since unix epoch"),
        "overallStatus": report.status().as_str(),
        "codexVersion": report.version,
        "checks": checks,
    })
}

fn one(check: &CheckReport) -> Value {
    let mut out = Map::new();
    out.insert("id".into(), check.id.into());
    out.insert("category".into(), check.category.into());
    out.insert("status".into(), check.status.as_str().into());
    out.insert("summary".into(), check.summary.clone().into());
    out.insert("details".into(), details(check));
    if !check.issues.is_empty() {
        out.insert("issues".into(), check.issues.iter().map(issue).collect());
    }
    if !check.notes.is_empty() {
        out.insert("notes".into(), check.notes.clone().into());
    }
    out.insert("remediation".into(), check.remediation.clone().into());
    let millis = u64::try_from(check.duration.as_millis()).unwrap_or(u64::MAX);
    out.insert("durationMs".into(), millis.into());
    Value::Object(out)
}

fn details(check: &CheckReport) -> Value {
    let mut sorted: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for detail in &check.details {
        sorted.entry(&detail.key).or_default().push(&detail.value);
    }
    let collapse = |values: Vec<&str>| match values.as_slice() {
        [one] => Value::from(*one),
        many => Value::from(many.to_vec()),
    };
    sorted.into_iter().map(|(key, values)| (key.to_owned(), collapse(values))).collect()
}

fn issue(issue: &Issue) -> Value {
    json!({
        "severity": issue.severity.as_str(),
        "cause": issue.cause,
        "measured": issue.measured,
        "expected": issue.expected,
        "remedy": issue.remedy,
        "fields": issue.fields,
    })
}
