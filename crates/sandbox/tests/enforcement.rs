//! Real commands behind the real helper: what the modes deny is denied by the kernel.
//!
//! `data/matrix.json` holds what the reference's sandbox answered to each action, mode by mode; [`CHOSEN`] lists where
//! we answer differently on purpose.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Helpers of tests fail by panicking.

mod fixture;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::symlink;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};

use fixture::{Fixture, Mode};
use quire_protocol::{
    Access, FileSystemEntry, FileSystemPath, FileSystemPolicy, NetworkAccess, PermissionProfile, SpecialPath,
};

#[derive(serde::Deserialize)]
struct Row {
    action: String,
    result: BTreeMap<String, String>,
}

/// Where we differ from the reference, in every sandboxed mode: action, our answer, why.
const CHOSEN: [(&str, &str, &str); 27] = [
    ("fs.mkdir_tmp_dot_git", "@any EROFS EEXIST", "depends on who else masks /tmp at the moment"),
    ("fs.write_tmp_dot_codex", "@any EROFS ENOENT", "depends on who else masks /tmp at the moment"),
    ("ptrace.traceme", "EPERM", "denied with network, too"),
    ("ptrace.attach_child", "EPERM", "denied with network, too"),
    ("ptrace.process_vm_readv_self", "EPERM", "denied with network, too"),
    ("ptrace.process_vm_writev_self", "EPERM", "denied with network, too"),
    ("sys.io_uring_setup", "EPERM", "denied with network, too"),
    ("priv.seccomp_filter_active", "OK", "the filter is on with network, too"),
    ("priv.bpf", "EPERM", "a kernel surface no command needs"),
    ("priv.add_key", "EPERM", "keys outlive the command"),
    ("priv.perf_event_open", "EPERM", "a kernel surface no command needs"),
    ("unix.sendmsg_dgram_path", "@closed EPERM", "the reference's hole: reaches host sockets"),
    ("proc.write_sysctl", "@any EROFS EACCES", "changes the machine"),
    ("proc.write_sysrq", "@any ENOENT EROFS EACCES", "depends on the kernel"),
    ("net.socket_alg", "@any EPERM EAFNOSUPPORT OK", "depends on the kernel"),
    ("net.socket_vsock", "@any EPERM EAFNOSUPPORT OK", "depends on the kernel"),
    ("ns.unshare_net", "EPERM", "no capabilities"),
    ("ns.unshare_userns_remount_rw", "EPERM", "no mount calls"),
    ("ns.mount_tmpfs_in_ws", "EPERM", "no capabilities, no mount calls"),
    ("ns.setns_pid1_mnt", "EPERM", "no capabilities"),
    ("ns.chroot", "EPERM", "no capabilities"),
    ("ns.remount_root_rw", "EPERM", "the reference's escape as root"),
    ("esc.remount_rw_then_write", "EPERM", "the reference's escape as root"),
    ("esc.mount_proc_over", "EPERM", "no capabilities, no mount calls"),
    ("ns.umount_dot_git", "EPERM", "the reference's escape as root"),
    ("esc.umount_git_then_write", "EPERM", "the reference's escape as root"),
    ("fs.open_dev_tty", "@any ENXIO", "no controlling terminal in the sandbox"),
];

/// The answer we want for a row of the reference's table.
fn is_wanted(action: &str, reference: &str, ours: &str, mode: Mode) -> bool {
    let Some((_, chosen, _)) = CHOSEN.iter().find(|(name, ..)| *name == action) else {
        return ours == reference;
    };
    if let Some(any) = chosen.strip_prefix("@any ") {
        return any.split(' ').any(|answer| answer == ours);
    }
    match chosen.strip_prefix("@closed ") {
        Some(_) if mode == Mode::WorkspaceNetwork => ours == reference,
        Some(answer) => ours == answer,
        None => ours == *chosen,
    }
}

