//! `quire [PROMPT]`: the interactive mode, and the flags that `resume` and `fork` share with it.
//!
//! There is no interactive mode yet; what can be checked before it would start is checked, in the reference's order:
//! the remote, the overrides, the home, the configuration, the terminal.

use std::ffi::OsStr;
use std::io::{self, IsTerminal as _};
use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use quire_config::CliOverride;
use quire_exec::args::SharedArgs;

use super::Outer;
use crate::exit::{Exit, say};
use crate::startup::Startup;
use crate::voice::Voice;

/// Flags of the root, `resume` and `fork`.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct InteractiveArgs {
    /// An app server to work with instead of one's own.
    #[command(flatten)]
    pub(crate) remote: RemoteArgs,
    /// Flags `exec` has as well.
    #[command(flatten)]
    pub(crate) shared: SharedArgs,
    /// When a person is asked before a command runs.
    #[arg(
        id = "ask_for_approval",
        short = 'a',
        long = "ask-for-approval",
        value_name = "APPROVAL_POLICY",
        value_enum
    )]
    pub(crate) approval: Option<Approval>,
    /// Let the model search the web.
    #[arg(long)]
    pub(crate) search: bool,
    /// Draw below the shell's prompt and leave the transcript in its scrollback.
    ///
    /// Without it, the whole screen is used and given back at the end.
    #[arg(long)]
    pub(crate) no_alt_screen: bool,
}

/// Where a remote app server is.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct RemoteArgs {
    /// Work with the app server at this address: ws://HOST:PORT, wss://HOST:PORT, unix:// or unix://PATH.
    #[arg(long, value_name = "ADDR")]
    pub(crate) remote: Option<String>,
    /// Environment variable that holds the token for the app server of --remote.
    #[arg(long, value_name = "ENV_VAR")]
    pub(crate) remote_auth_token_env: Option<String>,
}

/// When a person is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Approval {
    /// Before every command that is not known to only read.
    Untrusted,
    /// After a command failed in its sandbox. Old: prefer on-request or never.
    OnFailure,
    /// When the model asks for it.
    OnRequest,
    /// Never. What fails is told to the model.
    Never,
}

/// An address as `--remote` takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RemoteAddress {
    /// `ws://` or `wss://`.
    WebSocket {
        /// Whether the connection is encrypted.
        secure: bool,
        /// Name or number of the host.
        host: String,
    },
    /// A socket in the file system; `None` is the home's own.
    Unix(Option<PathBuf>),
}

/// Why `--remote` or its token cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RemoteError {
    /// No such form.
    #[error(
        "invalid remote address `{0}`; expected `ws://host:port`, `wss://host:port`, `unix://`, or `unix://PATH`"
    )]
    Address(String),
    /// A token for nobody.
    #[error("`--remote-auth-token-env` requires `--remote`.")]
    TokenWithoutRemote,
    /// The token would travel in the clear.
    #[error("`--remote-auth-token-env` requires a `wss://` or loopback `ws://` remote.")]
    TokenInTheClear,
    /// There is no token.
    #[error("environment variable `{0}` is not set")]
    NoToken(String),
}

impl RemoteAddress {
    /// Reads an address.
    pub(crate) fn parse(text: &str) -> Result<Self, RemoteError> {
        let refused = || RemoteError::Address(text.to_owned());
        if let Some(path) = text.strip_prefix("unix://") {
            return Ok(Self::Unix((!path.is_empty()).then(|| path.into())));
        }
        let (secure, rest) = match text.strip_prefix("wss://") {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix("ws://").ok_or_else(refused)?),
        };
        let (host, port) = rest.trim_end_matches('/').rsplit_once(':').ok_or_else(refused)?;
        if host.is_empty() || host.contains('/') || port.parse::<u16>().is_err() {
            return Err(refused());
        }
        Ok(Self::WebSocket { secure, host: host.trim_matches(['[', ']']).to_owned() })
    }

    /// Whether a token may be sent there.
    fn keeps_secrets(&self) -> bool {
        match self {
            Self::WebSocket { secure: true, .. } => true,
            Self::WebSocket { host, .. } => {
                host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
            }
            Self::Unix(_) => false,
        }
    }
}

impl RemoteArgs {
    /// Fills what is not set here from the root.
    pub(crate) fn inherit(&mut self, outer: &Self) {
        if self.remote.is_none() {
            self.remote.clone_from(&outer.remote);
        }
        if self.remote_auth_token_env.is_none() {
            self.remote_auth_token_env.clone_from(&outer.remote_auth_token_env);
        }
    }

