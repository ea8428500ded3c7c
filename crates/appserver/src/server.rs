//! The server itself: takes requests, owns the tasks, ends in order.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use quire_appserver_protocol::initialize::{InitializeParams, InitializeResponse};
use quire_appserver_protocol::{ClientRequest, ClientResponse, RpcError};
use quire_config::LoadOptions;
use quire_engine::{ClientInfo, Clock, Engine, IdSource};
use quire_protocol::{Op, SessionSource};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::client::{Client, Notifications, Responder, SHUTTING_DOWN};
use crate::features::Switches;
use crate::peers::{Membership, PeerId, Peers};
use crate::scope::Line;
use crate::threads::Threads;
use crate::{config_methods, features, handlers};

/// What a server needs to know.
pub struct AppServerOptions {
    /// Makes the engine, at the first handshake and for that client.
    pub engine: Box<dyn Fn(ClientInfo) -> Arc<Engine> + Send + Sync>,
    /// Clock, the same as the engine's.
    pub clock: Arc<dyn Clock>,
    /// Ids, the same as the engine's.
    pub ids: Arc<dyn IdSource>,
    /// Where every thread's configuration begins.
    pub config: LoadOptions,
    /// Which front end the threads are said to come from.
    pub source: SessionSource,
}

/// The server. Threads live as long as it does.
pub struct AppServer {
    shared: Arc<Shared>,
}

/// What connections and tasks share.
pub(crate) struct Shared {
    pub(crate) options: AppServerOptions,
    engine: OnceLock<Arc<Engine>>,
    pub(crate) peers: Arc<Peers>,
    pub(crate) threads: Arc<Threads>,
    /// What clients switched in this server.
    pub(crate) switches: Switches,
    /// Requests about the config, one after the other.
    config_line: Line,
    pub(crate) tasks: TaskTracker,
    /// Threads that did not end in time are left behind when this is cancelled.
    pub(crate) abandoned: CancellationToken,
}

impl AppServer {
    /// A server. Opens nothing and starts nothing.
    pub fn new(options: AppServerOptions) -> Self {
        Self {
            shared: Arc::new(Shared {
                options,
                engine: OnceLock::new(),
                peers: Arc::default(),
                threads: Arc::default(),
                switches: Switches::default(),
                config_line: Line::default(),
                tasks: TaskTracker::new(),
                abandoned: CancellationToken::new(),
            }),
        }
    }

    /// Connects a front end of this process. The first request has to be `initialize`.
    pub fn connect(&self) -> (Client, Notifications) {
        let (id, queue) = self.shared.peers.join();
        let membership = Arc::new(Membership { id, peers: Arc::clone(&self.shared.peers) });
        (Client { membership, server: Arc::clone(&self.shared) }, Notifications { queue })
    }

    /// Ends all threads: running turns are interrupted, processes killed, logs written out. Nobody hears of it.
    ///
    /// Returns when all is done, at the latest after `at_most`; true if all ended in time.
    pub async fn shutdown(self, at_most: Duration) -> bool {
        let shared = self.shared;
        shared.peers.mute();
        shared.tasks.close();
        let ending = async {
            for thread in shared.threads.all() {
                // A thread that is over already needs no telling.
                let _over = thread.handle.submit(Op::Shutdown).await;
            }
            shared.tasks.wait().await;
        };
        let in_time = tokio::time::timeout(at_most, ending).await.is_ok();
        shared.abandoned.cancel();
        in_time
    }
}

