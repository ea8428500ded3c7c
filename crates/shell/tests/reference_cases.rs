//! The reference's judgement of scripts as data, and the few where ours differs on purpose.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Helpers of tests fail by panicking.

use quire_shell::intercept::{PatchInvocation, patch_invocation};
use quire_shell::safety::{is_dangerous, is_known_safe};
use quire_shell::script::{Decomposition, decompose};
use serde_json::Value;

fn cases(data: &str, key: &str) -> Vec<Value> {
    let mut data: Value = serde_json::from_str(data).unwrap();
    let Value::Array(cases) = data[key].take() else { panic!("no list {key}") };
    cases
}

fn argv(script: &str) -> Vec<String> {
    ["/bin/bash", "-lc", script].map(str::to_owned).to_vec()
}

/// The words of the first command that would be asked about under the strictest policy; `None` if there is none.
///
/// This is how the reference uses the pieces: take apart, then judge each command.
fn first_unsafe(argv: &[String]) -> Option<Vec<String>> {
    match decompose(argv) {
        Decomposition::Plain(commands) => commands.into_iter().find(|words| !is_known_safe(words)),
        Decomposition::Heredoc(_) | Decomposition::Opaque => Some(argv.to_vec()),
    }
}

/// Fails with all differences, so that one run shows them.
fn assert_none(differences: Vec<String>) {
    assert!(differences.is_empty(), "{} differences\n{}", differences.len(), differences.join("\n"));
}

#[test]
fn classified_scripts() {
    let cases = cases(include_str!("data/approvals-cases.json"), "classification");
    assert_eq!(cases.len(), 158);
    let judge = |case: &Value| {
        let script = case["script"].as_str().unwrap();
        let ours = first_unsafe(&argv(script));
        if case["known_safe"].as_bool().unwrap() {
            return ours.map(|words| format!("{script:?} is safe, we ask about {words:?}"));
        }
        let expected: Option<Vec<String>> =
            serde_json::from_value(case["proposed_amendment"].clone()).unwrap();
        let is_plain = matches!(decompose(&argv(script)), Decomposition::Plain(_));
        let is_heredoc = matches!(decompose(&argv(script)), Decomposition::Heredoc(_));
        let agrees = is_plain == case["plain_words"].as_bool().unwrap()
            && is_heredoc == expected.is_none()
            && (is_heredoc || ours == expected);
        (!agrees).then(|| format!("{script:?}: ours {ours:?}, expected {expected:?}"))
    };
    assert_none(cases.iter().filter_map(judge).collect());
}

#[test]
fn safe_and_dangerous_commands() {
    // The shell turns these words into `-delete`; the reference does not see it.
    let stricter = ["find . -de\\lete", "find . {-delete,}"];
    let cases = cases(include_str!("data/safety-cases.json"), "cases");
    assert!(cases.len() > 200);
    let judge = |case: &Value| {
        let script = case["script"].as_str().unwrap();
        let is_safe = first_unsafe(&argv(script)).is_none();
        let is_dangerous = match decompose(&argv(script)) {
            Decomposition::Plain(commands) => commands.iter().any(|words| is_dangerous(words)),
            _ => is_dangerous(&argv(script)),
        };
        let expected_safe = case["known_safe"].as_bool().unwrap() && !stricter.contains(&script);
        let expected_dangerous = case["dangerous"].as_bool().unwrap();
        ((is_safe, is_dangerous) != (expected_safe, expected_dangerous)).then(|| {
            format!(
                "{script:?}: safe {is_safe}/{expected_safe}, dangerous {is_dangerous}/{expected_dangerous}"
            )
        })
    };
    assert_none(cases.iter().filter_map(judge).collect());
}

#[test]
fn decomposed_scripts() {
    let cases = cases(include_str!("data/decomposition-cases.json"), "cases");
    assert!(cases.len() > 100);
    // The reference takes a command with a heredoc out of almost any construct. An allow rule for the command would then
    // run the whole construct outside the sandbox, so for us such scripts are opaque.
    let stricter = |script: &str| {
        ["(", "{", "!", "x()", "x=$(", "for "].iter().any(|start| script.starts_with(start))
            || script.contains('`')
            || script.contains("<<<")
            || script.contains("<<A \"x\"")
    };
    let judge = |case: &Value| {
        let script = case["script"].as_str().unwrap();
        let ours = decompose(&argv(script));
        let agrees = match &ours {
            Decomposition::Plain(_) => {
                let expected: Option<Vec<String>> =
                    serde_json::from_value(case["first_unsafe"].clone()).unwrap();
                expected.is_some() && first_unsafe(&argv(script)) == expected
            }
            Decomposition::Heredoc(words) => case["heredoc"] == true && !words.is_empty(),
            Decomposition::Opaque => case["opaque"] == true || (case["heredoc"] == true && stricter(script)),
        };
        (!agrees).then(|| format!("{script:?}: ours {ours:?}, expected {case}"))
    };
    assert_none(cases.iter().filter_map(judge).collect());
}

/// Close enough to the format for telling which text is one.
fn is_patch(text: &str) -> bool {
    let text = text.trim();
    let text = text.strip_prefix("<<'EOF'\n").and_then(|text| text.strip_suffix("\nEOF")).unwrap_or(text);
    text.starts_with("*** Begin Patch\n*** Add File") && text.ends_with("*** End Patch")
}

#[test]
fn intercepted_scripts() {
    // The shell would change to another directory than the text names; the reference does not.
    let other_directory = ["cd su\\ b &&", "cd \"su\\\"b\" &&", "cd *ub &&", "cd \"a\\$b\" &&"];
    let cases = cases(include_str!("data/interception-cases.json"), "cases");
    assert!(cases.len() > 80);
    let judge = |case: &Value| {
        let script = case["script"].as_str().unwrap();
        let ours = patch_invocation(&argv(script), is_patch);
        let runs = other_directory.iter().any(|start| script.starts_with(start));
        let expected = if runs { "command" } else { case["counts_as"].as_str().unwrap() };
        let agrees = match &ours {
            PatchInvocation::NotPatch => expected == "command",
            PatchInvocation::Implicit => expected == "implicit",
            PatchInvocation::Patch { workdir, .. } => {
                let directory = match workdir.as_deref() {
                    None | Some("" | ".") => "/w".to_owned(),
                    Some("~") => "/home/u".to_owned(),
                    Some(path) if path.starts_with('/') => path.to_owned(),
                    Some(path) => match path.strip_prefix("~/") {
                        Some(path) => format!("/home/u/{path}"),
                        None => format!("/w/{}", path.trim_end_matches('/')),
                    },
                };
                expected == "patch" && case["directory"].as_str().is_none_or(|expected| expected == directory)
            }
        };
        (!agrees).then(|| format!("{script:?}: ours {ours:?}, expected {case}"))
    };
    assert_none(cases.iter().filter_map(judge).collect());
}
