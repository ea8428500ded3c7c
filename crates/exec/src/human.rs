//! The transcript people read on standard error (exec sheet §4).
//!
//! A pure projection: notifications of the app server in, text out, coloured or not. The only things it remembers are
//! what must not be said twice: the last diff and the last error.

use std::fmt::Write as _;

use quire_appserver_protocol::notices::ErrorNotification;
use quire_appserver_protocol::thread::SandboxPolicy;
use quire_appserver_protocol::turn::{
    TurnNotification, TurnPlanStep, TurnPlanStepStatus, TurnPlanUpdatedNotification,
};
use quire_appserver_protocol::{ServerNotification, ThreadItem};
use quire_protocol::{ApprovalPolicy, CommandStatus, NetworkAccess, PatchStatus, ThreadId, TurnStatus};

/// What the transcript shows of the model's thinking.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reasoning {
    /// The summary.
    #[default]
    Summary,
    /// The raw text where there is some, else the summary.
    Raw,
    /// Nothing.
    Hidden,
}

/// What stands at the top.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// Product and version.
    pub title: String,
    /// Working folder.
    pub workdir: String,
    /// Model slug.
    pub model: String,
    /// Provider id.
    pub provider: String,
    /// When a person is asked.
    pub approval: ApprovalPolicy,
    /// What may be touched.
    pub sandbox: SandboxPolicy,
    /// Effort, if set.
    pub effort: Option<String>,
    /// Reasoning summary, if set.
    pub summary: Option<String>,
    /// The thread.
    pub session_id: ThreadId,
    /// The prompt as it is sent.
    pub prompt: String,
}

/// ANSI styles, by what they are for.
#[derive(Debug, Clone, Copy)]
enum Style {
    Label,
    User,
    Speaker,
    Good,
    Bad,
    Current,
    Dim,
    Italic,
    Warning,
    Error,
}

impl Style {
    /// What is switched on, one after the other; each is switched off on its own, as the reference does.
    const fn codes(self) -> &'static [&'static str] {
        match self {
            Self::Label => &["\x1b[1m"],
            Self::User | Self::Current => &["\x1b[36m"],
            Self::Speaker => &["\x1b[35m", "\x1b[3m"],
            Self::Good => &["\x1b[32m"],
            Self::Bad => &["\x1b[31m"],
            Self::Dim => &["\x1b[2m"],
            Self::Italic => &["\x1b[3m"],
            Self::Warning => &["\x1b[1m", "\x1b[33m"],
            Self::Error => &["\x1b[1m", "\x1b[31m"],
        }
    }
}

/// The projection.
#[derive(Debug, Default)]
pub struct Projection {
    coloured: bool,
    reasoning: Reasoning,
    last_diff: String,
    last_error: Option<String>,
    tokens: Option<u64>,
}

impl Projection {
    /// A transcript with or without colours.
    pub fn new(coloured: bool, reasoning: Reasoning) -> Self {
        Self { coloured, reasoning, ..Self::default() }
    }

    fn paint(&self, style: Style, text: &str) -> String {
        if !self.coloured {
            return text.to_owned();
        }
        let codes = style.codes();
        format!("{}{text}{}", codes.concat(), "\x1b[0m".repeat(codes.len()))
    }

    /// The lines at the top, the prompt included.
    pub fn header(&self, header: &Header) -> String {
        let mut out = format!("{}\n--------\n", header.title);
        let none = || "none".to_owned();
        let rows = [
            ("workdir:", header.workdir.clone()),
            ("model:", header.model.clone()),
            ("provider:", header.provider.clone()),
            ("approval:", approval_text(&header.approval).to_owned()),
            ("sandbox:", sandbox_text(&header.sandbox)),
            ("reasoning effort:", header.effort.clone().unwrap_or_else(none)),
            ("reasoning summaries:", header.summary.clone().unwrap_or_else(none)),
            ("session id:", header.session_id.to_string()),
        ];
        for (label, value) in rows {
            push(&mut out, format_args!("{} {value}", self.paint(Style::Label, label)));
        }
        push(&mut out, format_args!("--------\n{}\n{}", self.paint(Style::User, "user"), header.prompt));
        out
    }

    /// A line for something a person should know.
    pub fn warning(&self, message: &str) -> String {
        format!("{} {message}\n", self.paint(Style::Warning, "warning:"))
    }

