//! A turn opens one connection, to its provider, and asks nobody for a name (ARCHITECTURE, invariants 8 and 11).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Helpers of tests fail by panicking.
#![cfg(target_os = "linux")]

mod support;

use std::process::{Command, Stdio};

use serde_json::json;
use support::{World, finish, run, say, skip, works};

/// A world whose project is a real repository, so that everything git is asked for is there.
async fn world_with_repository() -> World {
    let world = World::new(json!([
        run("git status --short; echo $HOME", "c1"),
        run("cat a.txt", "c2"),
        say("Done.")
    ]))
    .await;
    std::fs::write(world.project.join("a.txt"), "a\n").unwrap();
    for args in [
        &["init", "--quiet"][..],
        &["remote", "add", "origin", "https://example.invalid/project.git"],
        &["add", "a.txt"],
        &["-c", "user.name=n", "-c", "user.email=e@example.invalid", "commit", "--quiet", "--message=m"],
    ] {
        assert!(Command::new("git").args(args).current_dir(&world.project).status().unwrap().success());
    }
    world
}

#[tokio::test]
async fn one_connection_and_no_name_server() {
    const TEST: &str = "one_connection_and_no_name_server";
    if !works("strace", &["-f", "-o", "/dev/null", "true"]) {
        return skip(TEST, "strace is not there or may not trace");
    }
    let world = world_with_repository().await;
    let trace = world.home.with_file_name("trace");
    let mut command = world.program("strace");
    command
        .args(["-f", "-qq", "-s", "200", "-e", "trace=connect,sendto,socket,openat", "-o"])
        .arg(&trace)
        .arg(env!("CARGO_BIN_EXE_quire"))
        .args(["exec", "--json", "-s", "workspace-write", "hi"]);
    let ran = finish(command.spawn().unwrap()).await;
    assert_eq!(ran.assert_code(0).shape().last().unwrap(), "turn.completed");
    assert_eq!(world.model.requests().len(), 3, "nothing but the three samplings was asked");

    let trace = std::fs::read_to_string(trace).unwrap();
    let calls = |wanted: &str| {
        trace.lines().filter(|line| line.contains(wanted)).map(str::to_owned).collect::<Vec<_>>()
    };
    let connections: Vec<_> =
        calls("connect(").into_iter().filter(|call| call.contains("sa_family=AF_INET")).collect();
    let [connection] = &connections[..] else { panic!("one connection:\n{}", connections.join("\n")) };
    let port = format!("sin_port=htons({}), sin_addr=inet_addr(\"127.0.0.1\")", world.model.address().port());
    assert!(connection.contains(&port), "{connection}");
    let sockets: Vec<_> =
        calls("socket(AF_INET").into_iter().filter(|call| call.contains("SOCK_DGRAM")).collect();
    assert_eq!(sockets, Vec::<String>::new(), "a socket to ask a name server with");
    let sent: Vec<_> =
        calls("sendto(").into_iter().filter(|call| call.contains("sa_family=AF_INET")).collect();
    assert_eq!(sent, Vec::<String>::new());
    assert_eq!(calls("resolv.conf"), Vec::<String>::new(), "somebody looks for a name server");
}

#[test]
fn works_where_there_is_no_network_at_all() {
    const TEST: &str = "works_where_there_is_no_network_at_all";
    const UP: &str = "ip link set lo up";
    if !works("unshare", &["-rn", "sh", "-c", UP]) {
        return skip(TEST, "no network namespace can be made here (`unshare -rn`, `ip`)");
    }
    let script =
        format!("{UP} && exec \"$0\" --exact --ignored --nocapture a_turn_on_the_loopback_interface");
    let output = Command::new("unshare")
        .args(["-rn", "sh", "-c", &script])
        .arg(std::env::current_exe().unwrap())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let told =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && told.contains("1 passed"), "{told}");
}

/// The inside of the test above: server and client, both in the namespace.
#[tokio::test]
#[ignore = "run by `works_where_there_is_no_network_at_all` in a network namespace of its own"]
async fn a_turn_on_the_loopback_interface() {
    let world = world_with_repository().await;
    let ran = world.run(&["exec", "--json", "-s", "workspace-write", "hi"]).await;
    assert_eq!(ran.assert_code(0).shape().last().unwrap(), "turn.completed");
    assert_eq!(world.model.requests().len(), 3);
}
