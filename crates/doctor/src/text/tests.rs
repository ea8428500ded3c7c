//! The layout of the text report.

use std::time::{Duration, UNIX_EPOCH};

use super::*;
use crate::report::{Details, Outcome};

fn report() -> Report {
    let mut details = Details::default();
    details.add("CODEX_HOME", "/home/ada/.codex (dir)");
    details.add("state DB", "/home/ada/.codex/state_5.sqlite (file)");
    details.add("state DB integrity", "ok");
    details.add("active rollout files", "2 files, 3000000 total bytes, 1500000 average bytes");
    let state = Outcome::ok("fine").headline("databases healthy").with(details);
    let mut details = Details::default();
    details.add("TERM", "dumb");
    details.add("terminal", "dumb");
    let terminal = Outcome::ok("x").with(details).issues(vec![
        Issue::warning("no colors", "set TERM").measured("dumb", "xterm").about(&["TERM"]).failure(),
        Issue::warning("locale", "set LANG"),
    ]);
    let idle = Outcome::ok("not asked").idle();
    let make = |id, category, outcome| CheckReport::new(id, category, outcome, Duration::ZERO);
    Report {
        generated_at: UNIX_EPOCH,
        program: "quire".into(),
        version: "1.2.3".into(),
        checks: vec![
            make("terminal.env", "terminal", terminal),
            make("state.paths", "state", state),
            make("network.provider_reachability", "reachability", idle),
        ],
    }
}

fn style(length: Length, ascii: bool) -> Style {
    Style { length, ascii, color: false, user_home: Some("/home/ada".into()) }
}

#[test]
fn a_report_has_notes_groups_details_and_counts() {
    let expected = format!(
        "\
Quire Doctor v1.2.3 · {}

Notes
   ✗ terminal     2 issues - no colors; locale - set TERM
─────────────────────────────────────────────────────────────

Environment
  ✗ terminal     2 issues - no colors; locale
    ▸ TERM                     dumb (expected xterm)
      terminal                 dumb
    → set TERM
    → set LANG
  ✓ state        databases healthy
      CODEX_HOME               ~/.codex (dir)
      state DB                 ~/.codex/state_5.sqlite (file) · integrity ok
      active rollouts          2 files · 2.86 MB (avg 1.43 MB)

Connectivity
  ○ reachability not asked

─────────────────────────────────────────────────────────────
1 ok · 1 idle · 1 notes · 1 fail failed

--summary for one line per check   --all expands long lists
--json for machines, redacted
",
        crate::platform()
    );
    assert_eq!(text(&report(), &style(Length::Normal, false)), expected);
}

#[test]
fn ascii_means_ascii_and_a_summary_has_no_details() {
    let shown = text(&report(), &style(Length::Summary, true));
    assert!(shown.is_ascii(), "{shown}");
    assert!(shown.contains("  [XX] terminal     2 issues"), "{shown}");
    assert!(shown.contains("  [--] reachability not asked"), "{shown}");
    assert!(!shown.contains("CODEX_HOME"), "{shown}");
    assert!(text(&report(), &style(Length::All, true)).is_ascii());
}

#[test]
fn colors_come_only_when_asked_for() {
    assert!(!text(&report(), &Style::default()).contains('\u{1b}'));
    let colored = Style { color: true, ..Style::default() };
    assert!(text(&report(), &colored).contains("\u{1b}[31m✗\u{1b}[0m terminal"));
}

#[test]
fn long_paths_lose_their_middle_and_the_home_becomes_a_tilde() {
    let long = "/home/me/mine/codex/app-server-daemon/settings.json (missing)";
    for (value, shown) in [
        (long, "/home/me/mine/codex/app-…er-daemon/settings.json (missing)"),
        ("/home/ada", "~"),
        ("/home/adam/x", "/home/adam/x"),
        (
            "not/a/path/that/begins/with/a/slash/and/is/longer/than/fifty",
            "not/a/path/that/begins/with/a/slash/and/is/longer/than/fifty",
        ),
    ] {
        assert_eq!(rows::shorten(value, Some("/home/ada")), shown);
    }
}

#[test]
fn numbers_of_bytes() {
    for (number, shown) in [(0, "0 B"), (1023, "1023 B"), (3000, "2.93 KB"), (3_000_000, "2.86 MB")] {
        assert_eq!(bytes(number), shown);
    }
}
