//! Standard streams that are closed, full, or not there at all.

use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::support::{LIMIT, World, finish, payloads, run, say, stored};

/// `| head -1`: the reader goes away after a line, while a command runs.
#[tokio::test]
async fn a_reader_that_leaves_early_is_no_failure_to_talk_about() {
    let world = World::new(json!([run("cat gate", "c"), say("never")])).await;
    let gate = world.project.join("gate");
    nix::unistd::mkfifo(&gate, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let mut child = world.command(&["exec", "--json", "hi"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while let Some(line) = tokio::time::timeout(LIMIT, lines.next_line()).await.unwrap().unwrap() {
        if line.contains("item.started") {
            break;
        }
    }
    drop(lines);
    // Only now has the command something to say, and nobody listens any more.
    tokio::task::spawn_blocking(move || std::fs::write(gate, "too late\n").unwrap()).await.unwrap();
    let ran = finish(child).await;
    assert_eq!((ran.code, ran.err.as_str()), (Some(141), "Reading additional input from stdin...\n"));
    let lines = stored(&world.rollouts()[0]);
    assert!(payloads(&lines, "function_call_output").any(|it| it["output"].to_string().contains("too late")));
}

#[tokio::test]
async fn an_answer_nobody_reads_is_quiet_too() {
    let world = World::new(json!([say("Hello.")])).await;
    let mut child = world.command(&["exec", "hi"]).spawn().unwrap();
    drop(child.stdout.take());
    let ran = finish(child).await;
    assert_eq!(ran.code, Some(141));
    assert!(ran.err.ends_with("codex\nHello.\ntokens used\n80\n"), "{}", ran.err);
}

/// The shell closes streams before the binary starts: files it opens later must not be taken for them.
#[tokio::test]
async fn streams_that_are_not_there() {
    for (closed, out, err) in [
        ("2>&-", "Hello.\n", ""),
        (">&-", "", "tokens used"),
        ("<&-", "Hello.\n", "tokens used"),
        ("<&- >&- 2>&-", "", ""),
    ] {
        let world = World::new(json!([run("echo out", "c"), say("Hello.")])).await;
        let mut command = world.program("sh");
        command.args(["-c", &format!("exec \"$0\" exec hi {closed}"), env!("CARGO_BIN_EXE_quire")]);
        let ran = finish(command.spawn().unwrap()).await;
        assert_eq!((ran.code, ran.out.as_str()), (Some(0), out), "{closed}: {}", ran.err);
        assert!(ran.err.contains(err) && (!err.is_empty() || ran.err.is_empty()), "{closed}: {}", ran.err);
        let text = std::fs::read_to_string(&world.rollouts()[0]).unwrap();
        for line in text.lines() {
            assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{closed}: {line}");
        }
        assert_eq!(world.request(1)["input"].to_string().matches("out\\n").count(), 1, "{closed}");
    }
}

#[tokio::test]
async fn an_output_that_is_full_is_not_taken_for_success() {
    let world = World::new(json!([say("Hello.")])).await;
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = world.command(&["exec", "--json", "hi"]);
    let ran = finish(command.stdout(full).spawn().unwrap()).await;
    assert!(ran.code.is_some_and(|code| code != 0), "{:?}", ran.code);
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
}
