//! Writes by key path: what the reference made of the same, and what many writers make of one file.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use quire_config::edit::{self, ConfigEdit};
use quire_config::write::{MergeStrategy, ValueEdit, WriteError, WriteRequest, Written, write};
use serde_json::{Value, json};

use crate::world::World;

/// Tells the writer of another process which file to write.
const FILE: &str = "QUIRE_TEST_CONFIG_FILE";
/// And under which names.
const NAME: &str = "QUIRE_TEST_WRITER";

fn one(key_path: &str, value: Value) -> WriteRequest {
    let merge = MergeStrategy::Replace;
    WriteRequest {
        edits: vec![ValueEdit { key_path: key_path.to_owned(), value, merge }],
        file: None,
        expected_version: None,
    }
}

fn written(world: &World, request: &WriteRequest) -> Result<Written, WriteError> {
    write(&world.options, request)
}

fn text(world: &World) -> String {
    std::fs::read_to_string(world.path("home/config.toml")).unwrap_or_default()
}

#[derive(serde::Deserialize)]
struct Captured {
    name: String,
    before: Option<String>,
    edits: Vec<CapturedEdit>,
    after: Option<String>,
    version: String,
}

#[derive(serde::Deserialize)]
struct CapturedEdit {
    key: String,
    value: Value,
    upsert: bool,
}

#[test]
fn files_and_versions_are_those_of_the_reference() {
    let cases: Vec<Captured> = serde_json::from_str(include_str!("../data/edits.json")).unwrap();
    for case in cases {
        let mut world = World::new();
        if let Some(before) = &case.before {
            world = world.file("home/config.toml", before);
        }
        let edits = case.edits.into_iter().map(|edit| ValueEdit {
            key_path: edit.key,
            value: edit.value,
            merge: if edit.upsert { MergeStrategy::Upsert } else { MergeStrategy::Replace },
        });
        let request = WriteRequest { edits: edits.collect(), file: None, expected_version: None };
        let done = written(&world, &request).unwrap_or_else(|error| panic!("{}: {error}", case.name));
        assert_eq!(text(&world), case.after.clone().unwrap_or_default(), "{}", case.name);
        assert_eq!(done.version, case.version, "{}", case.name);
        // What the reference wrote, nothing changes.
        edit::apply(&world.path("home/config.toml"), &[ConfigEdit::remove(["no", "such"])]).unwrap();
        assert_eq!(text(&world), case.after.unwrap_or_default(), "{}", case.name);
    }
}

#[test]
fn a_version_is_good_for_one_write() {
    let world = World::with("a = 1\n");
    let seen = written(&world, &one("b", json!(1))).unwrap().version;
    let with_version =
        |key: &str| WriteRequest { expected_version: Some(seen.clone()), ..one(key, json!(1)) };
    written(&world, &with_version("c")).unwrap();
    let error = written(&world, &with_version("d")).unwrap_err();
    assert_eq!(
        (error.code(), text(&world).as_str()),
        (Some("configVersionConflict"), "a = 1\nb = 1\nc = 1\n")
    );
}

#[test]
fn refusals_leave_the_file_alone() {
    let world = World::with("a = 1\n");
    let other = |file: PathBuf| WriteRequest { file: Some(file), ..one("a", json!(2)) };
    let both = WriteRequest {
        edits: [one("b", json!(1)).edits, one("model", json!(3)).edits].concat(),
        ..one("", json!(1))
    };
    for (request, code) in [
        (other(world.path("home/other.config.toml")), "configLayerReadonly"),
        (other("config.toml".into()), "configLayerReadonly"),
        (both, "configValidationError"),
        (one("profile", json!("x")), "configValidationError"),
        (one("a.b", json!(1)), "configValidationError"),
        (one("", json!(1)), "configValidationError"),
        (one("b", json!([null])), "configValidationError"),
        (one("b", json!(u64::MAX)), "configValidationError"),
    ] {
        assert_eq!(written(&world, &request).unwrap_err().code(), Some(code), "{request:?}");
        assert_eq!(text(&world), "a = 1\n");
    }
    let alone = World::with("a = 1\n").options(|options| options.ignore_user_config = true);
    assert_eq!(written(&alone, &one("b", json!(1))).unwrap_err().code(), Some("userLayerNotFound"));
    let broken = World::with("a = = 1\n");
    assert!(matches!(written(&broken, &one("b", json!(1))), Err(WriteError::Load(_))));
    assert_eq!(text(&broken), "a = = 1\n");
}

