//! Runs that are stopped: signals, closed pipes.

use std::io::Read as _;
use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use tokio::process::Child;

use crate::world::{LIMIT, World, finish, hang, run, say};

fn send(child: &Child, signal: Signal) {
    kill(Pid::from_raw(child.id().unwrap().cast_signed()), signal).unwrap();
}

/// Waits for a file with a number in it.
async fn number_in(path: &std::path::Path) -> i32 {
    let read = async {
        loop {
            let text = std::fs::read_to_string(path).unwrap_or_default();
            if let Some(number) = text.strip_suffix('\n').and_then(|text| text.parse().ok()) {
                return number;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, read).await.expect("the command does not start")
}

fn is_alive(pid: i32) -> bool {
    // A process that ended and waits to be reaped counts as gone.
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| stat.rsplit(')').next().is_some_and(|rest| !rest.trim_start().starts_with('Z')))
}

#[tokio::test]
async fn ctrl_c_while_the_model_thinks() {
    let world = World::new(json!([hang()])).await;
    let child = world.command(&["exec", "--json", "hi"]).spawn().unwrap();
    world.wait_for_request(1).await;
    send(&child, Signal::SIGINT);
    let ran = finish(child).await;
    ran.assert_code(1);
    assert_eq!(ran.shape(), ["thread.started", "turn.started", "turn.failed"]);
    assert_eq!(ran.events()[2]["error"], json!({"message": "interrupted"}));

    let world = World::new(json!([hang()])).await;
    let child = world.command(&["exec", "hi"]).spawn().unwrap();
    world.wait_for_request(1).await;
    send(&child, Signal::SIGINT);
    let ran = finish(child).await;
    assert!(ran.assert_code(1).err.ends_with("hi\nturn interrupted\n"), "{}", ran.err);
}

#[tokio::test]
async fn signals_end_running_commands() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        // Outside of the sandbox, so that the number is one of ours.
        let world = World::new(json!([run("echo $$ > pid; exec sleep 1000", "c"), say("never")])).await;
        let child = world.command(&["exec", "--json", "--yolo", "hi"]).spawn().unwrap();
        let pid = number_in(&world.project.join("pid")).await;
        assert!(is_alive(pid));
        send(&child, signal);
        let ran = finish(child).await;
        match signal {
            Signal::SIGINT => assert_eq!((ran.code, ran.signal), (Some(1), None)),
            signal => assert_eq!((ran.code, ran.signal), (None, Some(signal as i32))),
        }
        assert!(!is_alive(pid), "{signal} left the command running");
        assert_eq!(ran.shape().last().unwrap(), "turn.failed");
        assert!(
            std::fs::read_dir(world.home.join("tmp/arg0")).unwrap().next().is_none(),
            "the helper folder is left"
        );
        let last = std::fs::read_to_string(&world.rollouts()[0]).unwrap();
        assert!(last.ends_with('\n'), "the session file is cut");
    }
}

#[tokio::test]
async fn a_stopped_session_can_be_resumed() {
    let world = World::new(json!([hang(), say("back")])).await;
    let child = world.command(&["exec", "--json", "first words"]).spawn().unwrap();
    world.wait_for_request(1).await;
    send(&child, Signal::SIGTERM);
    let id = finish(child).await.thread_id();
    let ran = world.run(&["exec", "--json", "resume", &id, "again"]).await;
    assert_eq!(ran.assert_code(0).thread_id(), id);
    assert!(world.request(1)["input"].to_string().contains("first words"));
}

#[tokio::test]
async fn nobody_reads_stdout() {
    let world = World::new(json!([{"events": [{"say": "Hello."}], "delay_ms": 200}])).await;
    let mut child = world.command(&["exec", "--json", "hi"]).spawn().unwrap();
    drop(child.stdout.take());
    let ran = finish(child).await;
    assert_eq!((ran.code, ran.err.as_str()), (Some(141), "Reading additional input from stdin...\n"));
}

#[tokio::test]
async fn a_reader_that_stops_reading_holds_up_no_signal() {
    // More than a pipe takes.
    let world = World::new(json!([say(&"x".repeat(1 << 20))])).await;
    let mut child = world.command(&["exec", "--json", "hi"]).spawn().unwrap();
    let mut unread = child.stdout.take().unwrap();
    let mut first = [0; 20];
    tokio::io::AsyncReadExt::read_exact(&mut unread, &mut first).await.unwrap();
    world.wait_for_request(1).await;
    send(&child, Signal::SIGTERM);
    let ran = finish(child).await;
    assert_eq!(ran.signal, Some(Signal::SIGTERM as i32), "{}", ran.err);
    drop(unread);
}

#[tokio::test]
async fn nobody_reads_stderr() {
    let world = World::new(json!([say("Hello.")])).await;
    let mut child = world.command(&["exec", "hi"]).spawn().unwrap();
    drop(child.stderr.take());
    let ran = finish(child).await;
    assert_eq!(ran.assert_code(0).out, "Hello.\n");
}

#[tokio::test]
async fn the_answer_is_not_repeated_to_somebody_who_saw_it() {
    let world = World::new(json!([say("Hello.")])).await;
    let terminal = nix::pty::openpty(None, None).unwrap();
    let side = || Stdio::from(terminal.slave.try_clone().unwrap());
    let mut command = world.command(&["exec", "--color", "never", "hi"]);
    let mut child = command.stdin(side()).stdout(side()).stderr(side()).spawn().unwrap();
    drop(command);
    drop(terminal.slave);
    let mut master = std::fs::File::from(terminal.master);
    // Reading ends with an error when the last other end of a terminal is closed.
    let reader = std::thread::spawn(move || {
        let (mut text, mut buffer) = (Vec::new(), [0; 4096]);
        while let Ok(count @ 1..) = master.read(&mut buffer) {
            text.extend_from_slice(&buffer[..count]);
        }
        String::from_utf8(text).unwrap()
    });
    let status = tokio::time::timeout(LIMIT, child.wait()).await.unwrap().unwrap();
    let screen = tokio::task::spawn_blocking(move || reader.join().unwrap()).await.unwrap();
    assert!(status.success(), "{screen}");
    assert_eq!(screen.matches("Hello.").count(), 1, "{screen}");
}