fn check_matrix(fixture: &Fixture, mode: Mode, column: &str) {
    let rows: Vec<Row> = serde_json::from_str(include_str!("data/matrix.json")).unwrap();
    let _listeners = fixture.listen();
    let mut args = vec!["actions"];
    args.extend(rows.iter().map(|row| row.action.as_str()));
    let output = fixture.probe(mode, &args).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let answers: BTreeMap<_, _> = text.lines().filter_map(|line| line.split_once(' ')).collect();
    assert_eq!(answers.len(), rows.len(), "{}", String::from_utf8_lossy(&output.stderr));
    let wrong: Vec<String> = rows
        .iter()
        .filter(|row| !is_wanted(&row.action, &row.result[column], answers[row.action.as_str()], mode))
        .map(|row| {
            format!("{}: {} (reference {})", row.action, answers[row.action.as_str()], row.result[column])
        })
        .collect();
    assert!(wrong.is_empty(), "{mode:?}\n{}", wrong.join("\n"));
    fixture.assert_host_untouched();
}

#[test]
fn read_only_answers_like_the_table() {
    check_matrix(&Fixture::new(), Mode::ReadOnly, "ro");
}

#[test]
fn workspace_write_answers_like_the_table() {
    check_matrix(&Fixture::new(), Mode::Workspace, "ws");
}

#[test]
fn workspace_write_with_network_answers_like_the_table() {
    check_matrix(&Fixture::new(), Mode::WorkspaceNetwork, "ws_net");
}

#[test]
fn an_unprivileged_user_gets_the_same_sandbox() {
    check_matrix(&Fixture::for_other_user(), Mode::Workspace, "ws_user");
}

#[test]
fn children_of_the_command_are_confined_too() {
    let f = Fixture::new();
    let output = f.probe(Mode::Workspace, &["actions", "child.write_outside"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "child.write_outside EROFS\n");
}

#[test]
fn capabilities_are_gone_also_for_root() {
    let f = Fixture::new();
    let output =
        f.shell(Mode::Workspace, "grep -E '^Cap(Inh|Prm|Eff|Bnd|Amb)' /proc/self/status").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), 5);
    assert!(text.lines().all(|line| line.ends_with("0000000000000000")), "{text}");
}

#[test]
fn nothing_of_the_sandbox_is_handed_to_the_command() {
    let f = Fixture::new();
    let count = |command: &mut Command, script: &str| -> usize {
        let output = command.args(["-c", script]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
    };
    // Whatever started the test may have left descriptors open; the sandbox adds none.
    let bare = count(&mut Command::new("sh"), "ls /proc/self/fd | wc -l");
    assert_eq!(count(&mut f.command(Mode::Workspace, &["sh"]), "ls /proc/self/fd | wc -l"), bare);
    // One less for the listing, one more for the descriptor by which the init gets its signals.
    assert_eq!(count(&mut f.command(Mode::Workspace, &["sh"]), "ls /proc/1/fd | wc -l"), bare);
}

#[test]
fn exit_codes_and_signals_come_through() {
    let f = Fixture::new();
    for mode in [Mode::ReadOnly, Mode::Workspace] {
        let code = |script: &str| f.shell(mode, script).stderr(Stdio::null()).status().unwrap().code();
        assert_eq!(code("exit 0"), Some(0));
        assert_eq!(code("exit 3"), Some(3));
        assert_eq!(code("kill -9 $$"), Some(137));
        assert_eq!(code("kill -TERM $$"), Some(143));
    }
}

#[test]
fn a_missing_program_is_127_and_an_unrunnable_one_126() {
    let f = Fixture::new();
    let run = |program: &str| f.command(Mode::ReadOnly, &[program]).output().unwrap();
    let missing = run("no-such-program-anywhere");
    assert_eq!(missing.status.code(), Some(127));
    let text = String::from_utf8(missing.stderr).unwrap();
    assert!(text.contains("no-such-program-anywhere") && text.contains("No such file"), "{text}");
    assert_eq!(run("/etc/passwd").status.code(), Some(126));
}

#[test]
fn broken_pipes_end_commands_as_usual() {
    let f = Fixture::new();
    let output = f.shell(Mode::ReadOnly, "yes | head -n 1").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "y\n");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn ready(child: &mut Child) -> BufReader<std::process::ChildStdout> {
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    assert!(line.starts_with("ready"), "{line}");
    reader
}

fn signal(pid: u32, signal: &str) {
    let status = Command::new("kill").args([signal, &pid.to_string()]).status().unwrap();
    assert!(status.success());
}

#[test]
fn signals_reach_the_command() {
    let f = Fixture::new();
    for mode in [Mode::ReadOnly, Mode::Workspace] {
        for (name, number) in [("-TERM", 15), ("-INT", 2), ("-USR1", 10)] {
            let mut child = f.probe(mode, &["signals"]).stdout(Stdio::piped()).spawn().unwrap();
            let _reader = ready(&mut child);
            signal(child.id(), name);
            assert_eq!(child.wait().unwrap().code(), Some(number), "{mode:?} {name}");
        }
    }
}

/// Callers see a command that a terminal or they themselves ended as ended by that signal.
#[test]
fn the_helper_follows_a_command_into_the_signal_it_passed_on() {
    let f = Fixture::new();
    for mode in [Mode::ReadOnly, Mode::Workspace] {
        let mut child = f.probe(mode, &["sleep"]).stdout(Stdio::piped()).spawn().unwrap();
        let _reader = ready(&mut child);
        signal(child.id(), "-INT");
        let status = child.wait().unwrap();
        assert_eq!(status.signal(), Some(2), "{status:?}");
    }
    f.assert_host_untouched();
}

/// The pipe closes when everything that inherited it is dead, the masks go when the keeper is done.
#[test]
fn a_killed_helper_takes_everything_along_and_leaves_the_host_clean() {
    let f = Fixture::new();
    let script = "sleep 1000 & setsid sleep 1000 & echo ready; wait";
    let mut child = f.shell(Mode::Workspace, script).stdout(Stdio::piped()).spawn().unwrap();
    let mut reader = ready(&mut child);
    assert!(f.workspace.join(".codex").is_dir());
    signal(child.id(), "-KILL");
    child.wait().unwrap();
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).unwrap();
    f.assert_host_untouched();
}

