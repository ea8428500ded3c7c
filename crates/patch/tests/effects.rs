//! What verification says and what applying does, on a real directory.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Helpers of tests fail by panicking.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use quire_patch::{
    ApplyFailure, Change, FileChange, PathBase, VerifiedPatch, VerifyError, apply, parse, verify,
};

struct Workspace {
    root: PathBuf,
    base: PathBase,
    _directory: tempfile::TempDir,
}

fn workspace(files: &[(&str, &str)]) -> Workspace {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().canonicalize().unwrap();
    for (path, text) in files {
        fs::write(root.join(path), text).unwrap();
    }
    Workspace { base: PathBase { cwd: root.clone(), home: None }, root, _directory: directory }
}

impl Workspace {
    fn verify(&self, body: &str) -> Result<VerifiedPatch, VerifyError> {
        verify(&patch(body), &self.base)
    }

    /// The changes with paths relative to the workspace, in one line each.
    fn changes(&self, body: &str) -> Vec<String> {
        let relative = |path: &Path| path.strip_prefix(&self.root).unwrap().display().to_string();
        let verified = self.verify(body).unwrap();
        let show = |(path, change): (&PathBuf, &Change)| {
            let path = relative(path);
            match &change.kind {
                FileChange::Add { content } => format!("add {path} {content:?}"),
                FileChange::Delete { content } => format!("delete {path} {content:?}"),
                FileChange::Update { unified_diff, move_path: None } => {
                    format!("update {path} {unified_diff:?}")
                }
                FileChange::Update { unified_diff, move_path: Some(target) } => {
                    format!("move {path} {} {unified_diff:?}", relative(target))
                }
            }
        };
        verified.changes.iter().map(show).collect()
    }

