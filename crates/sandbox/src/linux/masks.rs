//! Mount points that exist on the host only while a command runs.
//!
//! In come the paths to mask; while the returned [`Masks`] lives they exist as empty folders or files, afterwards the
//! host is as before. Several runs may mask the same path at once, so each leaves a record (sandbox sheet §5.3) and the
//! last one removes the path. The records are shared with the reference, whose runs may mask the same paths.
//!
//! A newcomer's trap: removing a mount point tears down the mounts on it in *every* namespace. A record missing too
//! early would take the mask away from somebody else's run, which is why commands cannot see the records.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::kill;
use nix::unistd::{Pid, geteuid, getpid};

use super::plan::{Mask, MaskKind};
use crate::error::SandboxError;

/// How long another run may hold the records.
const LOCK_WAIT: Duration = Duration::from_secs(10);
const LOCK_RETRY: Duration = Duration::from_millis(1);

/// Record of a path that was made for masking.
const SYNTHETIC: &str = "synthetic\n";
/// Record of a path that was there before anybody masked it.
const EXISTING: &str = "existing\n";

/// The folder of the records. It does not follow `$TMPDIR` while `/tmp` is there: two runs that mask the same path must
/// meet in the same records, whatever their environment.
pub(super) fn registry() -> Result<PathBuf, SandboxError> {
    let tmp = PathBuf::from("/tmp");
    let tmp = if tmp.is_dir() { tmp } else { std::env::temp_dir() };
    let tmp = tmp
        .canonicalize()
        .map_err(|error| SandboxError::setup(format!("finding `{}`", tmp.display()), error))?;
    Ok(tmp.join(format!("codex-bwrap-synthetic-mount-targets-{}", geteuid())))
}

/// The mount points of one run.
#[derive(Debug)]
pub(super) struct Masks {
    registry: PathBuf,
    held: Vec<Held>,
    needless: Vec<PathBuf>,
}

#[derive(Debug)]
struct Held {
    mask: Mask,
    record: PathBuf,
    synthetic: bool,
}

impl Masks {
    /// Makes the mount points and records them.
    pub(super) fn hold(masks: &[Mask]) -> Result<Self, SandboxError> {
        Self::hold_in(registry()?, masks)
    }

    fn hold_in(registry: PathBuf, masks: &[Mask]) -> Result<Self, SandboxError> {
        let _lock = lock(&registry)?;
        let mut all = Self { registry, held: Vec::new(), needless: Vec::new() };
        for mask in masks {
            match hold(&all.registry, mask) {
                Ok(held) => all.held.push(held),
                Err(error) if cannot_be_created_by_command(&error, &mask.path) => {
                    all.needless.push(mask.path.clone());
                }
                Err(source) => {
                    // The lock is held: let go of what was made without taking it again.
                    all.release();
                    return Err(SandboxError::Mask { path: mask.path.clone(), source });
                }
            }
        }
        Ok(all)
    }

    /// Paths that need no mask, because the command is no more able to create them than we are.
    pub(super) fn needless(&self) -> &[PathBuf] {
        &self.needless
    }

    fn release(&mut self) {
        for held in self.held.drain(..) {
            let _ = fs::remove_file(held.record.join(getpid().to_string()));
            let others = Records::read(&held.record);
            if others.live {
                continue;
            }
            if held.synthetic {
                // Only ever removes what is still empty: if somebody put something there, it is theirs.
                remove_if_empty(&held.mask);
            }
            let _ = fs::remove_dir(&held.record);
        }
    }
}

impl Drop for Masks {
    fn drop(&mut self) {
        if self.held.is_empty() {
            return;
        }
        // Without the lock another run could be about to mount on what we remove: better leave it lying.
        if let Ok(_lock) = lock(&self.registry) {
            self.release();
        }
    }
}

