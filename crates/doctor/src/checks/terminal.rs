//! `terminal.env`: what the terminal is, and whether it can show what we draw.

use quire_shell::terminal::{Multiplexer, TMUX_CLIENT_QUERIES, Terminal};

use crate::context::{Check, Context, Run};
use crate::host::Host;
use crate::program;
use crate::report::{Details, Issue, Outcome};

pub(crate) const CHECK: Check =
    Check { id: "terminal.env", category: "terminal", label: "terminal", run: Run::Always(run) };

const MIN_COLUMNS: u16 = 80;
const MIN_ROWS: u16 = 24;
/// What terminfo says of a terminal nobody has measured.
const ASSUMED_SIZE: (u16, u16) = (80, 24);
/// Whatever they hold may identify people or sessions.
const PRESENCE_ONLY: [&str; 5] =
    ["SSH_TTY", "SSH_CONNECTION", "SSH_CLIENT", "WT_SESSION", "VSCODE_INJECTION"];
const COLOR_VARIABLES: [&str; 5] = ["COLORTERM", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE"];
const TMUX_OPTIONS: [&str; 5] =
    ["extended-keys", "xterm-keys", "allow-passthrough", "set-clipboard", "focus-events"];

fn run(context: &Context<'_>) -> Outcome {
    let host = context.host;
    let mut terminal = Terminal::detect(|name| host.var(name).map(str::to_owned));
    let mut details = Details::default();
    let client = terminal.hides_in_tmux().then(|| TMUX_CLIENT_QUERIES.map(|query| ask_tmux(context, &query)));
    if let Some([termtype, termname]) = &client {
        terminal = terminal.with_tmux_client(termtype.as_deref(), termname.as_deref());
    }
    details.add("terminal", terminal.name.as_str());
    details.add_some("TERM_PROGRAM", terminal.program.as_ref());
    details.add_some("terminal version", terminal.version.as_ref());
    details.add_some("TERM", terminal.term.as_ref());
    details.add_some("multiplexer", terminal.multiplexer.as_ref().map(multiplexer));
    if let Some([termtype, termname]) = client {
        details.add_some("tmux client termtype", termtype);
        details.add_some("tmux client termname", termname);
    }
    details.add("stdin is terminal", host.streams.stdin);
    details.add("stdout is terminal", host.streams.stdout);
    details.add("stderr is terminal", host.streams.stderr);
    let size = size(host);
    details.add(
        "terminal size",
        match size {
            Some((columns, rows)) => format!("{columns}x{rows}"),
            None => "unavailable (no terminal, and TERM is not set)".to_owned(),
        },
    );
    details.add_some("COLUMNS", host.var("COLUMNS"));
    details.add_some("LINES", host.var("LINES"));
    details.add("color output", color(host));
    for name in COLOR_VARIABLES {
        details.add_some(name, host.var(name).map(|value| if value.is_empty() { "present" } else { value }));
    }
    let locale = locale(host);
    details.add_some("effective locale", locale);
    for name in PRESENCE_ONLY {
        details.add_some(name, host.var_os(name).map(|_| "present"));
    }
    if matches!(terminal.multiplexer, Some(Multiplexer::Tmux(_))) {
        for option in TMUX_OPTIONS {
            let value = ask_tmux(context, &["show-options", "-gqv", option]);
            details.add(format!("tmux {option}"), value.as_deref().unwrap_or("unavailable"));
        }
    }
    let issues = issues(host, size, locale);
    let summary = issues.first().map_or("the terminal is known well enough", |issue| issue.cause.as_str());
    Outcome::ok(summary.to_owned()).headline(headline(&terminal)).with(details).issues(issues)
}

fn ask_tmux(context: &Context<'_>, arguments: &[&str]) -> Option<String> {
    let tmux = program::find_all(context.host, "tmux").into_iter().next()?;
    program::output(context, &tmux, arguments).ok().filter(|answer| !answer.is_empty())
}

fn multiplexer(multiplexer: &Multiplexer) -> String {
    let (name, version) = match multiplexer {
        Multiplexer::Tmux(version) => ("tmux", version),
        Multiplexer::Zellij(version) => ("zellij", version),
    };
    version.as_ref().map_or_else(|| name.to_owned(), |version| format!("{name} {version}"))
}

fn headline(terminal: &Terminal) -> String {
    let mut line = terminal.name.as_str().to_owned();
    if let Some(version) = &terminal.version {
        line = format!("{line} {version}");
    }
    let parts = [
        terminal.multiplexer.as_ref().map(multiplexer),
        terminal.term.as_ref().map(|term| format!("TERM={term}")),
    ];
    for part in parts.into_iter().flatten() {
        line = format!("{line} · {part}");
    }
    line
}

/// Columns and rows: measured, or what the variables and terminfo say.
fn size(host: &Host) -> Option<(u16, u16)> {
    host.terminal_size.or_else(|| {
        host.filled_var("TERM")?;
        let number = |name: &str| host.var(name).and_then(|value| value.parse().ok()).filter(|n| *n > 0);
        Some((number("COLUMNS").unwrap_or(ASSUMED_SIZE.0), number("LINES").unwrap_or(ASSUMED_SIZE.1)))
    })
}

fn color(host: &Host) -> &'static str {
    if host.no_color {
        "disabled (--no-color)"
    } else if host.var_os("NO_COLOR").is_some() {
        "disabled (NO_COLOR)"
    } else if host.var("TERM") == Some("dumb") {
        "disabled (TERM=dumb)"
    } else if !host.streams.stdout {
        "disabled (stdout is not a terminal)"
    } else {
        "enabled"
    }
}

