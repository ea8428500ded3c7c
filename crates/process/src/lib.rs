//! Child processes for an agent: pipes and terminals, sessions that outlive a call, output that stays bounded.
//!
//! In comes a complete [`SpawnRequest`] (program, arguments, environment; nothing is inherited), out go bytes, an exit
//! code and, on demand, more bytes. Nothing here knows of shells or models; of the sandbox only what its helper is called.
//!
//! A newcomer's trap: a process can be over while its output is not. A background child that still holds the pipe
//! neither delays an answer nor makes output that was written before the exit get lost.

mod buffer;
mod once;
mod process_tree;
mod session;
mod spawn;
mod store;
mod utf8;

pub use once::{Completed, Exit, run_once};
pub use process_tree::ask_group_to_end;
pub use session::{Collected, Session};
pub use spawn::{SpawnError, SpawnRequest};
pub use store::{MAX_SESSIONS, SessionStore};
