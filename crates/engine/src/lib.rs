//! The agent: threads, turns, context, tools.
//!
//! In comes an [`Op`](quire_protocol::Op), out go [`Event`](quire_protocol::Event)s; between them one actor per thread
//! owns the history, the rollout writer and the running processes, so nothing here is shared under a lock across an
//! await. The story of one turn is in `turn.rs`.
//! A newcomer's trap: an item is *recorded* (on disk) before it is *announced* (an event). Never swap the two.

mod agents;
mod approvals;
mod birth;
mod context;
mod engine;
mod goals;
mod history;
mod identity;
mod images;
mod login_env;
mod outputs;
mod preview;
mod prompts;
mod provider;
mod runtime;
mod sampling;
mod settings;
mod thread;
mod tools;
mod truncate;
mod turn;
mod turn_diff;
mod watches;

pub use engine::{Engine, EngineError, EngineOptions, NewThread, ResumeTarget, StartedThread, ThreadInfo};
pub use identity::ClientInfo;
pub use login_env::{PRINT_ENVIRONMENT_FLAG, print_environment};
pub use preview::with_instructions;
pub use quire_store::{Clock, SystemClock};
pub use runtime::{IdSource, RandomIds};
pub use thread::{ThreadClosed, ThreadHandle};
