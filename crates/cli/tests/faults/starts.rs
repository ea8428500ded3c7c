//! Runs that cannot begin: one plain reason, the right code, and a home that looks as it did before.

use std::path::Path;

use serde_json::json;
use tokio::io::AsyncWriteExt as _;

use crate::support::{World, finish, say, tree};

const UNKNOWN: &str = "01a1f891-91a6-7fe1-a5bb-7a076f6506f4";

/// A start that must fail.
struct Start<'a> {
    /// What config.toml holds, instead of what works.
    config: Option<&'a [u8]>,
    args: &'a [&'a str],
    stdin: &'a [u8],
    code: i32,
    /// Parts of standard error.
    told: &'a [&'a str],
}

const START: Start<'_> = Start { config: None, args: &["exec", "x"], stdin: b"", code: 1, told: &[] };

/// Runs it, and sees that nothing is left of it: no session, no temporary file, nothing at the provider.
async fn assert_refused(start: Start<'_>) {
    let world = World::new(json!([say("never")])).await;
    let temporary = world.home.with_file_name("temporary");
    std::fs::create_dir(&temporary).unwrap();
    std::fs::write(world.project.join("bad.json"), "{\"type\": ").unwrap();
    if let Some(config) = start.config {
        std::fs::write(world.home.join("config.toml"), config).unwrap();
    }
    let before = tree(world.home.parent().unwrap());
    let mut command = world.command(start.args);
    let mut child = command.env("TMPDIR", &temporary).stdin(std::process::Stdio::piped()).spawn().unwrap();
    // A run that refuses to begin does not read it.
    drop(child.stdin.take().unwrap().write_all(start.stdin).await);
    let ran = finish(child).await;
    assert_eq!(ran.assert_code(start.code).out, "", "{:?}", start.args);
    for part in start.told {
        assert!(ran.err.contains(part), "{:?}: {part:?} is not in\n{}", start.args, ran.err);
    }
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
    let mut after = tree(world.home.parent().unwrap());
    // The empty folder that helper folders come into stays, and so does the (whole) installation id.
    after.remove("home/tmp");
    after.remove("home/tmp/arg0");
    after.remove("home/installation_id");
    let changed: Vec<_> = after.iter().filter(|(name, held)| before.get(*name) != Some(*held)).collect();
    assert!(changed.is_empty(), "{:?} left or changed {changed:?}", start.args);
    assert_eq!(after.len(), before.len(), "{:?} took something away", start.args);
    assert!(world.model.requests().is_empty(), "{:?} asked the provider", start.args);
}

#[tokio::test]
async fn configurations_that_cannot_be_read() {
    let rows: &[(&[u8], &[&str])] = &[
        (b"model = ", &["/home/config.toml:1:9: ", "\n1 | model = \n"]),
        (b"model = \"m\"\n\n[a\nb = 1", &["/home/config.toml:3:3: ", "\n3 | [a\n"]),
        (b"a = 1\na = 2\n", &["/home/config.toml:2:1: "]),
        (b"model = 5", &["invalid type: integer `5`, expected a string\nin `model`"]),
        (b"[model_providers.p]\nname = 5", &["integer `5`", "in `model_providers.p.name`"]),
        (b"sandbox_mode = \"none\"", &["`none`", "`read-only`", "in `sandbox_mode`"]),
        (b"model_provider = \"zz\"", &["Model provider `zz` not found"]),
        (b"model = \"\xff\"", &["/home/config.toml", "invalid utf-8"]),
    ];
    for (config, told) in rows {
        assert_refused(Start { config: Some(config), told, ..START }).await;
    }
}

#[tokio::test]
async fn arguments_and_files_that_make_no_run() {
    let rows: &[(&[&str], &[u8], i32, &str)] = &[
        (
            &["exec", "--output-schema", "none.json", "x"],
            b"",
            1,
            "Failed to read output schema file none.json: No such",
        ),
        (
            &["exec", "--output-schema", "bad.json", "x"],
            b"",
            1,
            "file bad.json is not valid JSON: EOF while parsing",
        ),
        (
            &["exec", "--output-schema", ".", "x"],
            b"",
            1,
            "Failed to read output schema file .: Is a directory",
        ),
        (&["exec", "-C", "none", "x"], b"", 1, "Error: No such file or directory (os error 2)"),
        (&["exec", "-C", "bad.json/below", "x"], b"", 1, "Error: Not a directory (os error 20)"),
        (&["exec", "resume", UNKNOWN, "x"], b"", 1, "no rollout found for thread id"),
        (&["exec", "resume", "nobody", "x"], b"", 1, "no session has the id or name `nobody`"),
        (&["exec", "resume", "--last", "x"], b"", 1, "no session of"),
        (&["exec", "--image", "none.png", "resume", UNKNOWN, "x"], b"", 1, "no rollout found for thread id"),
        (
            &["exec", "--image", "bad.json", "resume", "nobody", "x"],
            b"",
            1,
            "no session has the id or name `nobody`",
        ),
        (&["exec", "-"], b"ok so far \xC3", 1, "Failed to read prompt from stdin: input is not valid UTF-8"),
        (&["exec", "-"], b"\xFF\xFE\0\0x\0\0\0", 1, "input appears to be UTF-32LE"),
        (&["exec", "--no-such-flag", "x"], b"", 2, "error: unexpected argument '--no-such-flag' found"),
    ];
    for (args, stdin, code, told) in rows {
        assert_refused(Start { args, stdin, code: *code, told: &[told], ..START }).await;
    }
}

#[tokio::test]
async fn a_prompt_that_is_no_text() {
    use std::os::unix::ffi::OsStrExt as _;
    let world = World::new(json!([say("never")])).await;
    let before = tree(&world.home);
    let mut command = world.command(&["exec"]);
    let ran = finish(command.arg(std::ffi::OsStr::from_bytes(b"a\xFF")).spawn().unwrap()).await;
    assert!(ran.assert_code(2).err.starts_with("error: invalid UTF-8"), "{}", ran.err);
    assert_eq!(tree(&world.home), before);
}

#[tokio::test]
async fn homes_that_are_none() {
    let world = World::new(json!([say("never")])).await;
    let (missing, file) = (world.home.with_file_name("missing"), world.home.with_file_name("file"));
    std::fs::write(&file, "a file").unwrap();
    let run = async |home: &Path| {
        finish(world.command(&["exec", "x"]).env("CODEX_HOME", home).spawn().unwrap()).await
    };
    let ran = run(&missing).await;
    assert!(
        ran.assert_code(1).err.contains(&format!("{missing:?}, but that path does not exist")),
        "{}",
        ran.err
    );
    assert!(!missing.exists(), "a home that was asked for by name is not made");
    let ran = run(&file).await;
    assert!(
        ran.assert_code(1).err.contains(&format!("{file:?}, but that path is not a directory")),
        "{}",
        ran.err
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "a file");

    let inside = world.home.join("config.toml");
    std::fs::remove_file(&inside).unwrap();
    std::fs::create_dir(&inside).unwrap();
    let ran = run(&world.home).await;
    assert!(ran.assert_code(1).err.contains("config.toml: Is a directory"), "{}", ran.err);
    assert!(world.model.requests().is_empty());
}
