//! Signals while a command with children of its own runs behind the sandbox.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use tokio::process::Child;

use crate::support::{LIMIT, Ran, World, files, finish, payloads, run, say, stored};

/// A command that does not end by itself or by a polite signal, with children in its group and out of it.
const STUBBORN: &str =
    "trap '' INT TERM HUP; tail -f mark & setsid tail -f mark & (tail -f mark | cat) & touch started; wait";

/// A run in the middle of a stubborn command. The name of the mark tells its processes from all others.
struct Stuck {
    world: World,
    mark: String,
    child: Child,
}

impl Stuck {
    async fn start(args: &[&str]) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let mark = format!("mark-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let world = World::new(json!([run(&STUBBORN.replace("mark", &mark), "c"), say("Back.")])).await;
        std::fs::write(world.project.join(&mark), "").unwrap();
        let child = world.command(args).spawn().unwrap();
        let started = world.project.join("started");
        let begins = async {
            while !started.exists() || processes(&mark).len() < 4 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LIMIT, begins).await.expect("the command does not start");
        Self { world, mark, child }
    }

    fn send(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().unwrap().cast_signed()), signal).unwrap();
    }

    /// Waits for the end and sees that the command's processes ended too.
    async fn end(self) -> (World, Ran) {
        let ran = finish(self.child).await;
        // Nobody promises that a process which was killed is gone in that very moment.
        let gone = async {
            while !processes(&self.mark).is_empty() {
                tokio::task::yield_now().await;
            }
        };
        let left = tokio::time::timeout(LIMIT / 6, gone).await;
        assert!(left.is_ok(), "left running: {:?}", processes(&self.mark));
        let helpers = self.world.home.join("tmp/arg0");
        assert_eq!(files(&helpers), Vec::<std::path::PathBuf>::new(), "the helper folder is left");
        (self.world, ran)
    }
}

/// Command lines of living processes that name the mark.
fn processes(mark: &str) -> Vec<String> {
    let command_line = |process: &Path| std::fs::read_to_string(process.join("cmdline")).unwrap_or_default();
    let all = std::fs::read_dir("/proc").unwrap().map(|entry| command_line(&entry.unwrap().path()));
    all.filter(|line| line.contains(mark)).map(|line| line.replace('\0', " ")).collect()
}

/// The interrupted turn is in the log, with an answer for its call, and the thread goes on.
async fn assert_aborted(world: &World, ran: &Ran) {
    let rollout = &world.rollouts()[0];
    let lines = stored(rollout);
    assert_eq!(payloads(&lines, "turn_aborted").count(), 1, "{}", std::fs::read_to_string(rollout).unwrap());
    let aborted = payloads(&lines, "turn_aborted").next().unwrap();
    assert_eq!(aborted["reason"], "interrupted");
    assert_eq!(payloads(&lines, "function_call_output").count(), 1);
    let resumed = world.run(&["exec", "--json", "resume", &ran.thread_id(), "again"]).await;
    assert_eq!(resumed.assert_code(0).thread_id(), ran.thread_id());
    assert!(world.request(1)["input"].to_string().contains("<turn_aborted>"));
}

#[tokio::test]
async fn ctrl_c_ends_the_command_and_all_it_started() {
    for mode in [&["-s", "workspace-write"][..], &["--yolo"]] {
        let stuck = Stuck::start(&[&["exec", "--json", "hi"], mode].concat()).await;
        stuck.send(Signal::SIGINT);
        let (world, ran) = stuck.end().await;
        assert_eq!(ran.assert_code(1).shape().last().unwrap(), "turn.failed", "{mode:?}");
        assert!(!ran.out.contains("turn.completed"), "{}", ran.out);
        assert_aborted(&world, &ran).await;
    }
}

#[tokio::test]
async fn a_second_ctrl_c_changes_nothing_but_the_haste() {
    let stuck = Stuck::start(&["exec", "--json", "-s", "workspace-write", "hi"]).await;
    stuck.send(Signal::SIGINT);
    stuck.send(Signal::SIGINT);
    let (world, ran) = stuck.end().await;
    ran.assert_code(1);
    let text = std::fs::read_to_string(&world.rollouts()[0]).unwrap();
    assert!(text.ends_with('\n') && text.lines().all(|line| line.ends_with('}')), "{text}");
    let resumed = world.run(&["exec", "--json", "resume", &ran.thread_id(), "again"]).await;
    assert_eq!(resumed.assert_code(0).thread_id(), ran.thread_id());
}

#[tokio::test]
async fn other_signals_end_everything_too() {
    for signal in [Signal::SIGTERM, Signal::SIGHUP] {
        let stuck = Stuck::start(&["exec", "--json", "-s", "workspace-write", "hi"]).await;
        stuck.send(signal);
        let (world, ran) = stuck.end().await;
        assert_eq!((ran.code, ran.signal), (None, Some(signal as i32)));
        let resumed = world.run(&["exec", "--json", "resume", &ran.thread_id(), "again"]).await;
        assert_eq!(resumed.assert_code(0).thread_id(), ran.thread_id());
    }
}

/// Nobody can catch this one; the sandbox's children die with their parent.
#[tokio::test]
async fn a_killed_run_leaves_no_sandboxed_command() {
    let mut stuck = Stuck::start(&["exec", "--json", "-s", "workspace-write", "hi"]).await;
    stuck.child.start_kill().unwrap();
    let mark = stuck.mark.clone();
    let ran = finish(stuck.child).await;
    assert_eq!(ran.signal, Some(9));
    let gone = async {
        while !processes(&mark).is_empty() {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(LIMIT / 6, gone).await.is_ok(), "left running: {:?}", processes(&mark));
    // The next start sweeps what the killed one could not take away.
    stuck.world.run(&["exec", "--json", "resume", &ran.thread_id(), "again"]).await.assert_code(0);
    assert_eq!(files(&stuck.world.home.join("tmp/arg0")), Vec::<std::path::PathBuf>::new());
}
