//! `quire login`: credentials for the model provider (CLI sheet §5; everything it says goes to standard error).

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Read as _};

use clap::{Args, Subcommand};
use quire_auth::{Secret, StoredLogin};
use quire_config::{AuthStore, Config, ForcedLogin};

use super::Outer;
use crate::exit::{Exit, say};
use crate::startup::Startup;
use crate::voice::Voice;

/// No key comes near this many bytes.
const LONGEST_KEY: u64 = 64 << 10;

pub(super) const NO_KEYRING: &str = "`cli_auth_credentials_store` is \"keyring\", and the system's keyring is not supported yet. Set it \
    to \"file\".";

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
        Some(LoginCommand::Status) => within_home(outer, |_, config| status(config)),
        None if args.with_api_key && args.with_access_token => {
            fail("Choose one of --with-api-key and --with-access-token.")
        }
        None if args.api_key.is_some() => {
            let name = outer.program.command();
            fail(format_args!(
                "--api-key is not accepted: others on this machine could read the key. Use `{name} login --with-api-key` \
                 and give the key on standard input."
            ))
        }
        None if args.with_api_key => within_home(outer, store_api_key),
        None => outer.not_there(
            "login",
            "`login --with-api-key` stores an API key, and CODEX_API_KEY holds one for `exec`.",
        ),
    }
}

/// Says something and fails. Commands of this family have no `Error:` in front.
fn fail(message: impl Display) -> Exit {
    say(message);
    Exit::FAILURE
}

/// Does something under the user's configuration.
fn within_home(outer: &Outer, work: impl FnOnce(&str, &Config) -> Exit) -> Exit {
    let startup = match Startup::begin(Voice::Login) {
        Ok(startup) => startup,
        Err(exit) => return exit,
    };
    match quire_config::load(startup.options_with(&outer.overrides)) {
        Ok(config) => work(outer.program.command(), &config),
        Err(error) => Voice::Login.config(&error),
    }
}

fn status(config: &Config) -> Exit {
    let stored = match config.cli_auth_credentials_store {
        // What only lived in another process's memory is not there.
        AuthStore::Ephemeral => Ok(None),
        AuthStore::File | AuthStore::Auto => StoredLogin::load(config.home.as_path()),
        AuthStore::Keyring => return fail(NO_KEYRING),
    };
    match stored {
        Ok(Some(StoredLogin::ApiKey(key))) => {
            say(format_args!("Logged in using an API key - {}", key.hint()));
        }
        Ok(Some(StoredLogin::ChatGpt)) => say("Logged in using ChatGPT"),
        Ok(Some(StoredLogin::AgentIdentity)) => say("Logged in using access token"),
        Ok(None) => return fail("Not logged in"),
        Err(error) => return fail(format_args!("Error checking login status: {error}")),
    }
    Exit::SUCCESS
}

fn store_api_key(program: &str, config: &Config) -> Exit {
    if io::stdin().is_terminal() {
        return fail(format_args!(
            "--with-api-key reads the key from standard input. Pipe it: `printenv OPENAI_API_KEY | {program} login \
             --with-api-key`."
        ));
    }
    say("Reading API key from stdin...");
    let mut text = String::new();
    if let Err(error) = io::stdin().lock().take(LONGEST_KEY).read_to_string(&mut text) {
        return fail(format_args!("Failed to read the API key from stdin: {error}"));
    }
    let key = text.trim();
    if key.is_empty() {
        return fail("No API key provided via stdin.");
    }
    if config.forced_login_method == Some(ForcedLogin::Chatgpt) {
        return fail("API key login is disabled. Use ChatGPT login instead.");
    }
    match config.cli_auth_credentials_store {
        AuthStore::Ephemeral => say(
            "warning: `cli_auth_credentials_store` is \"ephemeral\", so the key is forgotten when this command ends.",
        ),
        AuthStore::Keyring => return fail(NO_KEYRING),
        AuthStore::File | AuthStore::Auto => {
            if let Err(error) = StoredLogin::store_api_key(config.home.as_path(), &Secret::new(key)) {
                return fail(format_args!("Error logging in: {error}"));
            }
        }
    }
    say("Successfully logged in");
    Exit::SUCCESS
}
