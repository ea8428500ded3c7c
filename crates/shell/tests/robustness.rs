//! Scripts nobody would write: nothing panics, and understanding them is never guesswork.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Helpers of tests fail by panicking.

use std::path::Path;

use proptest::prelude::*;
use quire_shell::actions::actions;
use quire_shell::intercept::{PatchInvocation, patch_invocation};
use quire_shell::join;
use quire_shell::safety::{is_dangerous, is_known_safe};
use quire_shell::script::{Decomposition, decompose, plain_commands};

/// Text made of the pieces scripts are made of.
fn almost_a_script() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "ls",
        "rm",
        "-rf",
        "cd",
        "apply_patch",
        "echo",
        "true",
        "sed",
        "-n",
        "1,5p",
        "a",
        "é",
        "'b c'",
        "\"d\"",
        "\"$e\"",
        "$f",
        "`g`",
        "$(h)",
        "\\",
        "\n",
        ";",
        "&",
        "&&",
        "||",
        "|",
        "(",
        ")",
        "{",
        "}",
        "!",
        ">",
        "<",
        "<<EOF",
        "EOF",
        "#",
        "X=1",
        "*",
        "if",
        "then",
        "fi",
        "head",
        "cat",
        "xargs",
        "find",
        "rg",
        "git",
        "grep",
        "\u{0}",
    ]);
    prop::collection::vec(pieces, 0..12).prop_map(|words| words.join(" "))
}

fn word() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9_./é -]{1,8}"
}

proptest! {
    #[test]
    fn no_script_is_too_strange(script in prop_oneof![any::<String>(), almost_a_script()]) {
        let argv = ["bash", "-lc", script.as_str()];
        let is_safe = is_known_safe(&argv);
        prop_assert!(!(is_safe && is_dangerous(&argv)));
        prop_assert!(!is_safe || matches!(decompose(&argv), Decomposition::Plain(_)));
        prop_assert!(!join(&argv).is_empty());
        actions(&argv, Path::new("/w"), None);
        patch_invocation(&argv, |_| false);
    }

    #[test]
    fn quoted_words_come_back_as_they_are(commands in prop::collection::vec(prop::collection::vec(word(), 1..4), 1..4)) {
        // A quoted name is not plain, so each command starts with a bare one.
        let commands: Vec<Vec<String>> =
            commands.into_iter().map(|words| [vec!["run".to_owned()], words].concat()).collect();
        let script = commands.iter().map(|words| join(words)).collect::<Vec<_>>().join(" && ");
        prop_assert_eq!(plain_commands(&script), Some(commands));
    }
}

#[test]
fn depth_and_length_are_no_danger() {
    let deep = format!("{}ls{}", "(".repeat(20_000), ")".repeat(20_000));
    assert_eq!(plain_commands(&deep), None);
    let long = vec!["ls"; 20_000].join(" && ");
    assert_eq!(plain_commands(&long).unwrap().len(), 20_000);
    let quotes = format!("echo {}", "\"a\"'b'".repeat(20_000));
    assert_eq!(plain_commands(&quotes).unwrap()[0][1].len(), 40_000);
}

#[test]
fn a_heredoc_is_taken_out_byte_for_byte() {
    let patch = "*** Begin Patch\n*** Add File: f\n+\t$HOME `x` \\n é\n+\n*** End Patch\n";
    for (start, end) in [("<<'E F'", "E F"), ("<<E", "E"), ("<<\"E\"", "E"), ("<< E", "E")] {
        let script = format!("cd 'my dir' && apply_patch {start}\n{patch}{end}\n");
        let expected = PatchInvocation::Patch { text: patch.to_owned(), workdir: Some("my dir".to_owned()) };
        assert_eq!(patch_invocation(&["/bin/zsh", "-c", &script], |_| false), expected, "{start}");
    }
}

#[test]
fn patches_are_found_in_every_way_to_run_them() {
    let script = "apply_patch <<'EOF'\nx\nEOF";
    let heredoc = PatchInvocation::Patch { text: "x\n".to_owned(), workdir: None };
    let direct = PatchInvocation::Patch { text: "x".to_owned(), workdir: None };
    let rows: [(&[&str], &PatchInvocation); 14] = [
        (&["bash", "-lc", script], &heredoc),
        (&["/usr/bin/sh", "-c", script], &heredoc),
        (&["pwsh", "-Command", script], &heredoc),
        (&["powershell.exe", "-NoProfile", "-Command", script], &heredoc),
        (&["cmd.exe", "/c", script], &heredoc),
        (&["apply_patch", "x"], &direct),
        (&["applypatch", "x"], &direct),
        (&["bash", "-lc", "x"], &PatchInvocation::Implicit),
        (&["x"], &PatchInvocation::Implicit),
        (&["bash", "-x", script], &PatchInvocation::NotPatch),
        (&["bash", "-lc", script, "x"], &PatchInvocation::NotPatch),
        (&["fish", "-c", script], &PatchInvocation::NotPatch),
        (&["apply_patch"], &PatchInvocation::NotPatch),
        (&[], &PatchInvocation::NotPatch),
    ];
    for (argv, expected) in rows {
        assert_eq!(&patch_invocation(argv, |text| text == "x"), expected, "{argv:?}");
    }
}
