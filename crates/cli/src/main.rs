//! The `quire` binary: argv to everything else.
//!
//! `main` is the whole map: children call us by other names ([`multicall`]), people by commands ([`root`], one file per
//! command below `commands/`). A newcomer's trap: nothing may happen before [`multicall::dispatch`]: the sandbox helper
//! needs a process that has one thread and no open files of ours.

mod arg0;
mod commands;
mod exit;
mod file_helper;
mod logging;
mod multicall;
mod program;
mod recording;
mod refusals;
mod root;
mod startup;
mod voice;

use std::process::ExitCode;

fn main() -> ExitCode {
    let argv: Vec<_> = std::env::args_os().collect();
    if let Some(code) = multicall::dispatch(&argv) {
        return code;
    }
    root::run(argv).leave()
}