fn locale(host: &Host) -> Option<&str> {
    ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| host.filled_var(name))
}

fn issues(host: &Host, size: Option<(u16, u16)>, locale: Option<&str>) -> Vec<Issue> {
    let mut issues = Vec::new();
    if host.var("TERM") == Some("dumb") {
        issues.push(
            Issue::warning(
                "TERM=dumb: no colors, no cursor movement",
                "set TERM to what the terminal is, for example xterm-256color",
            )
            .measured("TERM=dumb", "the name of a real terminal type, for example xterm-256color")
            .about(&["TERM"])
            .failure(),
        );
    }
    if let Some(locale) = locale.filter(|locale| !is_utf8(locale)) {
        issues.push(
            Issue::warning(
                "the locale is not UTF-8: signs beyond ASCII may come out wrong",
                "export a UTF-8 locale, for example LANG=en_US.UTF-8",
            )
            .measured(locale, "a UTF-8 locale")
            .about(&["effective locale"]),
        );
    }
    if let Some((columns, rows)) = size {
        let measured = format!("{columns} x {rows}");
        issues.extend(narrow(columns, &measured, "terminal size"));
        issues.extend(low(rows, &measured, "terminal size"));
    }
    let number = |name: &str| host.var(name).and_then(|value| value.parse::<u16>().ok());
    issues.extend(number("COLUMNS").and_then(|n| narrow(n, &format!("{n} columns"), "COLUMNS")));
    issues.extend(number("LINES").and_then(|n| low(n, &format!("{n} rows"), "LINES")));
    issues
}

fn is_utf8(locale: &str) -> bool {
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

fn narrow(columns: u16, measured: &str, field: &'static str) -> Option<Issue> {
    (columns < MIN_COLUMNS).then(|| {
        Issue::warning(
            format!("{field}: {columns} columns, lines will wrap"),
            format!("widen the window to {MIN_COLUMNS} columns"),
        )
        .measured(measured, format!(">= {MIN_COLUMNS} columns"))
        .about(&[field])
    })
}

fn low(rows: u16, measured: &str, field: &'static str) -> Option<Issue> {
    (rows < MIN_ROWS).then(|| {
        Issue::warning(
            format!("{field}: {rows} rows, text will scroll away"),
            format!("heighten the window to {MIN_ROWS} rows"),
        )
        .measured(measured, format!(">= {MIN_ROWS} rows"))
        .about(&[field])
    })
}
