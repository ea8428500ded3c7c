//! The other programs this binary is, and the demo.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::world::{World, finish, run, say};

const PATCH: &str = "*** Begin Patch\n*** Add File: n.txt\n+one\n*** End Patch";
const DONE: &str = "Success. Updated the following files:\nA n.txt\n";

fn quire() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_quire"))
}

#[test]
fn is_the_patch_program_under_its_names() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["apply_patch", "applypatch"] {
        let link = folder.path().join(name);
        symlink(quire(), &link).unwrap();
        let output = Command::new(&link).arg(PATCH).current_dir(folder.path()).output().unwrap();
        assert_eq!(
            (output.status.code(), String::from_utf8(output.stdout).unwrap().as_str()),
            (Some(0), DONE)
        );
    }
    let output = Command::new(quire())
        .args(["--codex-run-as-apply-patch", PATCH])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stdout).unwrap().as_str()), (Some(0), DONE));
}

#[test]
fn calls_itself_codex_when_called_so() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("codex");
    symlink(quire(), &link).unwrap();
    let output = Command::new(&link).arg("--version").output().unwrap();
    assert_eq!(output.stdout, b"codex-cli 0.136.0\n");
}

#[test]
fn a_closed_stdout_is_no_panic() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = Command::new(quire()).arg("--help").stdout(writer).output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[tokio::test]
async fn commands_find_the_helpers_and_the_folder_goes_away() {
    let world = World::new(json!([run("command -v apply_patch", "c"), say("ok")])).await;
    let ran = world.run(&["exec", "--json", "hi"]).await;
    ran.assert_code(0);
    let output = ran.events()[3]["item"]["aggregated_output"].as_str().unwrap().to_owned();
    let folder = world.home.join("tmp/arg0");
    assert!(output.contains(&format!("{}/codex-arg0", folder.display())), "{output}");
    assert!(std::fs::read_dir(folder).unwrap().next().is_none());
}

#[tokio::test]
async fn no_helpers_below_the_temporary_folder() {
    let world = World::new(json!([say("ok")])).await;
    let mut command = world.command(&["exec", "--json", "hi"]);
    let ran = finish(command.env("TMPDIR", &world.home).spawn().unwrap()).await;
    let line = "WARNING: proceeding, even though we could not update PATH: Refusing to create helper binaries under temporary dir";
    assert!(ran.assert_code(0).err.starts_with(line), "{}", ran.err);
}

#[tokio::test]
async fn the_demo_does_what_it_says() {
    let world = World::new(json!([say("unused")])).await;
    let home = world.home.to_str().unwrap();
    let config = world.config();
    let ran = world.run(&["demo", "--home", home]).await;
    ran.assert_code(0);
    assert!(ran.out.starts_with("Fixed: `multiply` in calc.sh"), "{}", ran.out);
    let [rollout] = &world.rollouts()[..] else { panic!("one session file") };
    assert!(ran.err.contains(&format!("Session file: {}", rollout.display())), "{}", ran.err);
    assert_eq!(world.config(), config);
    assert!(world.model.requests().is_empty(), "the demo has a model of its own");
}