#[test]
fn background_children_end_with_the_command() {
    let f = Fixture::new();
    let mut child =
        f.shell(Mode::ReadOnly, "setsid sleep 1000 & echo done").stdout(Stdio::piped()).spawn().unwrap();
    let mut text = String::new();
    // Ends only when the background child, which holds the pipe, is gone.
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "done\n");
    assert!(child.wait().unwrap().success());
}

#[test]
fn concurrent_runs_share_masks_without_disturbing_each_other() {
    let f = Fixture::new();
    let mut command = f.shell(Mode::Workspace, "echo ready; read line; mkdir .codex; mkdir .agents");
    let mut long =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let _reader = ready(&mut long);
    let short: Vec<Child> =
        (0..8).map(|_| f.shell(Mode::Workspace, "test -d .codex").spawn().unwrap()).collect();
    for mut child in short {
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
    drop(long.stdin.take());
    let output = long.wait_with_output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(text.matches("File exists").count(), 2, "{text}");
    f.assert_host_untouched();
}

fn entry(path: impl Into<std::path::PathBuf>, access: Access) -> FileSystemEntry {
    FileSystemEntry { path: FileSystemPath::Path { path: path.into() }, access }
}

fn special(value: SpecialPath, access: Access) -> FileSystemEntry {
    FileSystemEntry { path: FileSystemPath::Special { value }, access }
}

fn restricted(entries: Vec<FileSystemEntry>) -> PermissionProfile {
    PermissionProfile::Managed {
        file_system: FileSystemPolicy::Restricted { entries, glob_scan_max_depth: None },
        network: NetworkAccess::Restricted,
    }
}

#[test]
fn denied_paths_are_unreadable_and_cannot_be_created() {
    let f = Fixture::new();
    let ws = &f.workspace;
    fs::create_dir(ws.join("secrets")).unwrap();
    fs::write(ws.join("secrets/key"), "top secret").unwrap();
    fs::create_dir(ws.join("secrets/open")).unwrap();
    fs::write(ws.join("secrets/open/note"), "fine").unwrap();
    let profile = restricted(vec![
        special(SpecialPath::Root, Access::Read),
        entry(ws, Access::Write),
        entry(ws.join("secrets"), Access::Deny),
        entry(ws.join("secrets/open"), Access::Write),
        entry(ws.join("file.txt"), Access::Deny),
        entry(ws.join("nope/deep"), Access::Deny),
    ]);
    let script = "cat secrets/key file.txt; ls secrets; mkdir nope; echo x > file.txt; rm -rf secrets; \
                  cat secrets/open/note; echo more > secrets/open/new && echo written";
    let output = f.shell_with(&profile, script).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "finewritten\n", "{output:?}");
    assert_eq!(fs::read_to_string(ws.join("secrets/key")).unwrap(), "top secret");
    assert!(ws.join("secrets/open/new").exists());
    assert!(!ws.join("nope").exists());
}

