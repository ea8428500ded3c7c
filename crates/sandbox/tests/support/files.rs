//! Actions on files, links and `/proc`.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::Path;

use nix::errno::Errno;
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use nix::unistd::mkfifo;

use crate::attempt::{Attempt, below, io};

const W: &str = "PROBE_WORKSPACE";
const OUT: &str = "PROBE_OUTSIDE";

fn create(path: impl AsRef<Path>) -> Attempt {
    io(OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(path)
        .and_then(|mut file| file.write_all(b"x")))
}

fn append(path: impl AsRef<Path>) -> Attempt {
    io(OpenOptions::new().append(true).open(path).and_then(|mut file| file.write_all(b"x\n")))
}

fn list(path: impl AsRef<Path>) -> Attempt {
    io(fs::read_dir(path).map(Iterator::count))
}

fn read(path: impl AsRef<Path>) -> Attempt {
    io(fs::read(path))
}

fn open_for_writing(path: impl AsRef<Path>) -> Attempt {
    io(OpenOptions::new().write(true).open(path))
}

/// Tries a file action; `None` if the name is not one.
pub(crate) fn run(name: &str) -> Option<Attempt> {
    let (group, rest) = name.split_once('.')?;
    match group {
        "fs" => plain(rest).or_else(|| devices(rest)),
        "git" | "meta" => protected(rest),
        "link" => links(rest),
        "proc" | "sys" => proc(rest),
        _ => None,
    }
}

fn plain(name: &str) -> Option<Attempt> {
    let ws = |name| below(W, name);
    let out = |name| below(OUT, name);
    Some(match name {
        "write_new_in_workspace" => create(ws("new.txt")),
        "append_existing_in_workspace" => append(ws("file.txt")),
        "mkdir_in_workspace" => io(fs::create_dir(ws("made"))),
        "unlink_in_workspace" => io(fs::remove_file(ws("gone.txt"))),
        "chmod_in_workspace" => io(fs::set_permissions(ws("file.txt"), Permissions::from_mode(0o640))),
        "write_outside_existing" => append(out("file.txt")),
        "write_outside_new" => create(out("new.txt")),
        "read_outside" => read(out("file.txt")),
        "list_outside" => list(out("")),
        "read_etc_passwd" => read("/etc/passwd"),
        "write_etc" => create("/etc/quire-sandbox-probe"),
        "list_root_dir" => list("/"),
        "write_tmp" => {
            let path =
                format!("/tmp/quire-sandbox-probe-{}", below(W, "").display().to_string().replace('/', "-"));
            create(&path).inspect(|()| drop(fs::remove_file(&path)))
        }
        "mkdir_tmp_dot_git" => io(fs::create_dir("/tmp/.git")),
        "write_tmp_dot_codex" => create("/tmp/.codex/x"),
        "write_tmpdir_env" => create(below("TMPDIR", "x")),
        "write_var_tmp" => create("/var/tmp/quire-sandbox-probe"),
        "truncate_workspace_file" => io(nix::unistd::truncate(&ws("file.txt"), 0).map_err(Into::into)),
        "setxattr_workspace_file" => setxattr(&ws("file.txt")),
        "utimens_outside" => io(File::open(out("file.txt")).and_then(|file| {
            file.set_times(fs::FileTimes::new().set_modified(std::time::SystemTime::UNIX_EPOCH))
        })),
        "chmod_outside" => io(fs::set_permissions(out("file.txt"), Permissions::from_mode(0o600))),
        "open_outside_o_tmpfile" => {
            io(OpenOptions::new().write(true).custom_flags(libc::O_TMPFILE).open(out("")))
        }
        "read_codex_home_config" => read(below("CODEX_HOME", "config.toml")),
        "write_codex_home" => create(below("CODEX_HOME", "x")),
        "write_home_dir" => create(below("HOME", "x")),
        _ => return None,
    })
}

