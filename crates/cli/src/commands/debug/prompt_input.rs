//! `quire debug prompt-input`: the first input a model would be given. Nothing is sent or written.

use std::path::PathBuf;

use clap::Args;
use quire_appserver::AppServer;
use quire_appserver_protocol::RpcError;
use quire_appserver_protocol::initialize::{ClientInfo, InitializeParams};
use quire_appserver_protocol::prompt::{PromptPreviewParams, PromptPreviewResponse};
use quire_appserver_protocol::requests::{Initialize, PromptPreview};
use quire_appserver_protocol::thread::ThreadStartParams;
use quire_protocol::{REFERENCE_VERSION, SessionSource, UserInput};

use crate::commands::{Outer, runtime};
use crate::exit::{Exit, print};
use crate::startup::Startup;
use crate::voice::Voice;

/// Arguments of `debug prompt-input`.
#[derive(Debug, Args)]
pub(crate) struct PromptInputArgs {
    /// The person's words.
    #[arg(value_name = "PROMPT")]
    pub(crate) prompt: Option<String>,
    /// Pictures along with them. Takes every word up to the next option.
    #[arg(id = "image", short = 'i', long = "image", value_name = "FILE", num_args = 1.., value_delimiter = ',')]
    pub(crate) images: Vec<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(args: &PromptInputArgs, outer: &Outer) -> Exit {
    let startup = match Startup::begin(Voice::Plain) {
        Ok(startup) => startup,
        Err(exit) => return exit,
    };
    let mut options = startup.options_with(&outer.overrides);
    if let Err(error) = outer.flags.shared.apply(&mut options) {
        return Exit::error(error);
    }
    if let Err(error) = quire_config::load(options.clone()) {
        return Voice::Plain.config(&error);
    }
    let images = if args.images.is_empty() { &outer.flags.shared.images } else { &args.images };
    let params = PromptPreviewParams {
        thread: ThreadStartParams { cwd: Some(options.cwd.clone()), ..ThreadStartParams::default() },
        input: images
            .iter()
            .map(|path| UserInput::LocalImage { path: startup.cwd.join(path), detail: None })
            .chain(args.prompt.iter().map(|text| UserInput::Text { text: text.clone() }))
            .collect(),
    };
    let server = startup.app_server(options, SessionSource::exec(), None);
    let previewed = match runtime() {
        Ok(runtime) => runtime.block_on(preview(&server, params)),
        Err(error) => return Exit::error(format_args!("cannot start threads: {error}")),
    };
    match previewed.map(|preview| serde_json::to_string_pretty(&preview.items)) {
        Ok(Ok(text)) => print(&(text + "\n")),
        Ok(Err(error)) => Exit::error(format_args!("the items cannot be written as JSON: {error}")),
        Err(error) => Exit::error(error.message),
    }
}

async fn preview(server: &AppServer, params: PromptPreviewParams) -> Result<PromptPreviewResponse, RpcError> {
    let (client, _notifications) = server.connect();
    let client_info =
        ClientInfo { name: "codex_exec".to_owned(), title: None, version: REFERENCE_VERSION.to_owned() };
    client.request::<Initialize>(InitializeParams { client_info, capabilities: None }).await?;
    client.request::<PromptPreview>(params).await
}
