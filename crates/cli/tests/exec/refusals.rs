//! What is refused, with which line and which code.

use serde_json::json;

use crate::world::{World, say};

/// Arguments, standard input, exit code, and a line of standard error.
type Row<'a> = (&'a [&'a str], &'a [u8], i32, &'a str);

#[tokio::test]
async fn one_line_each() {
    let world = World::new(json!([say("never")])).await;
    std::fs::write(world.project.join("bad.json"), "{").unwrap();
    let rows: &[Row<'_>] = &[
        (&["exec"], b"", 1, "No prompt provided via stdin."),
        (&["exec", "-"], b" \n", 1, "No prompt provided via stdin."),
        (
            &["exec"],
            b"a\xFF",
            1,
            "Failed to read prompt from stdin: input is not valid UTF-8 (invalid byte at offset 1)",
        ),
        (
            &["exec", "--output-schema", "none.json", "x"],
            b"",
            1,
            "Failed to read output schema file none.json: ",
        ),
        (
            &["exec", "--output-schema", "bad.json", "x"],
            b"",
            1,
            "Output schema file bad.json is not valid JSON: ",
        ),
        (&["exec", "-C", "/none", "x"], b"", 1, "Error: No such file or directory (os error 2)"),
        (&["exec", "--enable", "nope", "x"], b"", 1, "Error: Unknown feature flag: nope"),
        (
            &["exec", "-c", "model", "x"],
            b"",
            1,
            "Error parsing -c overrides: Invalid override (missing '='): model",
        ),
        (
            &["exec", "-c", "model=5", "x"],
            b"",
            1,
            "Error loading config.toml: invalid type: integer `5`, expected a string\nin `model`",
        ),
        (&["exec", "-c", "model_provider=\"zz\"", "x"], b"", 1, "Error: Model provider `zz` not found"),
        (
            &["exec", "--strict-config", "-c", "modell=1", "x"],
            b"",
            1,
            "Error loading config.toml: unknown configuration field `modell` in -c/--config override",
        ),
        (&["exec", "--oss", "x"], b"", 1, "Error: No default OSS provider configured."),
        (
            &["exec", "review"],
            b"",
            1,
            "Error: Specify --uncommitted, --base, --commit, or provide custom review instructions",
        ),
        (&["exec", "review", "--uncommitted"], b"", 1, "Error: `exec review` is not there yet."),
        (
            &["exec", "--full-auto", "--yolo", "x"],
            b"",
            2,
            "error: the argument '--full-auto' cannot be used with '--dangerously-bypass-approvals-and-sandbox'",
        ),
        (&["exec", "resume"], b"", 1, "Error: which session?"),
        (&["unheard-of"], b"", 1, "Error: stdin is not a terminal"),
        (&[], b"", 1, "Error: stdin is not a terminal"),
    ];
    for (args, stdin, code, line) in rows {
        let ran = world.run_with_stdin(args, stdin).await;
        assert!(ran.err.contains(line), "{args:?}: {}", ran.err);
        assert_eq!((ran.assert_code(*code).out.as_str(), world.rollouts().len()), ("", 0), "{args:?}");
    }
    assert!(world.model.requests().is_empty());
}

#[tokio::test]
async fn outside_of_a_repository() {
    let world = World::new(json!([say("a"), say("b")])).await;
    // The one folder that surely has no repository around it.
    let folder = "/";
    let ran = world.run(&["exec", "-C", folder, "x"]).await;
    assert_eq!(
        ran.assert_code(1).err,
        "Reading additional input from stdin...\nNot inside a trusted directory and --skip-git-repo-check was not specified.\n"
    );
    world.run(&["exec", "-C", folder, "--skip-git-repo-check", "x"]).await.assert_code(0);
    world.run(&["exec", "-C", folder, "--yolo", "x"]).await.assert_code(0);
}

#[tokio::test]
async fn a_home_that_is_not_there() {
    let world = World::new(json!([say("a")])).await;
    let missing = world.home.join("missing");
    let child = world.command(&["exec", "x"]).env("CODEX_HOME", &missing).spawn().unwrap();
    let ran = crate::world::finish(child).await;
    let line =
        format!("Error finding codex home: CODEX_HOME points to {missing:?}, but that path does not exist");
    assert!(ran.assert_code(1).err.contains(&line), "{}", ran.err);
}
