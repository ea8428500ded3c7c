//! `exec`: one turn without a person, for scripts, pipes and SDKs.
//!
//! In come arguments, standard input and a configuration; out go a transcript on standard error and the answer on
//! standard output, or JSON lines. [`prepare`] decides everything that can be decided without a thread, [`run()`] talks
//! to the app server, and two pure projections ([`human`], [`jsonl`]) turn notifications into text.
//! A newcomer's trap: in `--json` mode standard output holds JSON lines and nothing else, ever.

pub mod args;
pub mod human;
pub mod jsonl;
pub mod output;
mod prepare;
pub mod prompt;
mod run;
pub mod signals;
mod view;

pub use prepare::{Host, PrepareError, Prepared, prepare};
pub use run::{Finish, HumanStyle, Plan, Report, RunError, Style, Target, Which, run};
