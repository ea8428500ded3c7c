//! Summaries of commands, compared with the reference's.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Helpers of tests fail by panicking.

use std::path::Path;

use quire_shell::actions::{CommandAction, actions};
use serde_json::{Value, json};

fn to_json(action: CommandAction) -> Value {
    match action {
        CommandAction::Read { command, name, path } => {
            json!({"type": "read", "command": command, "name": name, "path": path})
        }
        CommandAction::ListFiles { command, path } => {
            json!({"type": "listFiles", "command": command, "path": path})
        }
        CommandAction::Search { command, query, path } => {
            json!({"type": "search", "command": command, "query": query, "path": path})
        }
        CommandAction::Unknown { command } => json!({"type": "unknown", "command": command}),
    }
}

fn summary(argv: &[&str]) -> Value {
    let actions = actions(argv, Path::new("/w"), Some(Path::new("/home/u")));
    Value::Array(actions.into_iter().map(to_json).collect())
}

/// Scripts that change files or may: the reference shows only the reading part of them.
const SHOWN_WHOLE: &[&str] =
    &["sed -i s/x/y/ b && ls", "ls && sed -i s/x/y/ b", "cat a | xargs rm", "ls | xargs rm -rf"];

#[test]
fn every_case_of_the_reference() {
    let data: Value = serde_json::from_str(include_str!("data/actions-cases.json")).unwrap();
    let cases = data["cases"].as_array().unwrap();
    assert!(cases.len() > 700);
    let mut differences = Vec::new();
    for case in cases {
        let script = case["script"].as_str().unwrap();
        let ours = summary(&["/bin/bash", "-lc", script]);
        let expected = if SHOWN_WHOLE.contains(&script) {
            json!([{"type": "unknown", "command": script}])
        } else if script == "cd ~/y && cat ~/b" {
            // The reference looks for a directory `~` in the new directory.
            json!([{"type": "read", "command": "cat '~/b'", "name": "b", "path": "/home/u/b"}])
        } else {
            case["actions"].clone()
        };
        if ours != expected {
            differences.push(format!("{script:?}\n  ours     {ours}\n  expected {expected}"));
        }
    }
    assert!(differences.is_empty(), "{} differences\n{}", differences.len(), differences.join("\n"));
}

#[test]
fn programs_called_directly_are_summarised_too() {
    assert_eq!(
        summary(&["rg", "a b", "src/x"]),
        json!([{"type": "search", "command": "rg 'a b' src/x", "query": "a b", "path": "x"}])
    );
    assert_eq!(summary(&["make", "all"]), json!([{"type": "unknown", "command": "make all"}]));
    assert_eq!(summary(&[]), json!([{"type": "unknown", "command": ""}]));
}