    /// Text for one notification; empty for most.
    pub fn apply(&mut self, notification: &ServerNotification) -> String {
        match notification {
            ServerNotification::ItemStarted(it) => self.item_started(&it.item),
            ServerNotification::ItemCompleted(it) => self.item_completed(&it.item),
            ServerNotification::TurnPlanUpdated(it) => self.plan(it),
            ServerNotification::TurnDiffUpdated(it) => self.diff(&it.diff),
            ServerNotification::TurnCompleted(it) => self.turn_completed(it),
            ServerNotification::ThreadTokenUsageUpdated(it) => {
                self.tokens = Some(it.token_usage.total.blended_total());
                String::new()
            }
            ServerNotification::Error(it) => self.error(it),
            ServerNotification::Warning(it) => self.warning(&it.message),
            ServerNotification::ConfigWarning(it) => {
                self.notice("warning:", &it.summary, it.details.as_deref())
            }
            ServerNotification::DeprecationNotice(it) => {
                self.notice("deprecated:", &it.summary, it.details.as_deref())
            }
            ServerNotification::ModelRerouted(it) => {
                let label = self.paint(Style::Warning, "model rerouted:");
                format!("{label} {} -> {}\n", it.from_model, it.to_model)
            }
            _ => String::new(),
        }
    }

    fn item_started(&self, item: &ThreadItem) -> String {
        match item {
            ThreadItem::CommandExecution { command, cwd, .. } => {
                let speaker = self.paint(Style::Speaker, "exec");
                format!("{speaker}\n{} in {}\n", self.paint(Style::Label, command), cwd.display())
            }
            ThreadItem::FileChange { .. } => format!("{}\n", self.paint(Style::Label, "apply patch")),
            ThreadItem::WebSearch { query, .. } => self.web_search(query),
            ThreadItem::CollabAgentToolCall { tool, .. } => {
                format!("{} {tool:?}\n", self.paint(Style::Label, "collab:"))
            }
            _ => String::new(),
        }
    }

    fn item_completed(&self, item: &ThreadItem) -> String {
        match item {
            ThreadItem::AgentMessage { text, .. } => {
                format!("{}\n{text}\n", self.paint(Style::Speaker, "codex"))
            }
            ThreadItem::Reasoning { summary, content, .. } => self.thought(summary, content),
            ThreadItem::CommandExecution { status, exit_code, duration_ms, aggregated_output, .. } => {
                let mut out = self.command_end(*status, *exit_code, duration_ms.unwrap_or(0));
                if let Some(output) = aggregated_output.as_deref().filter(|output| !output.is_empty()) {
                    push(&mut out, format_args!("{output}"));
                }
                out
            }
            ThreadItem::FileChange { changes, status, .. } => {
                let mut out =
                    format!("{} {}\n", self.paint(Style::Label, "patch:"), patch_status_text(*status));
                for change in changes {
                    let path = change.path.to_string_lossy();
                    push(&mut out, format_args!("{}", self.paint(Style::Dim, &path)));
                }
                out
            }
            ThreadItem::WebSearch { query, .. } => self.web_search(query),
            ThreadItem::ImageView { .. }
            | ThreadItem::UserMessage { .. }
            | ThreadItem::CollabAgentToolCall { .. } => String::new(),
        }
    }

    fn thought(&self, summary: &[String], content: &[String]) -> String {
        let text = match self.reasoning {
            Reasoning::Hidden => return String::new(),
            Reasoning::Raw if !content.is_empty() => content.join("\n"),
            _ => summary.join("\n"),
        };
        if text.trim().is_empty() { String::new() } else { format!("{}\n", self.paint(Style::Dim, &text)) }
    }

    fn web_search(&self, query: &str) -> String {
        format!("{} {query}\n", self.paint(Style::Label, "web search:"))
    }

    fn command_end(&self, status: CommandStatus, exit_code: Option<i32>, duration_ms: i64) -> String {
        let line = match (status, exit_code) {
            (CommandStatus::Completed, _) => {
                self.paint(Style::Good, &format!(" succeeded in {duration_ms}ms:"))
            }
            (CommandStatus::Declined, _) => self.paint(Style::Warning, " declined"),
            (_, Some(code)) => self.paint(Style::Bad, &format!(" exited {code} in {duration_ms}ms:")),
            (_, None) => self.paint(Style::Bad, &format!(" failed in {duration_ms}ms:")),
        };
        line + "\n"
    }

    fn plan(&self, it: &TurnPlanUpdatedNotification) -> String {
        let mut out = String::new();
        if let Some(explanation) = it.explanation.as_deref().filter(|text| !text.trim().is_empty()) {
            push(&mut out, format_args!("{}", self.paint(Style::Italic, explanation)));
        }
        for TurnPlanStep { step, status } in &it.plan {
            let (mark, step) = match status {
                TurnPlanStepStatus::Completed => (self.paint(Style::Good, "✓"), step.clone()),
                TurnPlanStepStatus::InProgress => (self.paint(Style::Current, "→"), step.clone()),
                TurnPlanStepStatus::Pending => (self.paint(Style::Dim, "•"), self.paint(Style::Dim, step)),
            };
            push(&mut out, format_args!("  {mark} {step}"));
        }
        out
    }

