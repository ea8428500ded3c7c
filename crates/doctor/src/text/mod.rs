//! The report for people (CLI sheet §6): notes, groups of rows, details, a line of counts.
//!
//! A newcomer's trap: this is a projection. Nothing is looked up here; even the home folder that `~` stands for is a
//! value.

mod rows;

use std::fmt::Write as _;

use crate::report::{CheckReport, Issue, Report, Status};

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Length {
    /// One line per check.
    Summary,
    /// Details, long lists shortened.
    #[default]
    Normal,
    /// Everything.
    All,
}

/// How the report looks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Style {
    /// How much is shown.
    pub length: Length,
    /// No signs beyond ASCII.
    pub ascii: bool,
    /// ANSI colors.
    pub color: bool,
    /// The folder `~` stands for.
    pub user_home: Option<String>,
}

/// Groups in the order of the report, and the categories in each.
const GROUPS: [(&str, &[&str]); 5] = [
    (
        "Environment",
        &[
            "system",
            "runtime",
            "install",
            "search",
            "git",
            "terminal",
            "title",
            "state",
            "threads",
            "size",
            "slow files",
        ],
    ),
    ("Configuration", &["config", "auth", "mcp", "sandbox", "enforcement"]),
    ("Updates", &["updates"]),
    ("Connectivity", &["network", "websocket", "reachability", "round trip"]),
    ("Background Server", &["app-server"]),
];
const RULE: usize = 61;
const LABEL: usize = 12;
const KEY: usize = 24;
const HINT: usize = 34;
/// So many values of a key that repeats are shown.
const REPEATS: usize = 3;

/// The report as text.
pub fn text(report: &Report, style: &Style) -> String {
    Writer { style, out: String::new() }.report(report)
}

struct Writer<'a> {
    style: &'a Style,
    out: String,
}

