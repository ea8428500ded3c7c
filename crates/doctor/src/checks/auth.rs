//! `auth.credentials`: whether requests can be signed.

use quire_auth::AuthMode;
use quire_config::{AuthStore, Config};

use crate::auth_file::{Stored, mode_name};
use crate::context::{Check, Context, Run};
use crate::host::Host;
use crate::report::{Details, Outcome, Status};

pub(crate) const CHECK: Check =
    Check { id: "auth.credentials", category: "auth", label: "credentials", run: Run::Configured(run) };

/// Variables that sign requests, in the order they are told.
const VARIABLES: [&str; 3] = ["OPENAI_API_KEY", "CODEX_API_KEY", "CODEX_ACCESS_TOKEN"];

fn run(context: &Context<'_>, config: &Config) -> Outcome {
    let mut details = Details::default();
    let file = config.home.as_path().join("auth.json");
    let store = match config.cli_auth_credentials_store {
        AuthStore::File => "File",
        AuthStore::Keyring => "Keyring",
        AuthStore::Auto => "Auto",
        AuthStore::Ephemeral => "Ephemeral",
    };
    details.add("auth storage mode", store);
    details.add_path("auth file", &file);
    let variables = present(context.host);
    if !variables.is_empty() {
        details.add("auth env vars present", variables.join(", "));
    }
    if !config.model_provider.requires_openai_auth {
        return by_provider(context.host, config, details);
    }
    let stored = match config.cli_auth_credentials_store {
        AuthStore::Ephemeral => Ok(None),
        AuthStore::File | AuthStore::Keyring | AuthStore::Auto => Stored::read(&file),
    };
    let outcome = match stored {
        Err(reason) => Outcome::bad(
            Status::Fail,
            "the stored sign-in cannot be read",
            format!("Repair or remove {}, then sign in again.", file.display()),
        )
        .note(reason),
        Ok(None) if variables.is_empty() => {
            Outcome::bad(Status::Fail, "nobody is signed in and no key is set", sign_in(context.host))
                .with(details)
        }
        Ok(None) => Outcome::ok("a key comes from the environment").with(details),
        Ok(Some(stored)) => by_file(context.host, &stored, &variables, details),
    };
    match config.cli_auth_credentials_store {
        AuthStore::Keyring => outcome.note("keyrings are not read yet; auth.json in the home is"),
        AuthStore::File | AuthStore::Auto | AuthStore::Ephemeral => outcome,
    }
}

/// The variables that are set. An empty one is none.
fn present(host: &Host) -> Vec<&'static str> {
    VARIABLES.into_iter().filter(|name| host.filled_var(name).is_some()).collect()
}

fn by_provider(host: &Host, config: &Config, mut details: Details) -> Outcome {
    details.add("model provider requires OpenAI auth", false);
    let Some(variable) = &config.model_provider.env_key else {
        return Outcome::ok("the model provider needs no sign-in here").with(details);
    };
    if host.filled_var(variable).is_some() {
        details.add("provider auth env var", format!("{variable} (present)"));
        return Outcome::ok("the model provider's key is set").with(details);
    }
    details.add("provider auth env var", format!("{variable} (missing)"));
    let instructions = config.model_provider.env_key_instructions.as_deref().unwrap_or_default();
    Outcome::bad(
        Status::Fail,
        format!("the model provider's key is not set ({variable})"),
        format!("Set {variable} (env_key of model provider `{}`). {instructions}", config.model_provider_id)
            .trim_end()
            .to_owned(),
    )
    .with(details)
}

fn by_file(host: &Host, stored: &Stored, variables: &[&str], mut details: Details) -> Outcome {
    details.add("stored auth mode", mode_name(stored.mode));
    details.add("stored API key", stored.has_api_key);
    details.add("stored ChatGPT tokens", stored.has_tokens);
    details.add("stored agent identity", stored.has_identity);
    // A key in the environment stands in for a missing stored key.
    let made_up_for =
        stored.mode == AuthMode::ApiKey && variables.iter().any(|name| name.ends_with("_API_KEY"));
    if stored.issues.is_empty() || made_up_for {
        return Outcome::ok("somebody is signed in").with(details);
    }
    for issue in &stored.issues {
        details.add("stored auth issue", issue);
    }
    if variables.is_empty() {
        Outcome::bad(Status::Fail, "the stored sign-in is incomplete", sign_in(host)).with(details)
    } else {
        Outcome::bad(
            Status::Warning,
            "a key comes from the environment, but the stored sign-in is incomplete",
            format!("Run `{0} logout`, then `{0} login --with-api-key`.", host.program),
        )
        .with(details)
    }
}

fn sign_in(host: &Host) -> String {
    format!("Run `{} login --with-api-key`, or set CODEX_API_KEY.", host.program)
}
