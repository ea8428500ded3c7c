//! A home on a disk that is full or may only be read. Each test makes its own, in a mount namespace of its own.

use std::path::PathBuf;

use serde_json::json;

use crate::support::{Ran, World, finish, payloads, run, say, skip, stored, works};

/// Mounts a disk of 64 kB over the home, with the configuration on it.
const SMALL_DISK: &str = "cp \"$CODEX_HOME/config.toml\" .; mount -t tmpfs -o size=64k tmpfs \"$CODEX_HOME\"; \
                          cp config.toml \"$CODEX_HOME\"";
/// An id as a home has it after its first run.
const USED_BEFORE: &str = "printf 01a1f834-b81e-7380-9af7-ff5a2bfcf253 > \"$CODEX_HOME/installation_id\"";
/// Leaves this many pages of 4 kB free.
fn leave(pages: usize) -> String {
    let taken = format!("$(($(stat -f -c %a \"$CODEX_HOME\") - {pages}))");
    format!("dd if=/dev/zero of=\"$CODEX_HOME/fill\" bs=4k count={taken} status=none")
}

/// Whether namespaces can be made here.
fn can_mount(test: &str) -> bool {
    let can = works("unshare", &["-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]);
    if !can {
        skip(test, "no mount namespace can be made here (`unshare -rm`)");
    }
    can
}

/// Runs the binary in a mount namespace after these shell commands. What the home holds at the end is in the second
/// folder.
async fn run_after(world: &World, setup: &[&str], args: &[&str]) -> (Ran, PathBuf) {
    let kept = world.home.with_file_name("kept");
    drop(std::fs::remove_dir_all(&kept));
    let script =
        format!("{}\n\"$0\" \"$@\"\ncode=$?\ncp -r \"$CODEX_HOME\" \"$KEPT\"\nexit $code", setup.join("\n"));
    let mut command = world.program("unshare");
    command.args(["-rm", "sh", "-c", &script, env!("CARGO_BIN_EXE_quire")]).args(args).env("KEPT", &kept);
    (finish(command.spawn().unwrap()).await, kept)
}

/// The notices that the session cannot be saved.
fn unsaved(ran: &Ran) -> Vec<String> {
    let notices = ran.events().into_iter().filter(|event| event["item"]["type"] == "error");
    let texts = notices.map(|event| event["item"]["message"].as_str().unwrap().to_owned());
    texts.filter(|text| text.contains("cannot be saved")).collect()
}

#[tokio::test]
async fn no_room_to_begin_with() {
    if !can_mount("no_room_to_begin_with") {
        return;
    }
    let world = World::new(json!([say("never")])).await;
    let (ran, home) = run_after(&world, &[SMALL_DISK, &leave(0)], &["exec", "--json", "hi"]).await;
    assert_eq!(ran.assert_code(1).out, "");
    let [_, error] = &ran.err.lines().collect::<Vec<_>>()[..] else { panic!("one error: {}", ran.err) };
    assert!(error.starts_with("Error: ") && error.contains("No space left on device"), "{error}");
    assert!(world.model.requests().is_empty());
    assert!(!home.join("sessions").exists());
}

/// The disk is full from the first line of the session on: the turn goes on, and says once that it is not saved.
#[tokio::test]
async fn no_room_for_the_session() {
    if !can_mount("no_room_for_the_session") {
        return;
    }
    for pages in [0, 1] {
        let turns = [run("echo out", "c"), say("Hello.")];
        let world = World::new(json!([turns.clone(), turns].concat())).await;
        let setup = [SMALL_DISK, USED_BEFORE, &leave(pages)];
        let (ran, _) = run_after(&world, &setup, &["exec", "--json", "hi"]).await;
        assert_eq!(ran.assert_code(0).shape().last().unwrap(), "turn.completed");
        let [notice] = &unsaved(&ran)[..] else { panic!("one notice: {}", ran.out) };
        assert!(notice.contains("No space left on device"), "{notice}");
        assert!(ran.err.matches("No space left").count() <= 1, "said again and again:\n{}", ran.err);

        let (ran, _) = run_after(&world, &setup, &["exec", "hi"]).await;
        assert_eq!(ran.assert_code(0).out, "Hello.\n");
        assert_eq!(ran.err.matches("warning: This thread cannot be saved").count(), 1, "{}", ran.err);
    }
}

/// Somebody makes room in the middle of the turn. Nothing of the session is lost by then, its first line least of all.
#[tokio::test]
async fn room_that_comes_back() {
    if !can_mount("room_that_comes_back") {
        return;
    }
    for pages in [0, 1] {
        let make_room = run("rm \"$CODEX_HOME/fill\" && echo made room", "c");
        let world = World::new(json!([make_room, say("Hello."), say("Back.")])).await;
        let setup = [SMALL_DISK, USED_BEFORE, &leave(pages)];
        let (ran, home) = run_after(&world, &setup, &["exec", "--json", "--yolo", "first words"]).await;
        assert_eq!(ran.assert_code(0).shape().last().unwrap(), "turn.completed");
        assert_eq!(unsaved(&ran).len(), 1, "{}", ran.out);

        std::fs::rename(home.join("sessions"), world.home.join("sessions")).unwrap();
        let rollout = &world.rollouts()[0];
        let lines = stored(rollout);
        assert_eq!(lines[0]["type"], "session_meta", "{}", std::fs::read_to_string(rollout).unwrap());
        for kind in ["task_started", "user_message", "function_call", "function_call_output", "task_complete"]
        {
            assert_eq!(payloads(&lines, kind).count(), 1, "{kind}");
        }
        let resumed = world.run(&["exec", "--json", "resume", &ran.thread_id(), "again"]).await;
        assert_eq!(resumed.assert_code(0).thread_id(), ran.thread_id());
        let told = world.request(2)["input"].to_string();
        for words in ["first words", "made room", "Hello."] {
            assert!(told.contains(words), "{words}: {told}");
        }
    }
}

#[tokio::test]
async fn a_home_that_may_only_be_read() {
    if !can_mount("a_home_that_may_only_be_read") {
        return;
    }
    let read_only = "mount --bind \"$CODEX_HOME\" \"$CODEX_HOME\"; mount -o remount,ro,bind \"$CODEX_HOME\"";
    let world = World::new(json!([say("Hello.")])).await;
    let (ran, _) = run_after(&world, &[read_only], &["exec", "--json", "hi"]).await;
    assert_eq!(ran.assert_code(1).out, "");
    let last = ran.err.lines().last().unwrap();
    assert!(last.starts_with("Error: ") && last.contains("Read-only file system"), "{last}");
    assert!(world.model.requests().is_empty());

    let (ran, home) = run_after(&world, &[USED_BEFORE, read_only], &["exec", "--json", "hi"]).await;
    assert_eq!(ran.assert_code(0).shape().last().unwrap(), "turn.completed");
    let [notice] = &unsaved(&ran)[..] else { panic!("one notice: {}", ran.out) };
    assert!(notice.contains("Read-only file system"), "{notice}");
    assert!(!home.join("sessions").exists());
}

/// A configuration that is mounted into a container cannot be replaced. A run that would note its trust there runs.
#[tokio::test]
async fn a_configuration_that_cannot_be_replaced() {
    if !can_mount("a_configuration_that_cannot_be_replaced") {
        return;
    }
    let mounted = "mount --bind \"$CODEX_HOME/config.toml\" \"$CODEX_HOME/config.toml\"";
    let world = World::new(json!([say("Hello.")])).await;
    let before = world.config();
    let (ran, home) = run_after(&world, &[mounted], &["exec", "-s", "workspace-write", "hi"]).await;
    assert_eq!(ran.assert_code(0).out, "Hello.\n");
    assert_eq!(std::fs::read_to_string(home.join("config.toml")).unwrap(), before);
}
