//! `git.environment`: the git program and the repository around the working folder.

use std::ffi::OsStr;
use std::path::Path;

use crate::access::read_bounded;
use crate::context::{Check, Context, Run};
use crate::program;
use crate::report::{Details, Issue, Outcome};

pub(crate) const CHECK: Check =
    Check { id: "git.environment", category: "git", label: "git", run: Run::Always(run) };

fn run(context: &Context<'_>) -> Outcome {
    let found = program::find_all(context.host, "git");
    let mut details = Details::default();
    let Some(git) = found.first() else {
        details.add("selected git", "not found");
        details.add("PATH git entries", 0);
        add_repository(context, &mut details, None);
        return Outcome::ok("git is not on PATH; work continues without git facts")
            .headline("not found")
            .with(details);
    };
    let ask = |arguments: &[&str]| program::output(context, git, arguments);
    let version = ask(&["--version"]);
    details.add_path("selected git", git);
    details.add_some("git version", version.as_ref().ok());
    if version.is_ok() {
        details.add_some("git exec path", ask(&["--exec-path"]).ok());
        let options = ask(&["version", "--build-options"]).ok();
        details
            .add_some("git build options", options.map(|text| text.lines().collect::<Vec<_>>().join("; ")));
    }
    add_repository(context, &mut details, version.is_ok().then_some(git.as_path()));
    details.add("PATH git entries", found.len());
    for (index, path) in found.iter().enumerate() {
        details.add(format!("PATH git #{}", index + 1), path.display());
    }
    match version {
        Ok(version) => Outcome::ok(version.clone()).headline(version).with(details),
        Err(error) => Outcome::ok("git was found but does not run").with(details).issues(vec![
            Issue::warning(
                "the first git on PATH tells no version",
                format!("Repair {}, or put a working git before it on PATH.", git.display()),
            )
            .measured(error.to_string(), "`git --version` succeeds")
            .about(&["git version", "selected git"]),
        ]),
    }
}

fn add_repository(context: &Context<'_>, details: &mut Details, git: Option<&Path>) {
    let root = quire_repo::git_root(&context.host.cwd);
    details.add("repo detected", root.is_some());
    let Some(root) = root else { return };
    details.add_path("repo root", &root);
    details.add(".git entry", entry(&root.join(".git")));
    let Some(git) = git else { return };
    let folder = root.as_os_str();
    // A repository is foreign code: the file monitor it names is not started.
    let ask = |arguments: &[&str]| {
        let begin = ["-c".as_ref(), "core.fsmonitor=false".as_ref(), "-C".as_ref(), folder];
        let arguments = begin.into_iter().chain(arguments.iter().map(AsRef::as_ref));
        program::output(context, git, arguments).ok().filter(|answer| !answer.is_empty())
    };
    let branch = ask(&["rev-parse", "--abbrev-ref", "HEAD"]);
    details.add_some(
        "git branch",
        branch.map(|name| if name == "HEAD" { "detached HEAD".into() } else { name }),
    );
    // With the switch from above in force, git would tell the switch.
    let monitor: [&OsStr; 5] =
        ["-C".as_ref(), folder, "config".as_ref(), "--get".as_ref(), "core.fsmonitor".as_ref()];
    details.add_some("core.fsmonitor", program::output(context, git, monitor).ok());
}

/// What `.git` is; of a file, where it points.
fn entry(path: &Path) -> String {
    if path.is_dir() {
        return "directory".to_owned();
    }
    let target = linked_folder(path);
    target.map_or_else(|| "file".to_owned(), |target| format!("file -> {target}"))
}

/// The folder a `.git` file names. Only its beginning is read.
fn linked_folder(path: &Path) -> Option<String> {
    const MAX: u64 = 16 * 1024;
    let bytes = read_bounded(path, MAX).ok()?;
    let text = std::str::from_utf8(&bytes).ok()?;
    Some(text.strip_prefix("gitdir:")?.trim().to_owned())
}
