//! What surrounds a working folder: its project root, its repository, its instruction files.
//!
//! In come paths, out go facts. Roots are found without running git; facts about commits and changes come from the git
//! program, each question with a time limit. [`discover`] blocks: call it from `spawn_blocking`.
//! A newcomer's trap: a `.git` *file* is a claim, not a fact. A folder counts as a linked work tree of a repository
//! only when that repository knows it back.

mod facts;
mod git;
mod instructions;
mod remote_url;
mod roots;

pub use facts::{WorkspaceFacts, session_git_facts, workspace_facts};
pub use instructions::{DiscoverOptions, Instructions, discover};
pub use remote_url::without_credentials;
pub use roots::{git_root, main_worktree_root, project_root};
