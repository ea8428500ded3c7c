//! `quire logout`: forgets the stored credentials.

use quire_auth::StoredLogin;
use quire_config::AuthStore;

use super::Outer;
use super::login::NO_KEYRING;
use crate::exit::{Exit, say};
use crate::startup::Startup;
use crate::voice::Voice;

/// Runs the command. Nothing to forget is no failure.
pub(crate) fn run(outer: &Outer) -> Exit {
    let startup = match Startup::begin(Voice::Login) {
        Ok(startup) => startup,
        Err(exit) => return exit,
    };
    let config = match quire_config::load(startup.options_with(&outer.overrides)) {
        Ok(config) => config,
        Err(error) => return Voice::Login.config(&error),
    };
    if config.cli_auth_credentials_store == AuthStore::Keyring {
        say(NO_KEYRING);
        return Exit::FAILURE;
    }
    match StoredLogin::remove(startup.home.as_path()) {
        Ok(true) => say("Successfully logged out"),
        Ok(false) => say("Not logged in"),
        Err(error) => {
            say(format_args!("Error logging out: {error}"));
            return Exit::FAILURE;
        }
    }
    Exit::SUCCESS
}
