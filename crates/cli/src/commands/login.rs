//! `quire login`: credentials for the model provider (CLI sheet §5; everything it says goes to standard error).

use clap::{Args, Subcommand};

use super::Outer;
use crate::exit::{Exit, say};

/// Arguments of `login`.
#[derive(Debug, Args)]
pub(crate) struct LoginArgs {
    /// Read an API key from standard input and store it.
    #[arg(long)]
    pub(crate) with_api_key: bool,
    /// Read an access token from standard input and store it.
    #[arg(long)]
    pub(crate) with_access_token: bool,
    /// Refused: a key on a command line can be seen by every process.
    #[arg(long, value_name = "API_KEY", num_args = 0..=1, default_missing_value = "", hide = true)]
    pub(crate) api_key: Option<String>,
    /// Sign in with a code that is typed in on another machine.
    #[arg(long)]
    pub(crate) device_auth: bool,
    /// Where the codes of --device-auth come from.
    #[arg(long = "experimental_issuer", value_name = "URL", hide = true)]
    pub(crate) issuer: Option<String>,
    /// For whom the codes of --device-auth are.
    #[arg(long = "experimental_client-id", value_name = "CLIENT_ID", hide = true)]
    pub(crate) client_id: Option<String>,
    /// What else to do.
    #[command(subcommand)]
    pub(crate) command: Option<LoginCommand>,
}

/// Commands below `login`.
#[derive(Debug, Subcommand)]
pub(crate) enum LoginCommand {
    /// Say how we are signed in.
    Status,
}

/// Runs the command.
pub(crate) fn run(args: LoginArgs, outer: &Outer) -> Exit {
    match args.command {
        Some(LoginCommand::Status) => status(outer),
        None if args.with_api_key && args.with_access_token => {
            say("Choose one of --with-api-key and --with-access-token.");
            Exit::FAILURE
        }
        None if args.api_key.is_some() => {
            let name = outer.program.command();
            say(format_args!(
                "--api-key is not accepted: others on this machine could read the key. Use `{name} login --with-api-key` \
                 and give the key on standard input."
            ));
            Exit::FAILURE
        }
        None => outer.not_there("login", "Set CODEX_API_KEY for `exec`."),
    }
}

fn status(outer: &Outer) -> Exit {
    outer.not_there("login status", "")
}
