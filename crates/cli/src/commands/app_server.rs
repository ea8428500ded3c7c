//! `quire app-server`: the doorway for other processes, over standard input and output.

use std::time::Duration;

use clap::Args;
use quire_appserver::stdio::{self, End};
use quire_config::ConfigError;
use quire_exec::args::OverrideArgs;
use quire_protocol::SessionSource;

use crate::commands::runtime;
use crate::exit::{Exit, say};
use crate::startup::Startup;

/// How long running threads have to write themselves out.
const GRACE: Duration = Duration::from_secs(2);

/// Arguments of the command.
#[derive(Debug, Args)]
pub(crate) struct AppServerArgs {
    /// Refuse configuration with unknown keys.
    #[arg(long)]
    strict_config: bool,
}

/// Runs the command.
pub(crate) fn run(args: AppServerArgs, overrides: OverrideArgs) -> Exit {
    let startup = match Startup::begin() {
        Ok(startup) => startup,
        Err(exit) => return exit,
    };
    let mut options = startup.load_options();
    options.cli_overrides = overrides.config;
    options.enable = overrides.enable;
    options.disable = overrides.disable;
    options.strict = args.strict_config;
    // A broken file is for the client to see and repair; broken arguments are for whoever gave them.
    if let Err(error) = quire_config::load(options.clone())
        && (options.strict || comes_from_arguments(&error))
    {
        say(error);
        return Exit::FAILURE;
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
