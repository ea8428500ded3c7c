//! Building the command's view of the file system from a plan (sandbox sheet §5.3).
//!
//! Runs in the first process of the new namespaces, before privileges are dropped. With a readable root the host's tree
//! is changed in place (it is this namespace's own copy); otherwise a new tree is filled and becomes the root.
//!
//! A newcomer's trap: every source is opened before the first mount. Afterwards its path may be covered, and a path
//! that is looked up twice may mean two things.

use std::ffi::CStr;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, IsTerminal};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::unistd::{chdir, pivot_root};

use super::mount_table::{
    MountTable, fd_path, make_device, make_plain, make_read_only, make_writable, open_exact,
};
use super::plan::{Base, MaskKind, Plan, Step};
use crate::error::SandboxError;

/// The device nodes a command gets.
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];

/// The usual links in `/dev`.
const DEVICE_LINKS: [(&str, &str); 6] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("core", "/proc/kcore"),
    ("ptmx", "pts/ptmx"),
];

/// Parts of `/proc` that change the machine instead of a process.
const PROC_READ_ONLY: [&str; 5] = ["sys", "sysrq-trigger", "irq", "bus", "fs"];

/// Where a new tree is put together; any folder that exists everywhere.
const STAGE: &str = "/dev";

/// Cuts this namespace off from mounts and unmounts of the host.
pub(super) fn detach_from_host() -> io::Result<()> {
    let flags = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    Ok(mount(None::<&CStr>, "/", None::<&CStr>, flags, None::<&CStr>)?)
}

/// Mounts everything and enters the command's folder.
pub(super) fn build(plan: &Plan) -> Result<(), SandboxError> {
    let mut builder = Builder::open(plan)?;
    builder.base()?;
    if plan.steps.iter().any(|step| !matches!(step, Step::Writable(_) | Step::ReadOnly(_))) {
        builder.covers()?;
    }
    builder.devices()?;
    for (step, source) in plan.steps.iter().zip(&builder.sources) {
        builder.step(step, source.as_ref())?;
    }
    builder.proc()?;
    builder.finish()?;
    chdir(&plan.cwd).map_err(|error| SandboxError::setup(format!("entering `{}`", plan.cwd.display()), error))
}

struct Builder<'p> {
    plan: &'p Plan,
    /// Where the command's root is while building.
    root: PathBuf,
    /// The host's mounts, needed where read-only is taken back.
    host: Option<MountTable>,
    /// What each step binds, if it binds something of the host.
    sources: Vec<Option<OwnedFd>>,
    devices: Vec<(&'static str, OwnedFd)>,
    terminal: Option<OwnedFd>,
    covers: Option<Covers>,
}

/// Empty things to put over what must not be seen; they live on a mount that is itself covered afterwards.
struct Covers {
    unreadable_folder: OwnedFd,
    empty_folder: OwnedFd,
    unreadable_file: OwnedFd,
    empty_file: OwnedFd,
}

impl<'p> Builder<'p> {
    fn open(plan: &'p Plan) -> Result<Self, SandboxError> {
        let in_place = plan.base != Base::Empty;
        let rebinds =
            plan.base == Base::ReadOnly && plan.steps.iter().any(|step| matches!(step, Step::Writable(_)));
        let host = rebinds.then(MountTable::read).transpose();
        let host = host.map_err(|error| SandboxError::setup("reading the mount table", error))?;
        let mut sources = Vec::with_capacity(plan.steps.len());
        for step in &plan.steps {
            sources.push(match step {
                Step::Writable(path) | Step::ReadOnly(path) => {
                    Some(open_exact(path).map_err(at("opening", path))?)
                }
                _ => None,
            });
        }
        let devices = DEVICES
            .iter()
            .filter_map(|name| Some((*name, open_exact(&Path::new("/dev").join(name)).ok()?)))
            .collect();
        let terminal = io::stdout()
            .is_terminal()
            .then(|| fs::read_link("/proc/self/fd/1").and_then(|path| open_exact(&path)).ok())
            .flatten();
        let root = PathBuf::from(if in_place { "/" } else { STAGE });
        Ok(Self { plan, root, host, sources, devices, terminal, covers: None })
    }