/// Makes one mount point and records it. The caller holds the lock.
fn hold(registry: &Path, mask: &Mask) -> io::Result<Held> {
    let record = registry.join(format!("{:016x}", fnv1a(mask.path.as_os_str().as_encoded_bytes())));
    let before = Records::read(&record);
    let created = match make(mask) {
        Ok(()) => true,
        Err(error) if error.kind() == ErrorKind::AlreadyExists && is_empty(mask) => false,
        Err(error) => return Err(error),
    };
    let synthetic = created || before.synthetic;
    let recorded = DirBuilder::new().recursive(true).mode(0o700).create(&record).and_then(|()| {
        fs::write(record.join(getpid().to_string()), if synthetic { SYNTHETIC } else { EXISTING })
    });
    if let Err(error) = recorded {
        if created {
            remove_if_empty(mask);
        }
        return Err(error);
    }
    Ok(Held { mask: mask.clone(), record, synthetic })
}

/// What other runs recorded about a path.
#[derive(Debug, Default)]
struct Records {
    /// Some run other than ours is alive.
    live: bool,
    /// Somebody, alive or not, made the path.
    synthetic: bool,
}

impl Records {
    /// Reads the records of a path, deleting those of runs that are gone.
    fn read(record: &Path) -> Self {
        let mut records = Self::default();
        let Ok(entries) = fs::read_dir(record) else {
            return records;
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            records.synthetic |= fs::read_to_string(&path).is_ok_and(|text| text == SYNTHETIC);
            if is_alive(&path) {
                records.live = true;
            } else {
                let _ = fs::remove_file(&path);
            }
        }
        records
    }
}

/// Whether the process a record is named after still runs.
fn is_alive(record: &Path) -> bool {
    let pid = record.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
    pid.is_some_and(|pid: i32| pid > 0 && kill(Pid::from_raw(pid), None) != Err(Errno::ESRCH))
}

fn make(mask: &Mask) -> io::Result<()> {
    match mask.kind {
        MaskKind::Folder => fs::create_dir(&mask.path),
        MaskKind::File => {
            OpenOptions::new().write(true).create_new(true).mode(0o444).open(&mask.path).map(drop)
        }
    }
}

fn is_empty(mask: &Mask) -> bool {
    match mask.kind {
        MaskKind::Folder => fs::read_dir(&mask.path).is_ok_and(|mut entries| entries.next().is_none()),
        MaskKind::File => {
            fs::symlink_metadata(&mask.path).is_ok_and(|found| found.is_file() && found.len() == 0)
        }
    }
}

fn remove_if_empty(mask: &Mask) {
    let _ = match mask.kind {
        MaskKind::Folder => fs::remove_dir(&mask.path),
        MaskKind::File if is_empty(mask) => fs::remove_file(&mask.path),
        MaskKind::File => Ok(()),
    };
}

/// The command runs with our user but without capabilities: where we may not create a name, and cannot give ourselves
/// the right as the folder's owner, neither may it.
fn cannot_be_created_by_command(error: &io::Error, path: &Path) -> bool {
    match error.kind() {
        ErrorKind::ReadOnlyFilesystem => true,
        ErrorKind::PermissionDenied => path
            .parent()
            .and_then(|parent| fs::metadata(parent).ok())
            .is_some_and(|parent| parent.uid() != geteuid().as_raw()),
        _ => false,
    }
}

/// Takes the registry for ourselves.
fn lock(registry: &Path) -> Result<Flock<File>, SandboxError> {
    let failed = |error| SandboxError::setup(format!("locking `{}`", registry.display()), error);
    match DirBuilder::new().mode(0o755).create(registry) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(failed(error)),
        _ => {}
    }
    let found = fs::symlink_metadata(registry).map_err(failed)?;
    if !found.is_dir() || found.uid() != geteuid().as_raw() {
        return Err(failed(io::Error::new(ErrorKind::PermissionDenied, "it belongs to somebody else")));
    }
    let open =
        || OpenOptions::new().read(true).write(true).create(true).truncate(false).open(registry.join("lock"));
    let mut file = open().map_err(failed)?;
    let deadline = Instant::now() + LOCK_WAIT;
    loop {
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(lock),
            Err((_, error)) if error != Errno::EWOULDBLOCK && error != Errno::EINTR => {
                return Err(failed(error.into()));
            }
            Err(_) if Instant::now() >= deadline => return Err(failed(ErrorKind::TimedOut.into())),
            Err((again, _)) => file = again,
        }
        sleep(LOCK_RETRY);
    }
}