    fn diff(&mut self, diff: &str) -> String {
        if diff.trim().is_empty() || diff == self.last_diff {
            return String::new();
        }
        diff.clone_into(&mut self.last_diff);
        format!("{diff}\n")
    }

    fn notice(&self, label: &str, summary: &str, details: Option<&str>) -> String {
        let mut out = format!("{} {summary}\n", self.paint(Style::Warning, label));
        if let Some(details) = details {
            push(&mut out, format_args!("{}", self.paint(Style::Dim, details)));
        }
        out
    }

    fn error(&mut self, it: &ErrorNotification) -> String {
        self.last_error = (!it.will_retry).then(|| it.error.message.clone());
        self.error_line(&it.error.message)
    }

    fn error_line(&self, message: &str) -> String {
        format!("{} {message}\n", self.paint(Style::Error, "ERROR:"))
    }

    fn turn_completed(&self, it: &TurnNotification) -> String {
        match it.turn.status {
            TurnStatus::Interrupted => format!("{}\n", self.paint(Style::Dim, "turn interrupted")),
            TurnStatus::Failed => match &it.turn.error {
                Some(error) if self.last_error.as_ref() != Some(&error.message) => {
                    self.error_line(&error.message)
                }
                _ => String::new(),
            },
            TurnStatus::Completed | TurnStatus::InProgress => match self.tokens {
                Some(tokens) => {
                    format!("{}\n{}\n", self.paint(Style::Dim, "tokens used"), with_thousands(tokens))
                }
                None => String::new(),
            },
        }
    }
}

/// Adds a line. Writing to a `String` cannot fail.
fn push(out: &mut String, line: std::fmt::Arguments<'_>) {
    let _ = writeln!(out, "{line}");
}

fn patch_status_text(status: PatchStatus) -> &'static str {
    match status {
        PatchStatus::InProgress => "in progress",
        PatchStatus::Completed => "completed",
        PatchStatus::Failed => "failed",
        PatchStatus::Declined => "declined",
    }
}

fn approval_text(policy: &ApprovalPolicy) -> &'static str {
    match policy {
        ApprovalPolicy::Untrusted => "untrusted",
        ApprovalPolicy::OnFailure => "on-failure",
        ApprovalPolicy::OnRequest => "on-request",
        ApprovalPolicy::Never => "never",
        ApprovalPolicy::Granular(_) => "granular",
    }
}

/// `workspace-write [workdir, /tmp, $TMPDIR, …] (network access enabled)` and its kin.
fn sandbox_text(policy: &SandboxPolicy) -> String {
    let (mut text, network) = match policy {
        SandboxPolicy::DangerFullAccess => ("danger-full-access".to_owned(), false),
        SandboxPolicy::ReadOnly { network_access } => ("read-only".to_owned(), *network_access),
        SandboxPolicy::ExternalSandbox { network_access } => {
            ("external-sandbox".to_owned(), *network_access == NetworkAccess::Enabled)
        }
        SandboxPolicy::WorkspaceWrite {
            writable_roots,
            network_access,
            exclude_tmpdir_env_var,
            exclude_slash_tmp,
        } => {
            let mut roots = vec!["workdir".to_owned()];
            if !exclude_slash_tmp {
                roots.push("/tmp".to_owned());
            }
            if !exclude_tmpdir_env_var {
                roots.push("$TMPDIR".to_owned());
            }
            roots.extend(writable_roots.iter().map(|root| root.to_string_lossy().into_owned()));
            (format!("workspace-write [{}]", roots.join(", ")), *network_access)
        }
    };
    if network {
        text.push_str(" (network access enabled)");
    }
    text
}

/// `1,234,587`.
fn with_thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_587, "1,234,587")] {
            assert_eq!(with_thousands(number), text);
        }
    }

    #[test]
    fn sandbox_lines() {
        let write = |roots: &[&str], network, tmpdir, slash| SandboxPolicy::WorkspaceWrite {
            writable_roots: roots.iter().map(Into::into).collect(),
            network_access: network,
            exclude_tmpdir_env_var: tmpdir,
            exclude_slash_tmp: slash,
        };
        let rows = [
            (SandboxPolicy::DangerFullAccess, "danger-full-access"),
            (SandboxPolicy::ReadOnly { network_access: false }, "read-only"),
            (write(&[], false, false, false), "workspace-write [workdir, /tmp, $TMPDIR]"),
            (
                write(&["/a", "/b"], true, false, true),
                "workspace-write [workdir, $TMPDIR, /a, /b] (network access enabled)",
            ),
            (write(&[], false, true, true), "workspace-write [workdir]"),
        ];
        for (policy, text) in rows {
            assert_eq!(sandbox_text(&policy), text);
        }
    }
}
