//! Names and first arguments under which children start us (CLI sheet §9).
//!
//! Decided before anything else happens in the process: no runtime, no configuration, no helper folder.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use quire_patch::PathBase;

use crate::arg0::{APPLY_PATCH, EXECVE_WRAPPER};
use crate::exit::say;
use crate::file_helper;

/// First argument that makes us the patch program under any name.
const RUN_AS_APPLY_PATCH: &str = "--codex-run-as-apply-patch";

/// First argument that makes us the file helper under any name.
const RUN_AS_FILE_HELPER: &str = "--codex-run-as-fs-helper";

/// Runs as what the name says; `None` when we are the ordinary program.
pub(crate) fn dispatch(argv: &[OsString]) -> Option<ExitCode> {
    let (argv0, args) = argv.split_first()?;
    let name = Path::new(argv0).file_name()?.to_str().unwrap_or_default();
    if APPLY_PATCH.contains(&name) {
        return Some(apply_patch(args));
    }
    if name == quire_sandbox::HELPER_ARG0 {
        return Some(quire_sandbox::helper_main(args.iter().cloned()));
    }
    if name == EXECVE_WRAPPER {
        // Nothing sets up the socket it would talk to, so it fails like the reference's without one: silently.
        return Some(ExitCode::FAILURE);
    }
    match args.split_first() {
        Some((first, rest)) if first == RUN_AS_APPLY_PATCH => {
            let (mut out, mut err) = (io::stdout(), io::stderr());
            let Some(base) = path_base() else { return Some(ExitCode::FAILURE) };
            Some(quire_patch::cli::run_as_flag(rest.iter().cloned(), &mut out, &mut err, &base).into())
        }
        Some((first, _)) if first == RUN_AS_FILE_HELPER => {
            Some(file_helper::run(io::stdin().lock(), &mut io::stdout().lock()))
        }
        Some((first, _)) if first == quire_patch::cli::STDIN_FLAG => Some(apply_patch(&[])),
        Some((first, _)) if first == quire_engine::PRINT_ENVIRONMENT_FLAG => Some(
            quire_engine::print_environment(&mut io::stdout().lock())
                .map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS),
        ),
        _ => None,
    }
}

fn apply_patch(args: &[OsString]) -> ExitCode {
    let (mut input, mut out, mut err) = (io::stdin(), io::stdout(), io::stderr());
    let Some(base) = path_base() else { return ExitCode::FAILURE };
    quire_patch::cli::run(args.iter().cloned(), &mut input, &mut out, &mut err, &base).into()
}

/// What paths in a patch refer to; `None`, with a line, when there is no working folder.
fn path_base() -> Option<PathBase> {
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty()).map(Into::into);
    std::env::current_dir()
        .map(|cwd| PathBase { cwd, home })
        .map_err(|error| say(format_args!("Error: the working folder cannot be used: {error}")))
        .ok()
}