#[test]
fn a_value_that_does_not_count_is_told() {
    let world = World::new().file("etc/config.toml", "model = 'system'\n").flags(&["tui.theme=\"flag\""]);
    let overridden = |key: &str, value: Value| {
        let by = written(&world, &one(key, value)).unwrap().overridden?;
        Some((format!("{:?}", by.layer).split_whitespace().next().unwrap().to_owned(), by.effective))
    };
    assert_eq!(overridden("model", json!("mine")), None);
    assert_eq!(overridden("model", Value::Null), Some(("System".to_owned(), json!("system"))));
    assert_eq!(overridden("tui.theme", json!("mine")), Some(("SessionFlags".to_owned(), json!("flag"))));
    assert_eq!(overridden("tui.theme", json!("flag")), None);
    assert_eq!(
        overridden("tui", json!({"animations": true})),
        Some(("SessionFlags".to_owned(), json!({"animations": true, "theme": "flag"})))
    );
}

#[test]
fn many_writers_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.toml");
    std::fs::write(&file, "# kept\n").unwrap();
    let processes: Vec<_> = ["p", "q"].map(|name| writer(&file, name, false).spawn().unwrap()).into();
    std::thread::scope(|scope| {
        for name in ["a", "b", "c", "d", "e", "f", "g", "h"] {
            let file = &file;
            scope.spawn(move || write_some(file, name));
        }
    });
    for mut process in processes {
        assert!(process.wait().unwrap().success());
    }
    let text = std::fs::read_to_string(&file).unwrap();
    let table: toml::Table = text.parse().unwrap();
    for name in ["a", "b", "c", "d", "e", "f", "g", "h", "p", "q"] {
        assert_eq!(table[name].as_table().unwrap().len(), WRITES, "{name}");
    }
    assert!(text.contains("# kept"));
}

#[cfg(unix)]
#[test]
fn a_writer_that_is_killed_leaves_a_whole_file_and_no_lock() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.toml");
    for round in 0..5 {
        let mut process = writer(&file, "endless", true).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().contains("has written")), "it says so after its first write");
        process.kill().unwrap();
        process.wait().unwrap();
        let table: toml::Table = std::fs::read_to_string(&file).unwrap().parse().unwrap();
        assert!(table.contains_key("endless"));
        edit::apply(&file, &[ConfigEdit::set(["round"], round)]).unwrap();
    }
}

const WRITES: usize = 25;

fn write_some(file: &Path, name: &str) {
    for number in 0..WRITES {
        edit::apply(file, &[ConfigEdit::set([name, &format!("k{number}")], 1)]).unwrap();
    }
}

/// This test program as a writer of its own.
fn writer(file: &Path, name: &str, endless: bool) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "writes::another_process", "--ignored", "--nocapture"])
        .env(FILE, file)
        .env(NAME, if endless { "" } else { name })
        .stdout(Stdio::null());
    command
}

#[test]
#[ignore = "other tests start it as a process of its own"]
fn another_process() {
    let file = PathBuf::from(std::env::var_os(FILE).unwrap());
    let name = std::env::var(NAME).unwrap();
    if !name.is_empty() {
        return write_some(&file, &name);
    }
    for number in 0.. {
        edit::apply(&file, &[ConfigEdit::set(["endless", "k"], number)]).unwrap();
        println!("has written");
    }
}
