//! The sandbox helper and the things a confined command may try, as one executable.
//!
//! Called as `codex-linux-sandbox` it is the helper. Otherwise its first argument says what to do:
//!
//! - `actions NAME…` tries each named action once, in order, and prints `NAME RESULT` (`OK` or the name of the errno);
//! - `without-namespaces CMD…` runs CMD where no further user namespace can be made;
//! - `signals` waits for one of the forwarded signals and exits with its number;
//! - `sleep` says it is ready and sleeps until a signal ends it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Helpers of tests fail by panicking.

#[cfg(target_os = "linux")]
mod files;
#[cfg(target_os = "linux")]
mod network;
#[cfg(target_os = "linux")]
mod processes;

use std::process::ExitCode;

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    quire_sandbox::helper_main(std::env::args_os().skip(1))
}

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    let mut args = std::env::args_os();
    let name = args.next().unwrap_or_default();
    if name == quire_sandbox::HELPER_ARG0 {
        return quire_sandbox::helper_main(args);
    }
    let args: Vec<String> = args.map(|arg| arg.into_string().unwrap()).collect();
    match args.split_first() {
        Some((verb, names)) if verb == "actions" => {
            for name in names {
                println!("{name} {}", attempt::run(name));
            }
            ExitCode::SUCCESS
        }
        Some((verb, command)) if verb == "without-namespaces" => processes::without_namespaces(command),
        Some((verb, [])) if verb == "signals" => processes::wait_for_signal(),
        Some((verb, [])) if verb == "sleep" => {
            println!("ready");
            loop {
                std::thread::park();
            }
        }
        _ => ExitCode::from(2),
    }
}

/// Trying an action and naming what came of it.
#[cfg(target_os = "linux")]
mod attempt {
    use nix::errno::Errno;
    use std::path::PathBuf;

    /// What an action returns.
    pub(crate) type Attempt = Result<(), Errno>;

    pub(crate) fn run(name: &str) -> String {
        let known = [super::files::run, super::processes::run, super::network::run];
        match known.iter().find_map(|run| run(name)) {
            Some(Ok(())) => "OK".into(),
            Some(Err(errno)) => format!("{errno:?}"),
            None => "UNKNOWN".into(),
        }
    }

    /// A path below a folder that the test passed by variable.
    pub(crate) fn below(variable: &str, name: &str) -> PathBuf {
        PathBuf::from(std::env::var_os(variable).unwrap()).join(name)
    }

    pub(crate) fn number(variable: &str) -> i32 {
        std::env::var(variable).unwrap().parse().unwrap()
    }

    /// The errno of a standard library error.
    pub(crate) fn io<T>(result: std::io::Result<T>) -> Attempt {
        result.map(drop).map_err(|error| Errno::from_raw(error.raw_os_error().unwrap()))
    }

    /// The errno of a C call that returns -1.
    pub(crate) fn call(result: impl TryInto<i64>) -> Attempt {
        if result.try_into().is_ok_and(|value| value == -1) { Err(Errno::last()) } else { Ok(()) }
    }
}
