//! `quire exec`: one task without a person.

use quire_appserver_protocol::initialize::ClientInfo;
use quire_exec::args::{ExecArgs, OverrideArgs};
use quire_exec::signals::Stop;
use quire_exec::{Finish, Host, Prepared};
use quire_protocol::{REFERENCE_VERSION, SessionSource};

use crate::commands::runtime;
use crate::exit::{Exit, say};
use crate::program::Program;
use crate::recording::Recording;
use crate::startup::Startup;
use crate::voice::Voice;

/// Name under which `exec` introduces itself.
const CLIENT: &str = "codex_exec";
/// File to record into, when the flag is not given.
const RECORD_VARIABLE: &str = "QUIRE_RECORD";

/// Runs the command.
pub(crate) fn run(args: ExecArgs, overrides: OverrideArgs) -> Exit {
    let startup = match Startup::begin(Voice::Exec) {
        Ok(startup) => startup,
        Err(exit) => return exit,
    };
    let client = ClientInfo { name: CLIENT.to_owned(), title: None, version: REFERENCE_VERSION.to_owned() };
    let host = Host::of_process(client, Program::title());
    let record = args
        .record
        .clone()
        .or_else(|| std::env::var_os(RECORD_VARIABLE).filter(|path| !path.is_empty()).map(Into::into));
    let prepared = match quire_exec::prepare(args, overrides, &host, startup.load_options()) {
        Ok(prepared) => prepared,
        Err(error) => {
            say(error);
            return Exit::FAILURE;
        }
    };
    let recording = match record.map(Recording::start).transpose() {
        Ok(recording) => recording,
        Err(error) => return Exit::error(error),
    };
    let exit = follow(&startup, prepared, recording.as_ref());
    match recording.map(Recording::finish) {
        Some(Err(error)) if exit == Exit::SUCCESS => Exit::error(error),
        _ => exit,
    }
}

fn follow(startup: &Startup, prepared: Prepared, recording: Option<&Recording>) -> Exit {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => return Exit::error(format_args!("cannot start threads: {error}")),
    };
    let server = startup.app_server(prepared.config, SessionSource::exec(), recording.map(Recording::inlet));
    let outcome = runtime.block_on(quire_exec::run(prepared.plan, server));
    // What still blocks now (a pipe nobody reads) ends with the process.
    runtime.shutdown_background();
    match outcome {
        Ok(report) => exit_of(report.finish),
        Err(error) => Exit::error(error),
    }
}

/// The exit of a run (exec sheet §7): Ctrl-C is a failed run, other signals are died from.
fn exit_of(finish: Finish) -> Exit {
    match finish {
        Finish::Completed => Exit::SUCCESS,
        Finish::Failed | Finish::Stopped(Stop::Interrupt) => Exit::FAILURE,
        Finish::Stopped(stop @ (Stop::Terminate | Stop::HangUp)) => Exit::Signal(stop.signal()),
        Finish::StdoutClosed => Exit::PIPE_CLOSED,
    }
}
