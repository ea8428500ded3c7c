//! The user's shell and the commands that go to it: which shell, what a script consists of, what it would do.
//!
//! Four questions are answered here. Which program runs a script ([`Shell`])? Which plain commands is a script made of
//! ([`script`])? Is a command known to be harmless, or dangerous ([`safety`])? What does a person see of it
//! ([`join`], [`actions`])? Everything is a pure function of its arguments except the two lookups in [`Shell`]'s module.
//!
//! What a newcomer gets wrong: nothing here makes a command safe. A script that is not understood is *opaque*, never
//! harmless, and what a command may really do is the sandbox's business.

pub mod actions;
pub mod intercept;
pub mod safety;
pub mod script;
pub mod terminal;

mod display;
mod kind;
mod tree;

pub use display::join;
pub use kind::{Shell, ShellKind, find_program, login_shell};