#[test]
fn a_profile_without_the_root_shows_only_what_it_names() {
    let f = Fixture::new();
    let profile =
        restricted(vec![special(SpecialPath::Minimal, Access::Read), entry(&f.workspace, Access::Write)]);
    let script = format!(
        "cat file.txt; cat {0}/file.txt; ls {0}; echo x > made.txt && echo made; ls -d /proc/self/",
        f.outside.display()
    );
    let output = f.shell_with(&profile, &script).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(text, "inside\nmade\n/proc/self/\n", "{}", String::from_utf8_lossy(&output.stderr));
    f.assert_host_untouched();
}

#[test]
fn a_writable_root_with_denies_keeps_devices_usable() {
    let f = Fixture::new();
    let profile = restricted(vec![
        special(SpecialPath::Root, Access::Write),
        entry(f.workspace.join("file.txt"), Access::Deny),
    ]);
    let script =
        format!("echo x > /dev/null && echo ok; cat file.txt; echo x > {}/written", f.outside.display());
    let output = f.shell_with(&profile, &script).output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "ok\n",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(f.outside.join("written").exists());
}

#[test]
fn full_write_without_network_needs_only_the_filter() {
    let f = Fixture::new();
    let profile = restricted(vec![special(SpecialPath::Root, Access::Write)]);
    let _listeners = f.listen();
    let output = f
        .probe_with(&profile, &["actions", "fs.write_outside_new", "net.tcp_connect_loopback"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(text, "fs.write_outside_new OK\nnet.tcp_connect_loopback EPERM\n");
}

fn refusal(f: &Fixture, profile: &PermissionProfile) -> String {
    let output = f.shell_with(profile, "echo ran").output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

#[test]
fn what_cannot_be_enforced_is_refused_in_one_line() {
    let f = Fixture::new();
    let glob = FileSystemPath::GlobPattern { pattern: "/srv/**/*.env".into() };
    let pattern = restricted(vec![
        special(SpecialPath::Root, Access::Read),
        FileSystemEntry { path: glob, access: Access::Deny },
    ]);
    assert!(refusal(&f, &pattern).contains("*.env"));
    symlink(&f.outside, f.workspace.join(".agents")).unwrap();
    assert!(refusal(&f, &f.profile(Mode::Workspace)).contains(".agents"));
}

#[test]
fn a_directory_as_standard_input_is_refused() {
    let f = Fixture::new();
    let directory = fs::File::open("/").unwrap();
    let output = f.shell(Mode::ReadOnly, "echo ran").stdin(directory).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
}

#[test]
fn without_user_namespaces_read_only_still_holds() {
    let f = Fixture::new();
    let script = "cat file.txt; echo x > new.txt; echo x > /dev/null && echo null; chmod 600 file.txt; touch file.txt; \
                  exit 7";
    let output = f.without_namespaces(Mode::ReadOnly, script).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "inside\nnull\n");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(errors.lines().count(), 3, "{errors}");
    assert_eq!(output.status.code(), Some(7));
    f.assert_host_untouched();
}

#[test]
fn without_user_namespaces_a_workspace_is_refused() {
    let f = Fixture::new();
    let output = f.without_namespaces(Mode::Workspace, "echo ran").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("Landlock") && text.contains("user namespaces"), "{text}");
    f.assert_host_untouched();
}