    fn apply(&self, body: &str) -> String {
        apply(&patch(body), &self.base).unwrap().summary()
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(&self.root)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn patch(body: &str) -> quire_patch::Patch {
    parse(&format!("*** Begin Patch\n{body}*** End Patch\n")).unwrap()
}

#[test]
fn update_diffs_have_one_line_of_context_and_no_header() {
    let w = workspace(&[("f", "1\n2\n3\n4\n5\n6\n"), ("g", "q")]);
    assert_eq!(
        w.changes("*** Update File: f\n@@\n-2\n+two\n@@\n-6\n*** Update File: g\n@@\n-q\n+r\n"),
        [
            r#"update f "@@ -1,3 +1,3 @@\n 1\n-2\n+two\n 3\n@@ -5,2 +5 @@\n 5\n-6\n""#,
            r#"update g "@@ -1 +1 @@\n-q\n\\ No newline at end of file\n+r\n""#,
        ]
    );
    assert_eq!(w.changes("*** Update File: f\n@@\n 3\n"), [r#"update f """#]);
}

#[test]
fn verification_changes_nothing_and_keeps_both_texts() {
    let w = workspace(&[("f", "a\n"), ("gone", "x\n")]);
    let verified = w
        .verify(
            "*** Update File: f\n*** Move to: d/g\n@@\n-a\n+b\n*** Delete File: gone\n*** Add File: n\n+n\n",
        )
        .unwrap();
    assert_eq!(w.names(), ["f", "gone"]);
    let texts = |path: &str| {
        let change = &verified.changes[&w.root.join(path)];
        (change.before.as_deref(), change.after.as_deref())
    };
    assert_eq!(texts("f"), (Some("a\n"), Some("b\n")));
    assert_eq!(texts("gone"), (Some("x\n"), None));
    assert_eq!(texts("n"), (None, Some("n\n")));
    assert!(verified.changes.values().all(|change| change.overwritten.is_none()));
    let written: Vec<_> = ["f", "d/g", "gone", "n"].iter().map(|path| w.root.join(path)).collect();
    assert_eq!(verified.written_paths, written);
}

#[test]
fn a_move_over_another_file_keeps_the_lost_text() {
    let w = workspace(&[("f", "a\n"), ("g", "lost\n")]);
    let verified = w.verify("*** Update File: f\n*** Move to: g\n@@\n-a\n+b\n").unwrap();
    let [(path, change)] = verified.changes.into_iter().collect::<Vec<_>>().try_into().unwrap();
    assert_eq!(path, w.root.join("f"));
    assert_eq!(change.overwritten.as_deref(), Some("lost\n"));
}

#[test]
fn verification_errors_name_the_file_and_the_reason() {
    let w = workspace(&[("f", "a\n")]);
    fs::write(w.root.join("binary"), [0xff, 0xfe]).unwrap();
    fs::create_dir(w.root.join("d")).unwrap();
    let rows = [
        ("*** Update File: f\n@@\n-x\n+y\n", "Failed to find expected lines in $W/f:\nx"),
        ("*** Update File: f\n@@ c\n-a\n+y\n", "Failed to find context 'c' in $W/f"),
        (
            "*** Update File: no\n@@\n-a\n+y\n",
            "Failed to read file to update $W/no: No such file or directory (os error 2)",
        ),
        (
            "*** Update File: d\n@@\n-a\n+y\n",
            "Failed to read file to update $W/d: Is a directory (os error 21)",
        ),
        (
            "*** Update File: binary\n@@\n-a\n+y\n",
            "Failed to read file to update $W/binary: invalid utf-8 sequence of 1 bytes from index 0",
        ),
        ("*** Delete File: no\n", "Failed to read $W/no: No such file or directory (os error 2)"),
        ("*** Delete File: d\n", "Failed to read $W/d: Is a directory (os error 21)"),
        (
            "*** Delete File: f\n*** Update File: f\n@@\n-a\n+b\n",
            "Failed to read file to update $W/f: No such file or directory (os error 2)",
        ),
        (
            "*** Delete File: f\n*** Delete File: f\n",
            "Failed to read $W/f: No such file or directory (os error 2)",
        ),
    ];
    for (body, expected) in rows {
        let message = w.verify(body).unwrap_err().tool_message();
        let message = message.replace(w.root.to_str().unwrap(), "$W");
        assert_eq!(message, format!("apply_patch verification failed: {expected}"), "{body}");
    }
    assert_eq!(w.verify("").unwrap_err().tool_message(), "patch rejected: empty patch");
    let error = VerifyError::from(parse("*** Begin Patch\njunk\n*** End Patch").unwrap_err());
    assert!(error.tool_message().starts_with(
        "apply_patch verification failed: invalid hunk at line 2, 'junk' is not a valid hunk header. Valid"
    ));
}

#[test]
fn a_binary_file_may_be_deleted() {
    let w = workspace(&[]);
    fs::write(w.root.join("binary"), [b'a', 0xff]).unwrap();
    assert_eq!(w.changes("*** Delete File: binary\n"), [r#"delete binary "a�""#]);
    w.apply("*** Delete File: binary\n");
    assert!(w.names().is_empty());
}

/// Hunks that build on each other: verification must see what applying will find, and report the net effect.
#[test]
fn dependent_hunks_verify_as_their_net_effect() {
    let files = [("f", "a\n"), ("g", "g\n")];
    let update = |path: &str, old: &str, new: &str| format!("*** Update File: {path}\n@@\n-{old}\n+{new}\n");
    let rename = |path: &str, to: &str, old: &str, new: &str| {
        format!("*** Update File: {path}\n*** Move to: {to}\n@@\n-{old}\n+{new}\n")
    };
    let add = |path: &str, text: &str| format!("*** Add File: {path}\n+{text}\n");
    let delete = |path: &str| format!("*** Delete File: {path}\n");
    let to_c = r"@@ -1 +1 @@\n-a\n+c\n";
    let rows: Vec<(Vec<String>, Vec<String>)> = vec![
        (vec![update("f", "a", "b"), update("f", "b", "c")], vec![format!("update f \"{to_c}\"")]),
        (vec![add("n", "one"), update("n", "one", "two")], vec![r#"add n "two\n""#.into()]),
        (vec![add("n", "one"), delete("n")], vec![]),
        (vec![delete("f"), add("f", "c")], vec![r#"add f "c\n""#.into()]),
        (vec![update("f", "a", "b"), delete("f")], vec![r#"delete f "a\n""#.into()]),
        (vec![rename("f", "n", "a", "b"), update("n", "b", "c")], vec![format!("move f n \"{to_c}\"")]),
        (vec![rename("f", "n", "a", "b"), rename("n", "m", "b", "c")], vec![format!("move f m \"{to_c}\"")]),
        (vec![rename("f", "n", "a", "b"), rename("n", "f", "b", "c")], vec![format!("update f \"{to_c}\"")]),
        (vec![rename("f", "n", "a", "b"), delete("n")], vec![r#"delete f "a\n""#.into()]),
        (
            vec![rename("f", "n", "a", "c"), add("f", "new")],
            vec![r#"add f "new\n""#.into(), r#"add n "c\n""#.into()],
        ),
        (vec![add("n", "a"), rename("n", "m", "a", "c")], vec![r#"add m "c\n""#.into()]),
        (
            vec![rename("f", "g", "a", "c"), delete("g")],
            vec![r#"delete f "a\n""#.into(), r#"delete g "g\n""#.into()],
        ),
        (vec![rename("f", "f", "a", "b"), update("f", "b", "c")], vec![format!("update f \"{to_c}\"")]),
        (vec![rename("f", "g", "a", "c")], vec![format!("move f g \"{to_c}\"")]),
    ];
    for (hunks, expected) in rows {
        let body = hunks.concat();
        let w = workspace(&files);
        assert_eq!(w.changes(&body), expected, "{body}");

        // What verification foretold is what applying brings about.
        let verified = w.verify(&body).unwrap();
        w.apply(&body);
        for (path, change) in verified.changes {
            let FileChange::Update { move_path: Some(target), .. } = &change.kind else {
                assert_eq!(fs::read_to_string(&path).ok(), change.after, "{body}");
                continue;
            };
            assert_eq!(fs::read_to_string(target).ok(), change.after, "{body}");
            assert!(!path.exists(), "{body}");
        }
    }
}

#[test]
fn a_failure_reports_what_was_done_before_it() {
    let w = workspace(&[("f", "a\n")]);
    let body =
        "*** Add File: n\n+n\n*** Update File: f\n@@\n-a\n+b\n*** Delete File: no\n*** Add File: later\n+l\n";
    let error = apply(&patch(body), &w.base).unwrap_err();
    assert!(matches!(*error.failure, ApplyFailure::Delete { .. }));
    assert_eq!(error.applied.summary(), "Success. Updated the following files:\nA n\nM f\n");
    assert_eq!(w.names(), ["f", "n"]);
}

#[test]
fn a_file_is_replaced_as_a_whole() {
    let w = workspace(&[("f", "a\n")]);
    let path = w.root.join("f");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o750)).unwrap();
    let open_before = fs::File::open(&path).unwrap();
    w.apply("*** Update File: f\n@@\n-a\n+b\n");
    // Who had the file open still reads the old text: it was not written in place.
    assert_eq!(std::io::read_to_string(open_before).unwrap(), "a\n");
    assert_eq!(w.read("f"), "b\n");
    assert_eq!(fs::metadata(path).unwrap().mode() & 0o777, 0o750);
    assert_eq!(w.names(), ["f"]);
}

#[test]
fn a_new_file_has_the_mode_any_program_would_give_it() {
    let w = workspace(&[("by-std", "")]);
    w.apply("*** Add File: d/by-patch\n+x\n");
    let mode = |path: &str| fs::metadata(w.root.join(path)).unwrap().mode();
    assert_eq!(mode("d/by-patch"), mode("by-std"));
}

#[test]
fn hard_links_stay_linked() {
    let w = workspace(&[("f", "a\n")]);
    fs::hard_link(w.root.join("f"), w.root.join("g")).unwrap();
    w.apply("*** Update File: f\n@@\n-a\n+b\n");
    assert_eq!(w.read("g"), "b\n");
}

#[test]
fn symlinks_are_followed_and_stay() {
    let w = workspace(&[("real", "a\n")]);
    fs::create_dir(w.root.join("d")).unwrap();
    symlink("../real", w.root.join("d/one")).unwrap();
    symlink("d/one", w.root.join("two")).unwrap();
    w.apply("*** Update File: two\n@@\n-a\n+b\n");
    assert_eq!(w.read("real"), "b\n");
    assert_eq!(fs::read_link(w.root.join("two")).unwrap(), Path::new("d/one"));
}

#[test]
fn a_loop_of_symlinks_is_an_error() {
    let w = workspace(&[]);
    symlink("b", w.root.join("a")).unwrap();
    symlink("a", w.root.join("b")).unwrap();
    let error = apply(&patch("*** Add File: a\n+x\n"), &w.base).unwrap_err();
    assert!(matches!(*error.failure, ApplyFailure::Write { .. }), "{error}");
}

#[test]
fn moving_through_other_names_never_loses_the_text() {
    // Onto itself through a linked directory: edited in place.
    let w = workspace(&[("f", "a\n")]);
    symlink(".", w.root.join("here")).unwrap();
    w.apply("*** Update File: f\n*** Move to: here/f\n@@\n-a\n+b\n");
    assert_eq!(w.read("f"), "b\n");

    // Onto a link that leads back to it.
    let w = workspace(&[("f", "a\n")]);
    symlink("f", w.root.join("link")).unwrap();
    w.apply("*** Update File: f\n*** Move to: link\n@@\n-a\n+b\n");
    assert_eq!(w.read("f"), "b\n");

    // From a link onto what it leads to: the link goes.
    let w = workspace(&[("f", "a\n")]);
    symlink("f", w.root.join("link")).unwrap();
    w.apply("*** Update File: link\n*** Move to: f\n@@\n-a\n+b\n");
    assert_eq!((w.read("f").as_str(), w.names()), ("b\n", vec!["f".to_owned()]));
}

#[test]
fn sockets_and_pipes_are_refused_without_waiting() {
    let w = workspace(&[]);
    let _listener = std::os::unix::net::UnixListener::bind(w.root.join("s")).unwrap();
    let error = w.verify("*** Delete File: s\n").unwrap_err();
    assert!(error.to_string().ends_with("/s: not a regular file"), "{error}");
    let error = apply(&patch("*** Add File: s\n+x\n"), &w.base).unwrap_err();
    assert!(matches!(*error.failure, ApplyFailure::Write { .. }), "{error}");
}
