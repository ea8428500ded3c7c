//! Properties of the parser and of the edit, over generated texts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Helpers of tests fail by panicking.

use std::fmt::Write as _;
use std::fs;

use proptest::prelude::*;
use quire_patch::{PathBase, apply, parse, verify};

/// Text made of the pieces a patch is made of, so that the parser gets past the first line.
fn almost_a_patch() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "*** Begin Patch",
        "*** End Patch",
        "*** Add File: f",
        "*** Delete File: f",
        "*** Update File: f",
        "*** Move to: g",
        "*** End of File",
        "*** Environment ID: e",
        "@@",
        "@@ é",
        " é",
        "+é",
        "-é",
        "",
        " ",
        "é",
        "<<'EOF'",
        "EOF",
        "\r",
        "\u{3000}",
    ]);
    prop::collection::vec(pieces, 0..20).prop_map(|lines| lines.join("\n"))
}

/// A file and what is to become of it: for each line whether it stays, goes or gets lines put before it.
///
/// The lines are distinct, so that a chunk has one place only, and never blank, since a last blank line has its own
/// rules.
fn edits() -> impl Strategy<Value = Vec<(bool, Vec<String>)>> {
    prop::collection::vec((any::<bool>(), prop::collection::vec("[a-z é]{0,6}\\.", 0..3)), 1..12)
}

proptest! {
    #[test]
    fn parsing_never_panics(text in prop_oneof![any::<String>(), almost_a_patch()]) {
        let bare = parse(&text);
        let framed = parse(&format!("*** Begin Patch\n{text}\n*** End Patch"));
        // An error always has something to say in both renderings.
        for error in [bare, framed].into_iter().filter_map(Result::err) {
            prop_assert!(error.cli_message().starts_with("Invalid patch"));
            prop_assert!(error.to_string().starts_with("invalid "));
        }
    }

    #[test]
    fn a_generated_patch_gives_the_intended_file(
        edits in edits(),
        chunk_breaks in prop::collection::vec(any::<bool>(), 12),
    ) {
        let mut before = String::new();
        let mut after = String::new();
        let mut body = String::from("@@\n");
        let mut chunk_is_open = false;
        for (number, (stays, added)) in edits.iter().enumerate() {
            if chunk_breaks[number] && chunk_is_open {
                body.push_str("@@\n");
            }
            chunk_is_open = true;
            let line = format!("line {number}");
            writeln!(before, "{line}").unwrap();
            for new in added {
                writeln!(body, "+{new}").unwrap();
                writeln!(after, "{new}").unwrap();
            }
            writeln!(body, "{}{line}", if *stays { ' ' } else { '-' }).unwrap();
            if *stays {
                writeln!(after, "{line}").unwrap();
            }
        }
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("f");
        fs::write(&path, before).unwrap();
        let base = PathBase { cwd: directory.path().to_owned(), home: None };
        let patch = parse(&format!("*** Begin Patch\n*** Update File: f\n{body}*** End Patch")).unwrap();
        let verified = verify(&patch, &base).unwrap();
        apply(&patch, &base).unwrap();
        let written = fs::read_to_string(&path).unwrap();
        prop_assert_eq!(&written, &after);
        prop_assert_eq!(verified.changes[&path].after.as_ref(), Some(&after));
    }
}
