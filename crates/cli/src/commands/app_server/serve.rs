//! Serving one client on standard input and output until one of them is closed.

use std::time::Duration;

use quire_appserver::stdio::{self, End};
use quire_config::ConfigError;
use quire_protocol::SessionSource;

use crate::commands::{Outer, runtime};
use crate::exit::Exit;
use crate::startup::Startup;
use crate::voice::Voice;

/// How long running threads have to write themselves out.
const GRACE: Duration = Duration::from_secs(2);

/// Serves. A configuration that cannot be used does not keep the server from it, unless it is to be strict.
pub(super) fn stdio(outer: &Outer, strict: bool) -> Exit {
    let startup = match Startup::begin(Voice::Plain) {
        Ok(startup) => startup,
        Err(exit) => return exit,
    };
    let mut options = startup.options_with(&outer.overrides);
    options.strict = strict;
    // A broken file is for the client to see and repair; broken arguments are for whoever gave them.
    if let Err(error) = quire_config::load(options.clone())
        && (strict || comes_from_arguments(&error))
    {
        return Voice::Plain.config(&error);
    }
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => return Exit::error(format_args!("cannot start threads: {error}")),
    };
    let server = startup.app_server(options, SessionSource::vscode(), None);
    let ended = runtime.block_on(async {
        let input = tokio::io::BufReader::new(tokio::io::stdin());
        let ended = stdio::serve(&server, input, tokio::io::stdout()).await;
        server.shutdown(GRACE).await;
        ended
    });
    // A read of standard input cannot be called off; it ends with the process.
    runtime.shutdown_background();
    match ended {
        Ok(End::Input) => Exit::SUCCESS,
        Ok(End::Output) => Exit::PIPE_CLOSED,
        Err(error) => Exit::error(error),
    }
}

/// Whether an error is about the command line, not about a file.
fn comes_from_arguments(error: &ConfigError) -> bool {
    match error {
        ConfigError::UnknownFeature(_) | ConfigError::Override(_) | ConfigError::UnknownOverride { .. } => {
            true
        }
        ConfigError::Value { location, .. } => location.is_none(),
        _ => false,
    }
}