    /// The place of an absolute path in the tree being built.
    fn place(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    fn base(&self) -> Result<(), SandboxError> {
        let root = &self.root;
        match self.plan.base {
            Base::ReadOnly => make_read_only(root).map_err(at("making read-only", root)),
            Base::Writable => make_plain(root).map_err(at("restricting", root)),
            Base::Empty => tmpfs(root, "mode=755").map_err(at("mounting an empty tree on", root)),
        }
    }

    /// Prepares the covers below `/dev`, where the private devices hide them next.
    fn covers(&mut self) -> Result<(), SandboxError> {
        let stage = self.place(Path::new("/dev"));
        let failed = at("preparing covers in", &stage);
        let make = || -> io::Result<Covers> {
            fs::create_dir_all(&stage)?;
            tmpfs(&stage, "mode=755")?;
            let folder = |name: &str, mode| DirBuilder::new().mode(mode).create(stage.join(name));
            let file = |name: &str, mode| {
                OpenOptions::new().write(true).create_new(true).mode(mode).open(stage.join(name)).map(drop)
            };
            folder("unreadable_folder", 0o000)?;
            folder("empty_folder", 0o555)?;
            file("unreadable_file", 0o000)?;
            file("empty_file", 0o444)?;
            make_read_only(&stage)?;
            Ok(Covers {
                unreadable_folder: open_exact(&stage.join("unreadable_folder"))?,
                empty_folder: open_exact(&stage.join("empty_folder"))?,
                unreadable_file: open_exact(&stage.join("unreadable_file"))?,
                empty_file: open_exact(&stage.join("empty_file"))?,
            })
        };
        self.covers = Some(make().map_err(failed)?);
        Ok(())
    }

    /// A `/dev` of our own: harmless nodes, new pseudo-terminals, private shared memory.
    fn devices(&self) -> Result<(), SandboxError> {
        let dev = self.place(Path::new("/dev"));
        let make = || -> io::Result<()> {
            fs::create_dir_all(&dev)?;
            tmpfs(&dev, "mode=755")?;
            for (name, node) in &self.devices {
                bind_device(node, &dev.join(name))?;
            }
            if let Some(terminal) = &self.terminal {
                bind_device(terminal, &dev.join("console"))?;
            }
            for (name, target) in DEVICE_LINKS {
                symlink(target, dev.join(name))?;
            }
            let (pts, shm) = (dev.join("pts"), dev.join("shm"));
            fs::create_dir(&pts)?;
            let options = c"newinstance,ptmxmode=0666,mode=620";
            let flags = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
            mount(Some(c"devpts"), &pts, Some(c"devpts"), flags, Some(options))?;
            fs::create_dir(&shm)?;
            tmpfs(&shm, "mode=1777")
        };
        make().map_err(at("preparing", &dev))
    }

    fn step(&self, step: &Step, source: Option<&OwnedFd>) -> Result<(), SandboxError> {
        let place = self.place(step.path());
        match (step, source, &self.covers) {
            (Step::Writable(path), Some(source), _) => {
                bind_here(source, &place).and_then(|()| self.open_for_writing(path, &place))
            }
            (Step::ReadOnly(_), Some(source), _) => {
                bind_here(source, &place).and_then(|()| make_read_only(&place))
            }
            (Step::HideFolder { passable: true, .. }, ..) => tmpfs(&place, "mode=111"),
            (Step::HideFolder { passable: false, .. }, _, Some(covers)) => {
                bind(&covers.unreadable_folder, &place)
            }
            (Step::HideFile(_), _, Some(covers)) => bind(&covers.unreadable_file, &place),
            (Step::Mask(mask), _, Some(covers)) => match mask.kind {
                MaskKind::Folder => bind(&covers.empty_folder, &place),
                MaskKind::File => bind(&covers.empty_file, &place),
            },
            // Sources and covers are prepared from the same list of steps.
            (
                Step::Writable(_)
                | Step::ReadOnly(_)
                | Step::HideFolder { .. }
                | Step::HideFile(_)
                | Step::Mask(_),
                ..,
            ) => Err(io::ErrorKind::NotFound.into()),
        }
        .map_err(at("mounting", step.path()))
    }

    /// Makes a bound path as writable as the host has it.
    fn open_for_writing(&self, path: &Path, place: &Path) -> io::Result<()> {
        let kind = fs::symlink_metadata(place)?.file_type();
        if kind.is_char_device() || kind.is_block_device() {
            return make_device(place);
        }
        let Some(host) = &self.host else {
            return make_plain(place);
        };
        for mounted in host.writable_within(path) {
            match make_writable(&mounted) {
                Ok(()) => {}
                // A mount below that is covered or out of reach stays read-only.
                Err(_) if mounted != path => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// A `/proc` that shows the namespace's own processes.
    fn proc(&self) -> Result<(), SandboxError> {
        let proc = self.place(Path::new("/proc"));
        let make = || -> io::Result<()> {
            fs::create_dir_all(&proc)?;
            let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
            if mount(Some(c"proc"), &proc, Some(c"proc"), flags, None::<&CStr>).is_err() {
                // Containers that mask parts of /proc forbid a new one. The old one stays, read-only; with a tree of
                // our own there is none.
                return if self.plan.base == Base::Empty { Ok(()) } else { make_read_only(&proc) };
            }
            for part in PROC_READ_ONLY.map(|name| proc.join(name)) {
                let Ok(source) = open_exact(&part) else { continue };
                bind(&source, &part)?;
                make_read_only(&part)?;
            }
            Ok(())
        };
        make().map_err(at("preparing", &proc))
    }

    /// Freezes our own folders and, with a new tree, makes it the root.
    fn finish(&self) -> Result<(), SandboxError> {
        for step in &self.plan.steps {
            if let Step::HideFolder { path, passable: true } = step {
                freeze(&self.place(path)).map_err(at("hiding", path))?;
            }
        }
        let dev = self.place(Path::new("/dev"));
        freeze(&dev).map_err(at("preparing", &dev))?;
        if self.plan.base != Base::Empty {
            return Ok(());
        }
        for link in &self.plan.links {
            let location = self.place(&link.location);
            if location.symlink_metadata().is_ok() {
                continue;
            }
            // A link whose folder is not part of the tree leads nowhere anyway.
            let _ = location
                .parent()
                .map_or(Ok(()), fs::create_dir_all)
                .and_then(|()| symlink(&link.target, &location));
        }
        let enter = || -> io::Result<()> {
            freeze(&self.root)?;
            chdir(&self.root)?;
            // The old root ends up on top of the new one at the same place, and is taken off.
            pivot_root(".", ".")?;
            umount2(".", MntFlags::MNT_DETACH)?;
            Ok(chdir("/")?)
        };
        enter().map_err(at("entering the new tree in", &self.root))
    }
}

/// An error together with what was being done where.
fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SandboxError {
    let text = format!("{action} `{}`", path.display());
    move |error| SandboxError::setup(text, error)
}

fn tmpfs(path: &Path, options: &str) -> io::Result<()> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    Ok(mount(Some(c"tmpfs"), path, Some(c"tmpfs"), flags, Some(options))?)
}

/// Binds what `source` refers to, with everything mounted below it, on `place`.
fn bind(source: &OwnedFd, place: &Path) -> io::Result<()> {
    let target = open_exact(place)?;
    let flags = MsFlags::MS_BIND | MsFlags::MS_REC;
    Ok(mount(Some(&fd_path(source)), &fd_path(&target), None::<&CStr>, flags, None::<&CStr>)?)
}

/// Binds a host path, making its mount point where the tree is our own and has none yet.
fn bind_here(source: &OwnedFd, place: &Path) -> io::Result<()> {
    if place.symlink_metadata().is_err() {
        if fs::metadata(fd_path(source))?.is_dir() {
            fs::create_dir_all(place)?;
        } else {
            place.parent().map_or(Ok(()), fs::create_dir_all)?;
            empty_file(place)?;
        }
    }
    bind(source, place)
}

fn bind_device(node: &OwnedFd, place: &Path) -> io::Result<()> {
    empty_file(place)?;
    bind(node, place)?;
    make_device(place)
}

fn empty_file(path: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).open(path).map(drop)
}

/// Makes a single mount of ours read-only, leaving those below it alone.
fn freeze(path: &Path) -> io::Result<()> {
    let flags =
        MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY | MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    Ok(mount(None::<&CStr>, path, None::<&CStr>, flags, None::<&CStr>)?)
}