/// The 64-bit FNV-1a hash, by which records are named.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pid that cannot be alive: above the kernel's limit.
    const DEAD: &str = "4194999";

    struct Fixture {
        dir: tempfile::TempDir,
    }

    impl Fixture {
        fn new() -> Self {
            Self { dir: tempfile::tempdir().unwrap() }
        }
        fn registry(&self) -> PathBuf {
            self.dir.path().join("registry")
        }
        fn mask(&self, name: &str, kind: MaskKind) -> Mask {
            Mask { path: self.dir.path().join(name), kind }
        }
        fn hold(&self, masks: &[Mask]) -> Result<Masks, SandboxError> {
            Masks::hold_in(self.registry(), masks)
        }
        fn record(&self, mask: &Mask) -> PathBuf {
            self.registry().join(format!("{:016x}", fnv1a(mask.path.as_os_str().as_encoded_bytes())))
        }
    }

    #[test]
    fn mount_points_live_as_long_as_the_run() {
        let f = Fixture::new();
        let masks = [f.mask(".codex", MaskKind::Folder), f.mask("nope", MaskKind::File)];
        let held = f.hold(&masks).unwrap();
        assert!(masks[0].path.is_dir() && masks[1].path.is_file());
        let record = f.record(&masks[0]).join(std::process::id().to_string());
        assert_eq!(fs::read_to_string(record).unwrap(), SYNTHETIC);
        drop(held);
        assert!(!masks[0].path.exists() && !masks[1].path.exists());
        assert!(!f.record(&masks[0]).exists());
    }

    #[test]
    fn an_empty_folder_of_the_user_survives() {
        let f = Fixture::new();
        let mask = f.mask(".agents", MaskKind::Folder);
        fs::create_dir(&mask.path).unwrap();
        drop(f.hold(std::slice::from_ref(&mask)).unwrap());
        assert!(mask.path.is_dir());
    }

    #[test]
    fn the_leftover_of_a_killed_run_is_removed_by_the_next() {
        let f = Fixture::new();
        let mask = f.mask(".codex", MaskKind::Folder);
        fs::create_dir(&mask.path).unwrap();
        fs::create_dir_all(f.record(&mask)).unwrap();
        fs::write(f.record(&mask).join(DEAD), SYNTHETIC).unwrap();
        drop(f.hold(std::slice::from_ref(&mask)).unwrap());
        assert!(!mask.path.exists());
    }

    #[test]
    fn the_path_stays_while_another_run_needs_it() {
        let f = Fixture::new();
        let mask = f.mask(".codex", MaskKind::Folder);
        let held = f.hold(std::slice::from_ref(&mask)).unwrap();
        // Process 1 is always there.
        fs::write(f.record(&mask).join("1"), SYNTHETIC).unwrap();
        drop(held);
        assert!(mask.path.is_dir());
    }

    #[test]
    fn what_somebody_put_there_meanwhile_is_kept() {
        let f = Fixture::new();
        let mask = f.mask(".git", MaskKind::Folder);
        let held = f.hold(std::slice::from_ref(&mask)).unwrap();
        fs::write(mask.path.join("HEAD"), "x").unwrap();
        drop(held);
        assert!(mask.path.join("HEAD").exists());
    }

    #[test]
    fn a_path_that_appeared_before_the_run_is_an_error_and_undoes_the_rest() {
        let f = Fixture::new();
        let masks = [f.mask(".agents", MaskKind::Folder), f.mask(".codex", MaskKind::Folder)];
        fs::create_dir(&masks[1].path).unwrap();
        fs::write(masks[1].path.join("x"), "x").unwrap();
        assert!(matches!(f.hold(&masks), Err(SandboxError::Mask { .. })));
        assert!(!masks[0].path.exists());
    }

    #[test]
    fn records_are_named_like_the_reference_names_them() {
        assert_eq!(format!("{:016x}", fnv1a(b"/tmp/.git")), "9dddf21f25fb79fe");
    }
}
