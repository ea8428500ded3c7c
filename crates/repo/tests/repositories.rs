//! Real repositories and instruction files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::process::Command;

use quire_repo::{
    DiscoverOptions, discover, git_root, main_worktree_root, project_root, session_git_facts, workspace_facts,
};
use tempfile::TempDir;

fn git(dir: &Path, args: &[&str]) {
    let status = Command::new("git")
        .args(["-c", "user.name=n", "-c", "user.email=e@x", "-c", "init.defaultBranch=main"])
        .args(args)
        .current_dir(dir)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stderr));
}

/// A repository with one commit.
fn repository() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap().join("repo");
    std::fs::create_dir_all(root.join("sub/deep")).unwrap();
    git(&root, &["init", "-q"]);
    std::fs::write(root.join("a.txt"), "a\n").unwrap();
    git(&root, &["add", "."]);
    git(&root, &["commit", "-qm", "one"]);
    (dir, root)
}

#[tokio::test]
async fn facts_of_a_repository() {
    let (_dir, root) = repository();
    git(&root, &["remote", "add", "origin", "https://u:secret@git.example/x.git"]);
    let stored = session_git_facts(&root.join("sub")).await.unwrap();
    assert_eq!(stored.branch.as_deref(), Some("main"));
    assert_eq!(stored.commit_hash.as_ref().unwrap().len(), 40);
    assert_eq!(stored.repository_url.as_deref(), Some("https://git.example/x.git"));
    let (shown_root, facts) = workspace_facts(&root.join("sub")).await.unwrap();
    assert_eq!(shown_root, root);
    assert_eq!(facts.has_changes, Some(false));
    let json = serde_json::to_string(&facts).unwrap();
    assert!(
        json.starts_with(r#"{"associated_remote_urls":{"origin":"https://git.example/x.git"},"latest_git"#),
        "{json}"
    );
    std::fs::write(root.join("new.txt"), "").unwrap();
    assert_eq!(workspace_facts(&root).await.unwrap().1.has_changes, Some(true));
    git(&root, &["checkout", "-q", "--detach"]);
    assert_eq!(session_git_facts(&root).await.unwrap().branch, None);
}

#[tokio::test]
async fn a_repository_without_commits_has_few_facts_and_no_repository_none() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(session_git_facts(dir.path()).await, None);
    assert_eq!(workspace_facts(dir.path()).await, None);
    git(dir.path(), &["init", "-q"]);
    let stored = session_git_facts(dir.path()).await.unwrap();
    assert_eq!(serde_json::to_string(&stored).unwrap(), "{}");
    let (_, facts) = workspace_facts(dir.path()).await.unwrap();
    assert_eq!(serde_json::to_string(&facts).unwrap(), r#"{"has_changes":false}"#);
}

#[test]
fn roots() {
    let (_dir, root) = repository();
    let deep = root.join("sub/deep");
    assert_eq!(git_root(&deep), Some(root.clone()));
    assert_eq!(project_root(&deep, &[".git".into()]), root);
    assert_eq!(project_root(&deep, &[]), deep);
    std::fs::write(root.join("sub/marker"), "").unwrap();
    assert_eq!(project_root(&deep, &["marker".into()]), root.join("sub"));
}

#[test]
fn a_linked_work_tree_leads_to_its_main_one_but_a_forged_file_does_not() {
    let (dir, root) = repository();
    let linked = dir.path().canonicalize().unwrap().join("linked");
    git(&root, &["worktree", "add", "-q", linked.to_str().unwrap()]);
    assert_eq!(main_worktree_root(&linked), Some(root.clone()));
    assert_eq!(main_worktree_root(&root.join("sub")), Some(root.clone()));
    let forged = dir.path().canonicalize().unwrap().join("forged");
    std::fs::create_dir(&forged).unwrap();
    std::fs::copy(linked.join(".git"), forged.join(".git")).unwrap();
    assert_eq!(main_worktree_root(&forged), Some(forged.clone()));
    std::fs::write(forged.join(".git"), format!("gitdir: {}/.git\n", root.display())).unwrap();
    assert_eq!(main_worktree_root(&forged), Some(forged));
}

struct Docs {
    dir: TempDir,
    options: DiscoverOptions,
}

impl Docs {
    /// Files by path relative to a folder that holds `home` and the repository `w`; the working folder is `w/sub`.
    fn new(files: &[(&str, &[u8])]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let at = |path: &str| dir.path().join(path);
        for folder in ["home", "w/.git", "w/sub"] {
            std::fs::create_dir_all(at(folder)).unwrap();
        }
        for (path, content) in files {
            std::fs::write(at(path), content).unwrap();
        }
        let options = DiscoverOptions {
            home: at("home"),
            cwd: at("w/sub"),
            markers: vec![".git".into()],
            max_bytes: 32_768,
            fallback_names: vec![],
        };
        Self { dir, options }
    }

    fn text(&self) -> Option<String> {
        discover(&self.options).text
    }
}

#[test]
fn global_and_project_files_are_joined() {
    let docs = Docs::new(&[
        ("home/AGENTS.md", b" global \n"),
        ("w/AGENTS.md", b"root\n"),
        ("w/sub/AGENTS.md", b"sub\n"),
    ]);
    assert_eq!(docs.text().unwrap(), "global\n\n--- project-doc ---\n\nroot\n\n\nsub\n");
    assert_eq!(discover(&docs.options).sources.len(), 3);
    assert!(docs.dir.path().is_dir());
}

#[test]
fn overrides_win_and_a_blank_one_hides() {
    let docs = Docs::new(&[
        ("home/AGENTS.override.md", b"over"),
        ("home/AGENTS.md", b"plain"),
        ("w/AGENTS.override.md", b"  \n"),
        ("w/AGENTS.md", b"hidden"),
    ]);
    assert_eq!(docs.text().unwrap(), "over");
    let docs = Docs::new(&[("home/AGENTS.override.md", b" \n"), ("home/AGENTS.md", b"plain")]);
    assert_eq!(docs.text().unwrap(), "plain");
}

#[test]
fn the_budget_cuts_and_zero_disables() {
    let mut docs = Docs::new(&[("w/AGENTS.md", b"123456"), ("w/sub/AGENTS.md", b"abcdef")]);
    docs.options.max_bytes = 9;
    assert_eq!(docs.text().unwrap(), "123456\n\nabc");
    docs.options.max_bytes = 0;
    assert_eq!(docs.text(), None);
}

#[test]
fn fallback_names_folders_and_broken_text() {
    let mut docs = Docs::new(&[("w/CLAUDE.md", b"fallback"), ("w/sub/AGENTS.md", b"a\xffb")]);
    docs.options.fallback_names = vec!["CLAUDE.md".into()];
    std::fs::create_dir(docs.dir.path().join("w/AGENTS.override.md")).unwrap();
    assert_eq!(docs.text().unwrap(), "fallback\n\na\u{fffd}b");
    docs.options.markers = vec![];
    assert_eq!(docs.text().unwrap(), "a\u{fffd}b");
}
