//! Changing files: what changes, and what must not.

use std::fmt::Write;
use std::path::Path;

use proptest::prelude::*;
use quire_config::edit::{self, ConfigEdit};
use quire_config::{EditError, TrustLevel};

fn edited(old: &str, edits: &[ConfigEdit]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.toml");
    std::fs::write(&file, old).unwrap();
    edit::apply(&file, edits).unwrap();
    std::fs::read_to_string(file).unwrap()
}

fn trust() -> ConfigEdit {
    ConfigEdit::trust(Path::new("/x"), TrustLevel::Trusted)
}

#[test]
fn the_trust_entry() {
    for (old, expected) in [
        ("", "[projects.\"/x\"]\ntrust_level = \"trusted\"\n"),
        ("model = \"m\"\n", "model = \"m\"\n\n[projects.\"/x\"]\ntrust_level = \"trusted\"\n"),
        ("model = \"m\"", "model = \"m\"\n\n[projects.\"/x\"]\ntrust_level = \"trusted\"\n"),
        (
            "[projects.\"/a\"]\ntrust_level = \"untrusted\"\n\n[tui]\nx = 1 # c\n",
            "[projects.\"/a\"]\ntrust_level = \"untrusted\"\n\n[projects.\"/x\"]\ntrust_level = \"trusted\"\n\n[tui]\nx = 1 # c\n",
        ),
        (
            "[projects.\"/x\"]\n# why\ntrust_level = \"untrusted\" # so\nother = 1\n",
            "[projects.\"/x\"]\n# why\ntrust_level = \"trusted\" # so\nother = 1\n",
        ),
        (
            "projects = {\"/a\" = {trust_level = \"trusted\"}}\nmodel = \"m\"\n",
            "model = \"m\"\n\n[projects.\"/a\"]\ntrust_level = \"trusted\"\n\n[projects.\"/x\"]\ntrust_level = \"trusted\"\n",
        ),
    ] {
        assert_eq!(edited(old, &[trust()]), expected, "{old}");
    }
}

#[test]
fn values_tables_and_removals() {
    let table = |text: &str| toml::Value::Table(text.parse().unwrap());
    for (old, edits, expected) in [
        ("a.b = false # c\n", vec![ConfigEdit::set(["a", "b"], true)], "a.b = true # c\n"),
        ("# top\n[a]\nb = 1\n", vec![ConfigEdit::set(["a", "c"], 2)], "# top\n[a]\nb = 1\nc = 2\n"),
        // The space before `=` stays with the key, as the reference has it.
        ("x = 1\n", vec![ConfigEdit::set(["x", "y"], 2)], "[x ]\ny = 2\n"),
        (
            "x = 1\n",
            vec![ConfigEdit::set(["s", "db"], table("command = 'c'\n[env]\nA = '1'\n"))],
            "x = 1\n\n[s.db]\ncommand = \"c\"\n\n[s.db.env]\nA = \"1\"\n",
        ),
        ("x = 1\n# mine\ny = 2\nz = 3\n", vec![ConfigEdit::remove(["y"])], "x = 1\nz = 3\n"),
        ("x = 1\n", vec![ConfigEdit::remove(["a", "b"]), ConfigEdit::remove(["y"])], "x = 1\n"),
        ("l = [\n  1,\n]\n", vec![ConfigEdit::set(["l"], toml::Value::Array(vec![2.into()]))], "l = [2]\n"),
    ] {
        assert_eq!(edited(old, &edits), expected, "{old}");
    }
}

#[test]
fn line_endings_and_byte_order_mark_stay() {
    assert_eq!(
        edited("\u{feff}a = 1\r\nb = 2\r\n", &[ConfigEdit::set(["a"], 3)]),
        "\u{feff}a = 3\r\nb = 2\r\n"
    );
}

#[test]
fn a_broken_file_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.toml");
    std::fs::write(&file, "a = = 1\n").unwrap();
    assert!(matches!(edit::apply(&file, &[trust()]), Err(EditError::Syntax { .. })));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "a = = 1\n");
    assert!(matches!(
        edit::apply(&dir.path().join("n"), &[ConfigEdit::remove([""; 0])]),
        Err(EditError::EmptyPath)
    ));
}