    /// The address, if all is well with it and its token.
    pub(crate) fn check(
        &self,
        variable: impl Fn(&OsStr) -> bool,
    ) -> Result<Option<RemoteAddress>, RemoteError> {
        let address = self.remote.as_deref().map(RemoteAddress::parse).transpose()?;
        let Some(name) = &self.remote_auth_token_env else { return Ok(address) };
        match &address {
            None => Err(RemoteError::TokenWithoutRemote),
            Some(address) if !address.keeps_secrets() => Err(RemoteError::TokenInTheClear),
            Some(_) if !variable(OsStr::new(name)) => Err(RemoteError::NoToken(name.clone())),
            Some(_) => Ok(address),
        }
    }
}

impl InteractiveArgs {
    /// Fills what is not set here from the root.
    pub(crate) fn inherit(&mut self, outer: &Self) {
        self.remote.inherit(&outer.remote);
        self.shared.inherit(&outer.shared);
        self.approval = self.approval.or(outer.approval);
        self.search |= outer.search;
        self.no_alt_screen |= outer.no_alt_screen;
    }
}

/// Runs the root command, `resume` or `fork` (`command` is the word, nothing for the root).
pub(crate) fn run(args: &InteractiveArgs, outer: &Outer, command: &str) -> Exit {
    match ready(args, outer) {
        Ok(()) => {
            let name = outer.program.command();
            let gap = if command.is_empty() { "" } else { " " };
            Exit::error(format_args!(
                "the interactive mode (`{name}{gap}{command}`) is not there yet. `{name} exec PROMPT` runs one task, \
                 `{name} exec resume` goes on with a session, `{name} demo` shows one."
            ))
        }
        Err(exit) => exit,
    }
}

/// Everything that can be wrong before the screen is taken.
fn ready(args: &InteractiveArgs, outer: &Outer) -> Result<(), Exit> {
    let [stdin, stdout, stderr] =
        [io::stdin().is_terminal(), io::stdout().is_terminal(), io::stderr().is_terminal()];
    if std::env::var_os("TERM").is_some_and(|term| term == "dumb") && !(stdin && stderr) {
        say(
            "ERROR: TERM is set to \"dumb\". The interactive mode needs a terminal that can move its cursor.",
        );
        return Err(Exit::FAILURE);
    }
    args.remote.check(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty())).map_err(
        |error| match error {
            RemoteError::Address(_) => Exit::error(error),
            _ => {
                say(format_args!("ERROR: {error}"));
                Exit::FAILURE
            }
        },
    )?;
    if let Some(error) = outer.overrides.config.iter().find_map(|text| CliOverride::parse(text).err()) {
        return Err(Voice::Exec.config(&error.into()));
    }
    let startup = Startup::begin(Voice::Exec)?;
    let mut options = startup.options_with(&outer.overrides);
    args.shared.apply(&mut options).map_err(Exit::error)?;
    quire_config::load(options).map_err(|error| Voice::Exec.config(&error))?;
    for (stream, is_terminal) in [("stdin", stdin), ("stdout", stdout)] {
        if !is_terminal {
            return Err(Exit::error(format_args!("{stream} is not a terminal")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remote(address: &str, token: Option<&str>) -> RemoteArgs {
        RemoteArgs { remote: Some(address.to_owned()), remote_auth_token_env: token.map(str::to_owned) }
    }

    #[test]
    fn addresses_have_three_forms() {
        for good in ["ws://h:1", "wss://h.example:443", "ws://[::1]:8080", "unix://", "unix:///run/x"] {
            assert!(RemoteAddress::parse(good).is_ok(), "{good}");
        }
        for bad in ["nope", "ws://h", "ws://:1", "http://h:1", "ws://h:99999", "ws://h:1/path", ""] {
            assert_eq!(RemoteAddress::parse(bad), Err(RemoteError::Address(bad.to_owned())));
        }
    }

    #[test]
    fn tokens_never_travel_in_the_clear() {
        let check = |args: RemoteArgs| args.check(|_| true);
        assert_eq!(check(remote("ws://far.example:1", Some("T"))), Err(RemoteError::TokenInTheClear));
        assert_eq!(check(remote("unix://", Some("T"))), Err(RemoteError::TokenInTheClear));
        assert!(check(remote("ws://127.0.0.1:1", Some("T"))).is_ok());
        assert!(check(remote("wss://far.example:1", Some("T"))).is_ok());
        let alone = RemoteArgs { remote: None, remote_auth_token_env: Some("T".to_owned()) };
        assert_eq!(check(alone), Err(RemoteError::TokenWithoutRemote));
        assert_eq!(
            remote("wss://h:1", Some("T")).check(|_| false),
            Err(RemoteError::NoToken("T".to_owned()))
        );
    }
}
