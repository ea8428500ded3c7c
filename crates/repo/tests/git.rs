//! Roots and facts of real repositories.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Helpers of tests fail by panicking.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use quire_protocol::GitFacts;
use quire_repo::{
    WorkspaceFacts, git_root, main_worktree_root, project_root, session_git_facts, workspace_facts,
};
use tempfile::TempDir;

/// Directories with canonical paths, removed in the end.
struct Sandbox {
    _directory: TempDir,
    path: PathBuf,
}

impl Sandbox {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().canonicalize().unwrap();
        Self { _directory: directory, path }
    }

    fn dir(&self, name: &str) -> PathBuf {
        let path = self.path.join(name);
        fs::create_dir_all(&path).unwrap();
        path
    }

    fn repo(&self, name: &str) -> PathBuf {
        let path = self.dir(name);
        git(&path, &["init", "-q", "-b", "main"]);
        path
    }

    fn committed(&self, name: &str) -> PathBuf {
        let path = self.repo(name);
        fs::write(path.join("a.txt"), "a\n").unwrap();
        git(&path, &["add", "."]);
        git(&path, &["commit", "-q", "-m", "first"]);
        path
    }
}

fn git(cwd: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=n", "-c", "user.email=e@example.invalid", "-c", "protocol.file.allow=always"])
        .args(arguments)
        .current_dir(cwd)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn head(repo: &Path) -> String {
    git(repo, &["rev-parse", "HEAD"])
}

async fn header(cwd: &Path) -> (PathBuf, String) {
    let (root, facts) = workspace_facts(cwd).await.unwrap();
    (root, serde_json::to_string(&facts).unwrap())
}

async fn meta(cwd: &Path) -> String {
    serde_json::to_string(&session_git_facts(cwd).await.unwrap()).unwrap()
}

#[tokio::test]
async fn outside_of_a_repository_nothing_is_known() {
    let sandbox = Sandbox::new();
    let cwd = sandbox.dir("plain");
    // A `.git` that git does not believe in, so that no repository above counts.
    fs::write(cwd.join(".git"), "junk").unwrap();
    assert_eq!(session_git_facts(&cwd).await, None);
    assert_eq!(workspace_facts(&cwd).await, None);
}

#[tokio::test]
async fn a_repository_without_commits() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("new");
    assert_eq!(meta(&repo).await, "{}");
    assert_eq!(header(&repo).await, (repo, r#"{"has_changes":false}"#.to_owned()));
}

#[tokio::test]
async fn commits_without_a_remote() {
    let sandbox = Sandbox::new();
    let repo = sandbox.committed("repo");
    let hash = head(&repo);
    assert_eq!(meta(&repo).await, format!(r#"{{"commit_hash":"{hash}","branch":"main"}}"#));
    let expected = format!(r#"{{"latest_git_commit_hash":"{hash}","has_changes":false}}"#);
    assert_eq!(header(&repo).await, (repo.clone(), expected));
    // A new file is a change. Seen from a folder below, the root is still the root.
    let below = sandbox.dir("repo/deep/er");
    fs::write(below.join("new.txt"), "n").unwrap();
    let expected = format!(r#"{{"latest_git_commit_hash":"{hash}","has_changes":true}}"#);
    assert_eq!(header(&below).await, (repo, expected));
}

#[tokio::test]
async fn remotes_lose_their_credentials() {
    let sandbox = Sandbox::new();
    let repo = sandbox.committed("repo");
    let hash = head(&repo);
    git(&repo, &["remote", "add", "upstream", "https://token@git.example/up.git"]);
    git(&repo, &["remote", "add", "origin", "https://user:secret@git.example/x.git"]);
    assert_eq!(
        session_git_facts(&repo).await,
        Some(GitFacts {
            commit_hash: Some(hash.clone()),
            branch: Some("main".to_owned()),
            repository_url: Some("https://git.example/x.git".to_owned())
        })
    );
    assert_eq!(
        header(&repo).await.1,
        format!(
            r#"{{"associated_remote_urls":{{"origin":"https://git.example/x.git","upstream":"https://git.example/up.git"}},"latest_git_commit_hash":"{hash}","has_changes":false}}"#
        )
    );
}

#[tokio::test]
async fn a_detached_head_has_no_branch() {
    let sandbox = Sandbox::new();
    let repo = sandbox.committed("repo");
    git(&repo, &["checkout", "-q", "--detach"]);
    let facts = session_git_facts(&repo).await.unwrap();
    assert_eq!((facts.branch, facts.commit_hash), (None, Some(head(&repo))));
}

#[tokio::test]
async fn a_linked_work_tree_has_facts_of_its_own() {
    let sandbox = Sandbox::new();
    let repo = sandbox.committed("repo");
    let linked = sandbox.path.join("linked");
    git(&repo, &["worktree", "add", "-q", "-b", "side", linked.to_str().unwrap()]);
    assert_eq!(session_git_facts(&linked).await.unwrap().branch.as_deref(), Some("side"));
    let expected = WorkspaceFacts {
        latest_git_commit_hash: Some(head(&repo)),
        has_changes: Some(false),
        ..Default::default()
    };
    assert_eq!(workspace_facts(&linked).await, Some((linked, expected)));
}

#[test]
fn roots_are_the_nearest() {
    let sandbox = Sandbox::new();
    let repo = sandbox.repo("repo");
    let nested = sandbox.repo("repo/vendor/nested");
    let deep = sandbox.dir("repo/vendor/nested/src/deep");
    assert_eq!(git_root(&deep), Some(nested.clone()));
    assert_eq!(git_root(&sandbox.dir("repo/src")), Some(repo.clone()));
    // Whatever lies above the temporary directory, it is not one of these.
    assert!(git_root(&sandbox.dir("elsewhere")).is_none_or(|root| !root.starts_with(&sandbox.path)));
    assert_eq!(main_worktree_root(&deep), Some(nested.clone()));
    let markers = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(project_root(&deep, &markers(&[".git"])), nested);
    fs::write(repo.join("WORKSPACE"), "").unwrap();
    assert_eq!(project_root(&deep, &markers(&["WORKSPACE"])), repo);
    assert_eq!(project_root(&deep, &markers(&["WORKSPACE", ".git"])), nested);
    for none in [&[][..], &["", "absent"], &[""]] {
        assert_eq!(project_root(&deep, &markers(none)), deep, "{none:?}");
    }
}

#[test]
fn a_linked_work_tree_shares_the_main_root() {
    let sandbox = Sandbox::new();
    let repo = sandbox.committed("repo");
    for (name, option) in [("linked", "--no-relative-paths"), ("relative", "--relative-paths")] {
        let linked = sandbox.path.join(name);
        let added = Command::new("git")
            .args(["worktree", "add", "-q", "-b", name, option, linked.to_str().unwrap()])
            .current_dir(&repo)
            .stderr(Stdio::null())
            .status()
            .unwrap();
        if !added.success() {
            // A git that knows only absolute links.
            git(&repo, &["worktree", "add", "-q", "-b", name, linked.to_str().unwrap()]);
        }
        fs::create_dir_all(linked.join("src")).unwrap();
        assert_eq!(git_root(&linked.join("src")), Some(linked.clone()), "{name}");
        assert_eq!(main_worktree_root(&linked.join("src")), Some(repo.clone()), "{name}");
    }
}

#[test]
fn a_submodule_stands_for_itself() {
    let sandbox = Sandbox::new();
    let library = sandbox.committed("library");
    let repo = sandbox.committed("repo");
    git(&repo, &["submodule", "add", "-q", library.to_str().unwrap(), "sub"]);
    assert!(repo.join("sub/.git").is_file());
    assert_eq!(main_worktree_root(&repo.join("sub")), Some(repo.join("sub")));
}

#[test]
fn a_work_tree_of_a_bare_repository_stands_for_itself() {
    let sandbox = Sandbox::new();
    let repo = sandbox.committed("repo");
    let bare = sandbox.path.join("bare.git");
    git(&repo, &["clone", "-q", "--bare", repo.to_str().unwrap(), bare.to_str().unwrap()]);
    let linked = sandbox.path.join("linked");
    git(&bare, &["worktree", "add", "-q", linked.to_str().unwrap()]);
    assert_eq!(main_worktree_root(&linked), Some(linked));
}

#[cfg(unix)]
#[test]
fn trust_cannot_be_borrowed() {
    let sandbox = Sandbox::new();
    let repo = sandbox.committed("repo");
    let linked = sandbox.path.join("linked");
    git(&repo, &["worktree", "add", "-q", "-b", "side", linked.to_str().unwrap()]);
    let private = repo.join(".git/worktrees/linked");
    let own_root = |name: &str| {
        let thief = sandbox.path.join(name);
        assert_eq!(main_worktree_root(&thief), Some(thief.clone()), "{name}");
    };

    // A copy of a true link, at another place.
    fs::copy(linked.join(".git"), sandbox.dir("copied").join(".git")).unwrap();
    own_root("copied");
    // A link to the repository itself.
    fs::write(sandbox.dir("direct").join(".git"), format!("gitdir: {}", repo.join(".git").display()))
        .unwrap();
    own_root("direct");
    // A symbolic link to a true link, and to the repository.
    std::os::unix::fs::symlink(linked.join(".git"), sandbox.dir("symbolic").join(".git")).unwrap();
    own_root("symbolic");
    std::os::unix::fs::symlink(repo.join(".git"), sandbox.dir("whole").join(".git")).unwrap();
    own_root("whole");
    // A forged repository part that points back here, and up to the true repository.
    let forged = sandbox.dir("forged/part/worktrees/x");
    fs::write(forged.join("gitdir"), sandbox.path.join("forged/.git").display().to_string()).unwrap();
    fs::write(forged.join("commondir"), repo.join(".git").display().to_string()).unwrap();
    fs::write(sandbox.path.join("forged/.git"), format!("gitdir: {}", forged.display())).unwrap();
    own_root("forged");
    // The same behind a symbolic link in place of the true repository's part.
    fs::write(sandbox.dir("through").join(".git"), "gitdir: part").unwrap();
    std::os::unix::fs::symlink(&private, sandbox.path.join("through/part")).unwrap();
    own_root("through");
    // Junk.
    for (number, junk) in ["", "gitdir:", "gitdir: /nowhere", "\0"].into_iter().enumerate() {
        let name = format!("junk{number}");
        fs::write(sandbox.dir(&name).join(".git"), junk).unwrap();
        own_root(&name);
    }
    // A work tree that was moved by hand is no longer acknowledged, until git repairs it.
    let moved = sandbox.path.join("moved");
    fs::rename(&linked, &moved).unwrap();
    own_root("moved");
    git(&moved, &["worktree", "repair"]);
    assert_eq!(main_worktree_root(&moved), Some(repo));
}
