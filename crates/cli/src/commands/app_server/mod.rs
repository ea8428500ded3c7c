//! `quire app-server`: the doorway for other programs, in the foreground.

pub(crate) mod daemon;
pub(crate) mod listen;
mod serve;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use self::daemon::DaemonArgs;
use self::listen::Listen;
use super::Outer;
use crate::exit::Exit;

/// Arguments of `app-server`.
#[derive(Debug, Args)]
pub(crate) struct AppServerArgs {
    /// What else to do.
    #[command(subcommand)]
    pub(crate) command: Option<AppServerCommand>,
    /// Refuse to start when the configuration holds keys this version does not know.
    #[arg(long)]
    pub(crate) strict_config: bool,
    /// Where to listen: stdio://, unix://, unix://PATH, ws://IP:PORT or off.
    #[arg(long, value_name = "URL", default_value = "stdio://")]
    pub(crate) listen: Listen,
    /// The same as `--listen stdio://`.
    #[arg(long, conflicts_with = "listen")]
    pub(crate) stdio: bool,
    /// Let other machines in.
    #[arg(long, hide = true)]
    pub(crate) remote_control: bool,
    /// Analytics are on unless the configuration says otherwise. There are none, so this has no effect.
    #[arg(long)]
    pub(crate) analytics_default_enabled: bool,
    /// Who may connect to a websocket.
    #[command(flatten)]
    pub(crate) websocket: WebsocketArgs,
}

/// Who may connect to a websocket.
#[derive(Debug, Args)]
pub(crate) struct WebsocketArgs {
    /// How clients show that they may connect.
    #[arg(long = "ws-auth", value_name = "MODE", value_enum)]
    pub(crate) auth: Option<WebsocketAuth>,
    /// File with the capability token.
    #[arg(long = "ws-token-file", value_name = "PATH")]
    pub(crate) token_file: Option<PathBuf>,
    /// SHA-256 of the capability token, as 64 hex digits.
    #[arg(long = "ws-token-sha256", value_name = "HEX")]
    pub(crate) token_sha256: Option<String>,
    /// File with the secret that signs bearer tokens.
    #[arg(long = "ws-shared-secret-file", value_name = "PATH")]
    pub(crate) shared_secret_file: Option<PathBuf>,
    /// Who has to have issued a bearer token.
    #[arg(long = "ws-issuer", value_name = "ISSUER")]
    pub(crate) issuer: Option<String>,
    /// For whom a bearer token has to be.
    #[arg(long = "ws-audience", value_name = "AUDIENCE")]
    pub(crate) audience: Option<String>,
    /// How far the clocks may be apart.
    #[arg(long = "ws-max-clock-skew-seconds", value_name = "SECONDS")]
    pub(crate) max_clock_skew_seconds: Option<u64>,
}

/// How clients show that they may connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum WebsocketAuth {
    /// They know a token.
    #[value(help = None)]
    CapabilityToken,
    /// They carry a token somebody signed.
    #[value(help = None)]
    SignedBearerToken,
}

/// Commands below `app-server`.
#[derive(Debug, Subcommand)]
pub(crate) enum AppServerCommand {
    /// The app server in the background.
    Daemon(DaemonArgs),
    /// Relay standard input and output to the app server in the background.
    Proxy(ProxyArgs),
    /// Write the protocol as TypeScript.
    #[command(name = "generate-ts")]
    GenerateTs(GenerateTsArgs),
    /// Write the protocol as JSON Schema.
    #[command(name = "generate-json-schema")]
    GenerateJsonSchema(GenerateJsonSchemaArgs),
    /// Write formats of our own as JSON Schema.
    #[command(name = "generate-internal-json-schema", hide = true)]
    GenerateInternalJsonSchema(GenerateInternalJsonSchemaArgs),
}

/// Arguments of `app-server proxy`.
#[derive(Debug, Args)]
pub(crate) struct ProxyArgs {
    /// The socket. Left out: the home's own.
    #[arg(long = "sock", value_name = "SOCKET_PATH", value_hint = clap::ValueHint::Unknown)]
    pub(crate) socket: Option<PathBuf>,
}

/// Arguments of `app-server generate-ts`.
#[derive(Debug, Args)]
pub(crate) struct GenerateTsArgs {
    /// The folder to write to.
    #[arg(short = 'o', long = "out", value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// A formatter to run over the files.
    #[arg(short = 'p', long = "prettier", value_name = "PRETTIER_BIN")]
    pub(crate) prettier: Option<PathBuf>,
    /// What may still change, too.
    #[arg(long)]
    pub(crate) experimental: bool,
}

/// Arguments of `app-server generate-json-schema`.
#[derive(Debug, Args)]
pub(crate) struct GenerateJsonSchemaArgs {
    /// The folder to write to.
    #[arg(short = 'o', long = "out", value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// What may still change, too.
    #[arg(long)]
    pub(crate) experimental: bool,
}

/// Arguments of `app-server generate-internal-json-schema`.
#[derive(Debug, Args)]
pub(crate) struct GenerateInternalJsonSchemaArgs {
    /// The folder to write to.
    #[arg(short = 'o', long = "out", value_name = "DIR")]
    pub(crate) out: PathBuf,
}

impl AppServerCommand {
    /// The words for it, below `app-server`.
    pub(crate) const fn words(&self) -> &'static str {
        match self {
            Self::Daemon(args) => args.command.words(),
            Self::Proxy(_) => "proxy",
            Self::GenerateTs(_) => "generate-ts",
            Self::GenerateJsonSchema(_) => "generate-json-schema",
            Self::GenerateInternalJsonSchema(_) => "generate-internal-json-schema",
        }
    }
}

/// Runs the command.
pub(crate) fn run(args: &AppServerArgs, outer: &Outer) -> Exit {
    if let Some(command) = &args.command {
        return outer.not_there(&format!("app-server {}", command.words()), "");
    }
    match args.listen {
        _ if args.remote_control => outer.not_there("app-server --remote-control", ""),
        Listen::Stdio => serve::stdio(outer, args.strict_config || outer.flags.shared.strict_config),
        Listen::Unix(_) | Listen::WebSocket(_) => outer
            .not_there("app-server --listen", "It serves standard input and output: `--listen stdio://`."),
        Listen::Off => {
            Exit::error("`--listen off` leaves nobody to serve. Leave it out, or name an address.")
        }
    }
}
