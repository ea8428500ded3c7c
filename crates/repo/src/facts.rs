//! What git says of a directory, for the session's first line and for the header of each turn (git-files sheet §2).
//!
//! In: a directory. Out: facts, each of which may be missing. The calls of one group run side by side.
//!
//! A newcomer's trap: remote URLs can hold passwords. They leave this crate without them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use quire_protocol::GitFacts;
use serde::Serialize;

use crate::git::Git;
use crate::remote_url::without_credentials;
use crate::roots::git_root;

/// Facts for the header of a turn. Serialises in the header's key order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct WorkspaceFacts {
    /// Name of each remote, and where it is fetched from, without credentials.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub associated_remote_urls: BTreeMap<String, String>,
    /// `HEAD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latest_git_commit_hash: Option<String>,
    /// Whether anything differs from `HEAD`, new files included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_changes: Option<bool>,
}

/// Facts of the repository `cwd` is in. `None` outside of one, and without git.
pub async fn session_git_facts(cwd: &Path) -> Option<GitFacts> {
    session_facts_of(&Git::default(), cwd).await
}

/// Git root of `cwd` and the facts of its repository. `None` outside of one, without git, and when git knows nothing.
pub async fn workspace_facts(cwd: &Path) -> Option<(PathBuf, WorkspaceFacts)> {
    workspace_facts_of(&Git::default(), cwd).await
}

async fn session_facts_of(git: &Git, cwd: &Path) -> Option<GitFacts> {
    let (repository, commit_hash, branch, url) = tokio::join!(
        git.text(cwd, &["rev-parse", "--git-dir"]),
        git.text(cwd, &["rev-parse", "HEAD"]),
        git.text(cwd, &["rev-parse", "--abbrev-ref", "HEAD"]),
        git.text(cwd, &["remote", "get-url", "origin"]),
    );
    repository?;
    Some(GitFacts {
        commit_hash: commit_hash.filter(|hash| !hash.is_empty()),
        branch: branch.filter(|branch| !branch.is_empty() && branch != "HEAD"),
        repository_url: url.filter(|url| !url.is_empty()).map(|url| without_credentials(&url)),
    })
}

async fn workspace_facts_of(git: &Git, cwd: &Path) -> Option<(PathBuf, WorkspaceFacts)> {
    let root = git_root(cwd)?;
    let (hash, has_changes, remotes) = tokio::join!(
        git.text(cwd, &["rev-parse", "HEAD"]),
        git.prints(cwd, &["status", "--porcelain"]),
        git.text(cwd, &["remote", "-v"]),
    );
    if hash.is_none() && has_changes.is_none() && remotes.is_none() {
        return None;
    }
    let facts = WorkspaceFacts {
        associated_remote_urls: fetch_urls(&remotes.unwrap_or_default()),
        latest_git_commit_hash: hash.filter(|hash| !hash.is_empty()),
        has_changes,
    };
    Some((root, facts))
}

/// Reads `git remote -v`: `name<TAB>url (fetch)`, with notes of a partial clone behind that.
fn fetch_urls(listing: &str) -> BTreeMap<String, String> {
    listing
        .lines()
        .filter_map(|line| {
            let (name, rest) = line.split_once('\t')?;
            let (url, _) = rest.rsplit_once(" (fetch)")?;
            Some((name.to_owned(), without_credentials(url)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn only_fetch_urls_are_taken() {
        let listing = "origin\thttps://u:p@git.example/x.git (fetch)\norigin\thttps://git.example/push (push)\n\
                       partial\t/srv/a (fetch)/b (fetch) [blob:none]\njunk\n";
        let urls = fetch_urls(listing);
        let urls: Vec<_> = urls.iter().map(|(name, url)| (name.as_str(), url.as_str())).collect();
        assert_eq!(urls, [("origin", "https://git.example/x.git"), ("partial", "/srv/a (fetch)/b")]);
    }

    #[tokio::test]
    async fn without_git_nothing_is_known() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join(".git")).unwrap();
        let git = Git::of(directory.path().join("missing"), Duration::from_mins(1));
        assert_eq!(session_facts_of(&git, directory.path()).await, None);
        assert_eq!(workspace_facts_of(&git, directory.path()).await, None);
    }
}
