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
    for (old, edit, expected) in [
        ("\u{feff}a = 1\r\nb = 2\r\n", ConfigEdit::set(["a"], 3), "\u{feff}a = 3\r\nb = 2\r\n"),
        ("a = 1\r\n", ConfigEdit::set(["t", "b"], 3), "a = 1\r\n\r\n[t]\r\nb = 3\r\n"),
        // Over several lines it would say something else.
        ("a = 1\r\n", ConfigEdit::set(["b"], "x\ny"), "a = 1\r\nb = \"x\\ny\"\r\n"),
        ("a = 1\r\nb = 2\nc = 3\r\n", ConfigEdit::set(["c"], 4), "a = 1\r\nb = 2\nc = 4\r\n"),
        ("a = 1\r\nb = 2\nc = 3\nd = 4\n", ConfigEdit::set(["c"], 4), "a = 1\r\nb = 2\nc = 4\nd = 4\n"),
        (
            "s = \"\"\"\r\nx\r\n\"\"\"\r\n",
            ConfigEdit::set(["a"], 1),
            "s = \"\"\"\r\nx\r\n\"\"\"\r\na = 1\r\n",
        ),
    ] {
        assert_eq!(edited(old, &[edit]), expected, "{old:?}");
    }
}

#[test]
fn what_is_equal_keeps_its_spelling() {
    let table = |text: &str| toml::Value::Table(text.parse().unwrap());
    let old = "[t] # head\n# lead\na = 0x10 # sixteen\nl = [\n  1, # one\n]\nd.e = 1\nb = 2\n";
    for (value, expected) in [
        ("a = 16\nl = [1]\nd = {e = 1}\nb = 2\n", old.to_owned()),
        ("a = 16\nl = [1]\nd = {e = 1}\nb = 3\n", old.replace("b = 2", "b = 3")),
        ("a = 16\nl = [1]\nd = {e = 1}\n", old.replace("b = 2\n", "")),
    ] {
        assert_eq!(edited(old, &[ConfigEdit::set(["t"], table(value))]), expected);
    }
    assert_eq!(
        edited("t = { a = 1 } # why\n", &[ConfigEdit::set(["t", "b"], 2)]),
        "[t ] # why\na = 1\nb = 2\n"
    );
}

#[test]
fn switching_features() {
    for (old, name, on, expected) in [
        ("", "goals", true, "[features]\ngoals = true\n"),
        ("", "goals", false, "[features]\ngoals = false\n"),
        ("", "memories", false, ""),
        ("[features]\nmemories = true # c\nx = 1\n", "memories", false, "[features]\nx = 1\n"),
        ("features.memories = true\n", "memories", false, ""),
        // The real name is written, and an old one does not stay behind.
        ("[features]\ncollab = true\n", "collab", false, "[features]\nmulti_agent = false\n"),
        ("[features]\nmemory_tool = true\n", "memories", false, "[features]\n"),
        // Settings stay.
        (
            "[features.multi_agent_v2]\nmax_concurrent_threads_per_session = 3\n",
            "multi_agent_v2",
            true,
            "[features.multi_agent_v2]\nmax_concurrent_threads_per_session = 3\nenabled = true\n",
        ),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.toml");
        std::fs::write(&file, old).unwrap();
        edit::set_feature(&file, name, on).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), expected, "{old:?} {name} {on}");
    }
    let refused = edit::set_feature(Path::new("/nowhere/config.toml"), "nope", true).unwrap_err();
    assert_eq!(refused.to_string(), "Unknown feature flag: nope");
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
    for (mode, kept) in [(0o400, 0o400), (0o600, 0o600), (0o644, 0o600)] {
        std::fs::set_permissions(&target, std::fs::Permissions::from_mode(mode)).unwrap();
        edit::apply(&link, &[ConfigEdit::set(["a"], i64::from(mode))]).unwrap();
        assert_eq!(target.metadata().unwrap().permissions().mode() & 0o777, kept);
    }
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

/// How many lines at both ends two texts share, and the lines between.
fn between<'a>(old: &'a str, new: &'a str) -> (Vec<&'a str>, Vec<&'a str>) {
    let (old, new): (Vec<_>, Vec<_>) =
        (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    let first = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let room = old.len().min(new.len()) - first;
    let last = old.iter().rev().zip(new.iter().rev()).take(room).take_while(|(a, b)| a == b).count();
    (old[first..old.len() - last].to_vec(), new[first..new.len() - last].to_vec())
}

proptest! {
    #[test]
    fn a_change_touches_the_lines_of_its_key_and_no_other_byte(old in any_file(), crlf: bool, pick: prop::sample::Index) {
        let table: toml::Table = old.parse().unwrap();
        let old = if crlf { old.replace('\n', "\r\n") } else { old };
        // Saying what the file says already changes nothing, whatever the spelling.
        let again: Vec<_> = table.iter().map(|(key, value)| ConfigEdit::set([key], value.clone())).collect();
        prop_assert_eq!(&edited(&old, &again), &old);
        prop_assert_eq!(&edited(&old, &[ConfigEdit::remove(["no", "such"])]), &old);

        // A new key: lines are added in one place, none goes.
        let new = edited(&old, &[ConfigEdit::set(["brand", "new"], 1)]);
        let (gone, added) = between(&old, &new);
        prop_assert!(gone.is_empty(), "lost {gone:?} in\n{new}");
        prop_assert!(added.concat().contains("[brand]"));
        let back = edited(&new, &[ConfigEdit::remove(["brand"])]);
        prop_assert_eq!(back.trim_end(), old.trim_end());

        // Another value: its own line, and that alone.
        let scalars: Vec<_> = table.iter().filter(|(_, value)| !value.is_table()).map(|(key, _)| key).collect();
        if !scalars.is_empty() {
            let key = scalars[pick.index(scalars.len())];
            let new = edited(&old, &[ConfigEdit::set([key], "another")]);
            let (gone, added) = between(&old, &new);
            prop_assert_eq!((gone.len(), added.len()), (1, 1));
            prop_assert!(gone[0].starts_with(key.as_str()) && added[0].starts_with(key.as_str()));
            // Removing it takes its line and the comment above.
            let new = edited(&old, &[ConfigEdit::remove([key])]);
            let (gone, added) = between(&old, &new);
            prop_assert!(added.is_empty(), "{added:?}");
            prop_assert!(gone.iter().all(|line| line.starts_with(key.as_str()) || line.starts_with('#') || line.trim().is_empty()), "{gone:?}");
        }
    }

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
