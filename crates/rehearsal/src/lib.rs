//! A scripted model server: it plays one prepared answer per model request and remembers what it was asked.
//!
//! In comes a [`Script`] (JSON or TOML, see `docs/rehearsal.md`), out goes an HTTP server on the loopback
//! interface that speaks the Responses protocol over server-sent events, the list of [`RecordedRequest`]s it
//! received, and every expectation of the script that was not met. Tests, the demo, the differential suite and
//! the benchmarks all use this one server. [`Recorder`] goes the other way: it writes down what a real provider
//! answered, as a script that plays back the same.
//!
//! What surprises newcomers: a turn of a script is one model *request*, not one turn of the conversation.
//! Request number k gets turn number k; nothing is matched by content.

mod expect;
mod parse;
mod record;
mod request;
mod script;
mod server;
mod short;
mod sse;
mod variables;

pub use expect::{Capture, Expectation, Subject, Test};
pub use record::{RecordError, RecordedExchange, Recorder};
pub use request::RecordedRequest;
pub use script::{AfterLast, Cut, Delivery, Reply, Route, Script, ScriptError, Step, Turn, Usage};
pub use server::{Failure, Options, Outcome, Rehearsal, RehearsalError};
pub use variables::Variables;