impl Writer<'_> {
    fn report(mut self, report: &Report) -> String {
        let dot = self.sign("·", "-");
        let title =
            format!("{} Doctor v{} {dot} {}", capital(&report.program), report.version, crate::platform());
        let title = self.paint(&title, "1");
        self.line(&title);
        self.line("");
        let bad: Vec<_> = report.checks.iter().filter(|check| check.status != Status::Ok).collect();
        if !bad.is_empty() {
            self.line("Notes");
            for check in &bad {
                let remedy = first_remedy(check).map(|remedy| format!(" - {remedy}")).unwrap_or_default();
                let row = self.row(check, &format!("{}{remedy}", headline(check)));
                self.line(&format!("   {row}"));
            }
        }
        let rule = self.sign("─", "-").repeat(RULE);
        self.line(&rule);
        self.line("");
        for (group, categories) in GROUPS {
            let checks: Vec<_> =
                report.checks.iter().filter(|check| categories.contains(&check.category)).collect();
            if checks.is_empty() {
                continue;
            }
            let title = self.paint(group, "1");
            self.line(&title);
            for check in checks {
                self.check(check);
            }
            self.line("");
        }
        self.line(&rule);
        self.counts(report, bad.len());
        self.hints(&report.program);
        self.out
    }

    fn check(&mut self, check: &CheckReport) {
        let mut text = headline(check);
        if check.status != Status::Ok
            && check.issues.is_empty()
            && let Some(remedy) = &check.remediation
        {
            let _ = write!(text, " {} {remedy}", self.sign("—", "-"));
        }
        let row = self.row(check, &text);
        self.line(&format!("  {row}"));
        if self.style.length == Length::Summary {
            return;
        }
        let rows = rows::of(check, self.style.length == Length::All);
        let mut previous = (String::new(), 0);
        for row in &rows {
            previous =
                if previous.0 == row.key { (previous.0, previous.1 + 1) } else { (row.key.clone(), 1) };
            if previous.1 > REPEATS && self.style.length != Length::All {
                continue;
            }
            self.detail(row, &check.issues);
        }
        for note in &check.notes {
            for line in note.lines() {
                self.line(&format!("      {line}"));
            }
        }
        self.remedies(check);
    }

    fn detail(&mut self, row: &rows::Row, issues: &[Issue]) {
        let value = rows::shorten(&row.value, self.style.user_home.as_deref());
        let value =
            if self.style.ascii { value.replace('…', "...").replace(['·', '—'], "-") } else { value };
        let issue = issues.iter().find(|issue| issue.fields.iter().any(|field| *field == row.field));
        let (lead, expected) = match issue {
            Some(issue) => {
                let expected = issue.expected.as_ref().map(|text| format!(" (expected {text})"));
                (format!("    {} ", self.sign("▸", ">")), expected.unwrap_or_default())
            }
            None => ("      ".to_owned(), String::new()),
        };
        self.line(&format!("{lead}{:KEY$} {value}{expected}", row.key));
    }

    fn remedies(&mut self, check: &CheckReport) {
        let mut told: Vec<&str> = Vec::new();
        for remedy in check.issues.iter().filter_map(|issue| issue.remedy.as_deref()) {
            if !told.contains(&remedy) {
                told.push(remedy);
            }
        }
        let most = if self.style.length == Length::All { usize::MAX } else { REPEATS };
        for remedy in told.into_iter().take(most) {
            let arrow = self.sign("→", "->");
            self.line(&format!("    {arrow} {remedy}"));
        }
    }

    fn row(&self, check: &CheckReport, text: &str) -> String {
        let (sign, ascii, color) = match (check.status, check.idle) {
            (Status::Ok, true) => ("○", "[--]", "2"),
            (Status::Ok, false) => ("✓", "[ok]", "32"),
            (Status::Warning, _) => ("⚠", "[!!]", "33"),
            (Status::Fail, _) => ("✗", "[XX]", "31"),
        };
        let text = if self.style.ascii { text.replace('·', "-") } else { text.to_owned() };
        format!("{} {:LABEL$} {text}", self.paint(self.sign(sign, ascii), color), check.category)
    }

    fn counts(&mut self, report: &Report, notes: usize) {
        let count =
            |wanted: &dyn Fn(&CheckReport) -> bool| report.checks.iter().filter(|c| wanted(c)).count();
        let ok = count(&|check| check.status == Status::Ok && !check.idle);
        let parts = [
            (count(&|check| check.idle), "idle"),
            (notes, "notes"),
            (count(&|check| check.status == Status::Warning), "warn"),
            (count(&|check| check.status == Status::Fail), "fail"),
        ];
        let dot = self.sign("·", "-");
        let mut line = format!("{ok} ok");
        for (number, name) in parts.into_iter().filter(|(number, _)| *number > 0) {
            let _ = write!(line, " {dot} {number} {name}");
        }
        let (verdict, color) = match report.status() {
            Status::Ok => ("healthy", "32"),
            Status::Warning => ("works, with warnings", "33"),
            Status::Fail => ("failed", "31"),
        };
        let verdict = self.paint(verdict, color);
        self.line(&format!("{line} {verdict}"));
        self.line("");
    }

    fn hints(&mut self, program: &str) {
        let (all, json) = ("--all expands long lists", "--json for machines, redacted");
        match self.style.length {
            Length::Summary => {
                self.line(&format!("Details: {program} doctor"));
                self.line(&format!("{all:HINT$} {json}"));
            }
            Length::Normal | Length::All => {
                self.line(&format!("{:HINT$} {all}", "--summary for one line per check"));
                self.line(json);
            }
        }
    }

    const fn sign(&self, sign: &'static str, ascii: &'static str) -> &'static str {
        if self.style.ascii { ascii } else { sign }
    }

    fn paint(&self, text: &str, code: &str) -> String {
        if self.style.color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn line(&mut self, text: &str) {
        self.out.push_str(text.trim_end());
        self.out.push('\n');
    }
}

/// The one sentence of a row.
fn headline(check: &CheckReport) -> String {
    match (check.status, check.issues.as_slice()) {
        (Status::Ok, _) => check.headline.clone().unwrap_or_else(|| check.summary.clone()),
        (_, []) => check.summary.clone(),
        (_, [one]) => one.cause.clone(),
        (_, [first, second, ..]) => {
            format!("{} issues - {}; {}", check.issues.len(), first.cause, second.cause)
        }
    }
}

fn first_remedy(check: &CheckReport) -> Option<&str> {
    let of_issue = check.issues.iter().find_map(|issue| issue.remedy.as_deref());
    check.remediation.as_deref().or(of_issue)
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// `2.93 KB`, in steps of 1024.
pub(crate) fn bytes(number: u64) -> String {
    const UNITS: [&str; 4] = ["KB", "MB", "GB", "TB"];
    if number < 1024 {
        return format!("{number} B");
    }
    let mut value = number as f64 / 1024.0;
    let mut unit = UNITS[0];
    for next in &UNITS[1..] {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    format!("{value:.2} {unit}")
}

#[cfg(test)]
mod tests;