impl Shared {
    /// Takes a request. The answer goes to `respond`, before any notification the request causes.
    pub(crate) fn handle(this: &Arc<Self>, peer: PeerId, request: ClientRequest, respond: Responder) {
        if this.tasks.is_closed() {
            return refuse(respond, RpcError::internal(SHUTTING_DOWN));
        }
        let shared = Arc::clone(this);
        let place = about_config(&request).then(|| this.config_line.join());
        this.tasks.spawn(async move {
            // Held until the answer is out.
            let _place = match place {
                Some(place) => Some(place.reached().await),
                None => None,
            };
            match request {
                ClientRequest::Initialize(params) => {
                    let response = shared.initialize(peer, params).map(ClientResponse::Initialize);
                    answer(respond, response);
                }
                _ if !shared.peers.is_initialized(peer) => {
                    refuse(respond, RpcError::invalid_request("Not initialized"));
                }
                ClientRequest::ThreadStart(params) => {
                    handlers::thread_start(&shared, peer, params, respond).await;
                }
                ClientRequest::ThreadResume(params) => {
                    handlers::thread_resume(&shared, peer, params, respond).await;
                }
                ClientRequest::ThreadUnsubscribe(params) => {
                    let response = handlers::thread_unsubscribe(&shared, peer, &params);
                    answer(respond, response.map(ClientResponse::ThreadUnsubscribe));
                }
                ClientRequest::ThreadFind(params) => {
                    let response = handlers::thread_find(&shared, params).await;
                    answer(respond, response.map(ClientResponse::ThreadFind));
                }
                ClientRequest::PromptPreview(params) => {
                    let response = handlers::prompt_preview(&shared, params).await;
                    answer(respond, response.map(ClientResponse::PromptPreview));
                }
                ClientRequest::TurnStart(params) => handlers::turn_start(&shared, params, respond).await,
                ClientRequest::TurnInterrupt(params) => {
                    let response = handlers::turn_interrupt(&shared, params).await;
                    answer(respond, response.map(ClientResponse::TurnInterrupt));
                }
                ClientRequest::ConfigRead(params) => {
                    let response = config_methods::read(&shared, params).await;
                    answer(respond, response.map(ClientResponse::ConfigRead));
                }
                ClientRequest::ConfigValueWrite(params) => {
                    let response = config_methods::value_write(&shared, params).await;
                    answer(respond, response.map(ClientResponse::ConfigValueWrite));
                }
                ClientRequest::ConfigBatchWrite(params) => {
                    let response = config_methods::batch_write(&shared, params).await;
                    answer(respond, response.map(ClientResponse::ConfigBatchWrite));
                }
                ClientRequest::ConfigRequirementsRead(_) => {
                    let response = config_methods::requirements(&shared).await;
                    answer(respond, response.map(ClientResponse::ConfigRequirementsRead));
                }
                ClientRequest::ExperimentalFeatureList(params) => {
                    let response = features::list(&shared, params).await;
                    answer(respond, response.map(ClientResponse::ExperimentalFeatureList));
                }
                ClientRequest::ExperimentalFeatureEnablementSet(params) => {
                    let response = features::set(&shared, params);
                    answer(respond, response.map(ClientResponse::ExperimentalFeatureEnablementSet));
                }
            }
        });
    }

    fn initialize(&self, peer: PeerId, params: InitializeParams) -> Result<InitializeResponse, RpcError> {
        let capabilities = params.capabilities.unwrap_or_default();
        let opted_out: HashSet<String> =
            capabilities.opt_out_notification_methods.into_iter().flatten().collect();
        let name = &params.client_info.name;
        if !name.chars().all(|c| c.is_ascii() && !c.is_ascii_control()) {
            return Err(RpcError::invalid_request(format!(
                "Invalid clientInfo.name: '{name}'. It is sent as an HTTP header, so it must be printable ASCII."
            )));
        }
        if !self.peers.initialize(peer, opted_out) {
            return Err(RpcError::invalid_request("Already initialized"));
        }
        let client = ClientInfo { name: params.client_info.name, version: params.client_info.version };
        let engine = self.engine.get_or_init(|| (self.options.engine)(client.clone()));
        Ok(InitializeResponse {
            user_agent: engine.user_agent(&client),
            codex_home: self.options.config.home.as_path().to_owned(),
            platform_family: std::env::consts::FAMILY.to_owned(),
            platform_os: std::env::consts::OS.to_owned(),
        })
    }

    /// The engine. There is one once a connection has done its handshake.
    pub(crate) fn engine(&self) -> Result<&Arc<Engine>, RpcError> {
        self.engine.get().ok_or_else(|| RpcError::invalid_request("Not initialized"))
    }
}

/// Whether a request reads or changes the config, or what was switched over it.
fn about_config(request: &ClientRequest) -> bool {
    matches!(
        request,
        ClientRequest::ConfigRead(_)
            | ClientRequest::ConfigValueWrite(_)
            | ClientRequest::ConfigBatchWrite(_)
            | ClientRequest::ConfigRequirementsRead(_)
            | ClientRequest::ExperimentalFeatureList(_)
            | ClientRequest::ExperimentalFeatureEnablementSet(_)
    )
}

/// Answers.
pub(crate) fn answer(respond: Responder, response: Result<ClientResponse, RpcError>) {
    respond.send(response);
}

/// Answers with an error.
pub(crate) fn refuse(respond: Responder, error: RpcError) {
    answer(respond, Err(error));
}
