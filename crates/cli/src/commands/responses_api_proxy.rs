//! `quire responses-api-proxy`: a proxy that adds an API key its clients never see.

use std::path::PathBuf;

use clap::Args;

use super::Outer;
use crate::exit::Exit;

/// Where requests go.
const UPSTREAM: &str = "https://api.openai.com/v1/responses";

/// Arguments of `responses-api-proxy`.
#[derive(Debug, Args)]
pub(crate) struct ResponsesApiProxyArgs {
    /// The port to listen on. Left out: any.
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Option<u16>,
    /// Write port and process id to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) server_info: Option<PathBuf>,
    /// End on `GET /shutdown`.
    #[arg(long)]
    pub(crate) http_shutdown: bool,
    /// Where requests go.
    #[arg(long, value_name = "UPSTREAM_URL", default_value = UPSTREAM)]
    pub(crate) upstream_url: String,
    /// Write requests and answers into this folder, without keys.
    #[arg(long, value_name = "DIR")]
    pub(crate) dump_dir: Option<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(_: &ResponsesApiProxyArgs, outer: &Outer) -> Exit {
    outer.not_there("responses-api-proxy", "")
}