#[cfg(unix)]
#[test]
fn the_file_is_replaced_behind_its_link_and_private() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let dir = tempfile::tempdir().unwrap();
    let (link, target) = (dir.path().join("config.toml"), dir.path().join("deep/real.toml"));
    std::os::unix::fs::symlink("deep/real.toml", &link).unwrap();
    edit::apply(&link, &[ConfigEdit::set(["a"], 1)]).unwrap();
    assert!(link.symlink_metadata().unwrap().is_symlink());
    assert_eq!(std::fs::read_to_string(&target).unwrap(), "a = 1\n");
    let before = target.metadata().unwrap();
    assert_eq!(before.permissions().mode() & 0o777, 0o600);
    edit::apply(&link, &[ConfigEdit::set(["a"], 1)]).unwrap();
    assert_eq!(target.metadata().unwrap().ino(), before.ino(), "nothing changed, so nothing was written");
    edit::apply(&link, &[ConfigEdit::set(["a"], 2)]).unwrap();
    assert_ne!(target.metadata().unwrap().ino(), before.ino());
    assert_eq!(std::fs::read_dir(target.parent().unwrap()).unwrap().count(), 1, "no temporary file is left");
    std::os::unix::fs::symlink("loop", dir.path().join("loop")).unwrap();
    assert!(matches!(edit::apply(&dir.path().join("loop"), &[trust()]), Err(EditError::Read { .. })));
}

/// A file of tables with comments everywhere a person puts them.
fn any_file() -> impl Strategy<Value = String> {
    let key = || proptest::sample::select(vec!["alpha", "beta", "gamma", "delta", "projects", "model"]);
    let value = proptest::sample::select(vec!["1", "\"s\"", "[1, 2]", "true", "{ k = 1 }", "'''m'''"]);
    let entry = (key(), value, any::<bool>(), any::<bool>());
    let entries = proptest::collection::vec(entry, 0..4);
    let table = (proptest::option::of((key(), key())), entries);
    proptest::collection::vec(table, 1..5).prop_filter_map("keys must not repeat", |tables| {
        let mut text = String::new();
        let mut comments = 0;
        for (header, entries) in tables {
            if let Some((outer, inner)) = header {
                write!(text, "\n# table {comments}\n[{outer}.\"/{inner}\"]\n").unwrap();
                comments += 1;
            }
            for (key, value, above, behind) in entries {
                if above {
                    writeln!(text, "# above {comments}").unwrap();
                    comments += 1;
                }
                write!(text, "{key} = {value}").unwrap();
                if behind {
                    write!(text, " # behind {comments}").unwrap();
                    comments += 1;
                }
                text += "\n";
            }
        }
        text.parse::<toml::Table>().is_ok().then_some(text)
    })
}

proptest! {
    #[test]
    fn an_edit_keeps_every_comment_and_every_other_key(old in any_file(), path in 0..3_usize) {
        let path: Vec<&str> =
            [vec!["projects", "/x", "trust_level"], vec!["alpha", "/beta", "new"], vec!["zeta"]][path].clone();
        let Ok(before) = old.parse::<toml::Table>() else { return Ok(()) };
        // A scalar in the way is replaced, and its comment with it.
        prop_assume!(before.get(path[0]).is_none_or(toml::Value::is_table));
        prop_assume!(!old.contains("projects = {") && !old.contains("alpha = {"));
        let new = edited(&old, &[ConfigEdit::set(path.clone(), "value")]);

        for comment in old.lines().filter_map(|line| line.split_once('#')).map(|(_, comment)| comment) {
            prop_assert!(new.contains(comment), "lost {comment:?} in\n{new}");
        }
        let mut after: toml::Table = new.parse().unwrap();
        let mut here = &mut after;
        for key in &path[..path.len() - 1] {
            here = here.get_mut(*key).unwrap().as_table_mut().unwrap();
        }
        prop_assert_eq!(here.remove(path[path.len() - 1]).unwrap(), toml::Value::from("value"));
        let mut before = before;
        drop_empty(&mut before);
        drop_empty(&mut after);
        prop_assert_eq!(before, after);
    }
}

/// Tables that only exist because of the edit are no difference.
fn drop_empty(table: &mut toml::Table) {
    for (_, value) in table.iter_mut() {
        if let toml::Value::Table(inner) = value {
            drop_empty(inner);
        }
    }
    table.retain(|_, value| value.as_table().is_none_or(|inner| !inner.is_empty()));
}
