//! What is refused after the parse and before anything else happens (CLI sheet §3): root flags in front of commands
//! that cannot honour them, and unknown features.
//!
//! A newcomer's trap: the messages name commands differently. `--remote` names the whole command (`features list`),
//! `--strict-config` mostly the first word alone, and both are checked before the home is looked at.

use quire_config::Feature;

use crate::commands::app_server::AppServerArgs;
use crate::commands::debug::DebugCommand;
use crate::program::Program;
use crate::root::{Root, RootCommand};

/// Why a command line that parses is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// A name that is no feature.
    #[error("Unknown feature flag: {0}")]
    UnknownFeature(String),
    /// `--strict-config` where nothing could be checked.
    #[error("`--strict-config` is not supported for `{0}`")]
    StrictConfig(String),
    /// `--profile` where no profile is used.
    #[error(
        "--profile only applies to runtime commands and `{0} mcp`; `{1}` does not use one. Commands that do: the \
         interactive mode, exec, review, resume, fork, archive, unarchive, mcp, sandbox, debug prompt-input"
    )]
    Profile(&'static str, String),
    /// `--remote` where nothing can be remote.
    #[error("`--remote {0}` is only supported for interactive TUI commands, not `{1}`")]
    Remote(String, String),
    /// Its token.
    #[error("`--remote-auth-token-env` is only supported for interactive TUI commands, not `{0}`")]
    RemoteToken(String),
}

/// Checks everything, in the reference's order.
pub(crate) fn check(program: Program, root: &Root) -> Result<(), Refusal> {
    let overrides = &root.overrides;
    if let Some(name) =
        overrides.enable.iter().chain(&overrides.disable).find(|name| Feature::from_name(name).is_none())
    {
        return Err(Refusal::UnknownFeature(name.clone()));
    }
    let Some(command) = &root.command else { return Ok(()) };
    let honours = Honours::of(command);
    let typed = |words: &str| format!("{} {words}", program.command());
    if let (true, Some(words)) = (root.flags.shared.strict_config, honours.not_strict) {
        return Err(Refusal::StrictConfig(typed(&words)));
    }
    if root.flags.shared.profile.is_some() && !honours.profile {
        return Err(Refusal::Profile(program.command(), typed(&honours.words)));
    }
    if honours.remote {
        return Ok(());
    }
    if let Some(address) = &root.flags.remote.remote {
        return Err(Refusal::Remote(address.clone(), typed(&honours.words)));
    }
    match root.flags.remote.remote_auth_token_env {
        Some(_) => Err(Refusal::RemoteToken(typed(&honours.words))),
        None => Ok(()),
    }
}

/// Which root flags a command honours, and what messages call it.
struct Honours {
    /// The command, for all messages but one.
    words: String,
    /// `Some` refuses `--strict-config`, under this name.
    not_strict: Option<String>,
    profile: bool,
    remote: bool,
}

impl Honours {
    /// Honours none of the flags.
    fn nothing(words: impl Into<String>) -> Self {
        let words = words.into();
        Self { not_strict: Some(words.clone()), words, profile: false, remote: false }
    }

    /// The same, and `--strict-config` names the first word alone.
    fn nothing_below(word: &str, verb: &str) -> Self {
        Self { not_strict: Some(word.to_owned()), ..Self::nothing(format!("{word} {verb}")) }
    }

    fn strict(self) -> Self {
        Self { not_strict: None, ..self }
    }

    fn profile(self) -> Self {
        Self { profile: true, ..self }
    }

    fn remote(self) -> Self {
        Self { remote: true, ..self }
    }

    fn of(command: &RootCommand) -> Self {
        match command {
            RootCommand::Exec(_) => Self::nothing("exec").strict().profile(),
            RootCommand::Review(_) => Self::nothing("review").strict().profile(),
            RootCommand::Resume(_) => Self::nothing("resume").strict().profile().remote(),
            RootCommand::Fork(_) => Self::nothing("fork").strict().profile().remote(),
            RootCommand::Archive(_) => Self::nothing("archive").strict().profile().remote(),
            RootCommand::Unarchive(_) => Self::nothing("unarchive").strict().profile().remote(),
            RootCommand::Mcp(_) => Self::nothing("mcp").profile(),
            RootCommand::Sandbox(_) => Self::nothing("sandbox").profile(),
            RootCommand::McpServer(_) => Self::nothing("mcp-server").strict(),
            RootCommand::ExecServer(_) => Self::nothing("exec-server").strict(),
            RootCommand::Doctor(_) => Self::nothing("doctor").strict(),
            RootCommand::AppServer(args) => Self::of_app_server(args),
            RootCommand::Debug(args) => {
                let honours = Self::nothing_below("debug", args.command.word());
                if matches!(args.command, DebugCommand::PromptInput(_)) { honours.profile() } else { honours }
            }
            RootCommand::Features(args) => Self::nothing_below("features", args.command.word()),
            RootCommand::Execpolicy(_) => Self::nothing_below("execpolicy", "check"),
            RootCommand::RemoteControl(args) => Self::nothing(args.words()),
            RootCommand::Login(_) => Self::nothing("login"),
            RootCommand::Logout => Self::nothing("logout"),
            RootCommand::Plugin(_) => Self::nothing("plugin"),
            RootCommand::Completion(_) => Self::nothing("completion"),
            RootCommand::Update => Self::nothing("update"),
            RootCommand::Apply(_) => Self::nothing("apply"),
            RootCommand::Cloud(_) => Self::nothing("cloud"),
            RootCommand::ResponsesApiProxy(_) => Self::nothing("responses-api-proxy"),
            RootCommand::StdioToUds(_) => Self::nothing("stdio-to-uds"),
            RootCommand::Config(_) => Self::nothing("config").strict().profile(),
            RootCommand::Demo(_) => Self::nothing("demo"),
        }
    }

    fn of_app_server(args: &AppServerArgs) -> Self {
        match &args.command {
            None => Self::nothing("app-server").strict(),
            Some(command) => Self::nothing(format!("app-server {}", command.words())),
        }
    }
}