fn devices(name: &str) -> Option<Attempt> {
    let read_open = |path: &str| io(File::open(path));
    let node = |name: &str, kind| {
        mknod(&below(W, name), kind, Mode::from_bits_truncate(0o600), makedev(1, 3)).map(drop)
    };
    Some(match name {
        "write_dev_null" => append("/dev/null"),
        "write_dev_shm" => create("/dev/shm/quire-sandbox-probe"),
        "read_dev_urandom" => {
            io(File::open("/dev/urandom")
                .and_then(|mut file| std::io::Read::read_exact(&mut file, &mut [0; 8])))
        }
        "open_dev_tty" => io(OpenOptions::new().read(true).write(true).open("/dev/tty")),
        "open_dev_kmsg" => read_open("/dev/kmsg"),
        "open_dev_block" => read_open("/dev/vda"),
        "mknod_char_device" => node("null", SFlag::S_IFCHR),
        "mkfifo_in_workspace" => mkfifo(&below(W, "fifo"), Mode::S_IRWXU),
        _ => return None,
    })
}

fn protected(name: &str) -> Option<Attempt> {
    let ws = |name| below(W, name);
    Some(match name {
        "read_head" => read(ws(".git/HEAD")),
        "append_config" => append(ws(".git/config")),
        "create_hook" => create(ws(".git/hooks/pre-commit")),
        "rename_dot_git" => io(fs::rename(ws(".git"), ws("away"))),
        "unlink_head" => io(fs::remove_file(ws(".git/HEAD"))),
        "hardlink_config_out" => io(fs::hard_link(ws(".git/config"), ws("config-link"))),
        "create_nested_dot_git_in_subdir" => io(fs::create_dir(ws("made/.git"))),
        "rename_dir_over_dot_git" => {
            // Where nothing can be written there is nothing to rename either; the rename still answers.
            let _ = fs::create_dir(ws("empty"));
            io(fs::rename(ws("empty"), ws(".git")))
        }
        "create_dot_codex_dir" => io(fs::create_dir(ws(".codex"))),
        "write_dot_codex_config" => create(ws(".codex/config.toml")),
        "create_dot_agents_dir" => io(fs::create_dir(ws(".agents"))),
        "write_dot_agents_file" => create(ws(".agents/x")),
        "symlink_dot_codex" => io(symlink("elsewhere", ws(".codex"))),
        "write_agents_md" => create(ws("AGENTS.md")),
        "rmdir_dot_codex" => io(fs::remove_dir(ws(".codex"))),
        _ => return None,
    })
}

fn links(name: &str) -> Option<Attempt> {
    let ws = |name| below(W, name);
    Some(match name {
        "symlink_escape_write" => {
            let _ = symlink(below(OUT, ""), ws("escape"));
            create(ws("escape/esc.txt"))
        }
        "hardlink_outside_into_ws" => io(fs::hard_link(below(OUT, "file.txt"), ws("outside-link"))),
        "rename_ws_file_outside" => io(fs::rename(ws("file.txt"), below(OUT, "mv.txt"))),
        _ => return None,
    })
}

fn proc(name: &str) -> Option<Attempt> {
    let outside_through = |prefix: &str| {
        let outside = below(OUT, "through-proc.txt");
        create(Path::new(prefix).join(outside.strip_prefix("/").unwrap()))
    };
    Some(match name {
        "read_self_status" => read("/proc/self/status"),
        "list_proc" => list("/proc"),
        "read_host_pid_environ" => {
            read(format!("/proc/{}/environ", crate::attempt::number("PROBE_HOST_PID")))
        }
        "write_self_root_path" => outside_through("/proc/self/root"),
        "pid1_root_escape" => outside_through("/proc/1/root"),
        "write_sysctl" => open_for_writing("/proc/sys/kernel/hostname"),
        "write_oom_score_adj" => io(fs::write("/proc/self/oom_score_adj", "500")),
        "write_sysrq" => open_for_writing("/proc/sysrq-trigger"),
        "read_sysfs" => list("/sys/class"),
        _ => return None,
    })
}

#[allow(unsafe_code)]
fn setxattr(path: &Path) -> Attempt {
    use std::os::unix::ffi::OsStrExt;
    let path = std::ffi::CString::new(path.as_os_str().as_bytes()).unwrap();
    // SAFETY: two C strings and a buffer of the length given, all alive during the call.
    let result = unsafe { libc::setxattr(path.as_ptr(), c"user.probe".as_ptr(), c"x".as_ptr().cast(), 1, 0) };
    if result == 0 { Ok(()) } else { Err(Errno::last()) }
}
