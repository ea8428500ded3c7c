//! The in-process transport: typed requests in, typed results and notifications out.

use std::sync::Arc;

use quire_appserver_protocol::{ClientRequest, ClientResponse, Method, RpcError, ServerNotification};
use tokio::sync::{mpsc, oneshot};

use crate::peers::Membership;
use crate::server::Shared;

/// Where the answer to a request goes. It is sent before any notification the request causes.
pub(crate) type Responder = oneshot::Sender<Result<ClientResponse, RpcError>>;

/// One connection's requests. Clones share the connection; it ends with the last of them.
#[derive(Clone)]
pub struct Client {
    pub(crate) membership: Arc<Membership>,
    pub(crate) server: Arc<Shared>,
}

/// One connection's notifications, in order.
pub struct Notifications {
    pub(crate) queue: mpsc::Receiver<ServerNotification>,
}

impl Client {
    /// Asks and waits for the answer. The request is carried out even if this future is dropped.
    pub async fn request<M: Method>(&self, params: M::Params) -> Result<M::Result, RpcError> {
        let response = self.dispatch(M::request(params)).await?;
        M::result(response)
            .ok_or_else(|| RpcError::internal(format!("the server mixed up the answer to {}", M::NAME)))
    }

    /// The same for a request of any method.
    pub(crate) async fn dispatch(&self, request: ClientRequest) -> Result<ClientResponse, RpcError> {
        self.begin(request).await
    }

    /// Hands a request over at once; the future is only the answer.
    pub(crate) fn begin(
        &self,
        request: ClientRequest,
    ) -> impl Future<Output = Result<ClientResponse, RpcError>> + Send + use<> {
        let (respond, response) = oneshot::channel();
        Shared::handle(&self.server, self.membership.id, request, respond);
        async { response.await.unwrap_or_else(|_| Err(RpcError::internal("the server is shutting down"))) }
    }

    /// Whether the connection wants notifications of this method.
    pub(crate) fn hears(&self, method: &str) -> bool {
        self.membership.peers.wants(self.membership.id, method)
    }
}

impl Notifications {
    /// The next one; `None` when the connection has ended. Cancel safe.
    pub async fn next(&mut self) -> Option<ServerNotification> {
        self.queue.recv().await
    }

    /// The next one if it is there already.
    pub fn try_next(&mut self) -> Option<ServerNotification> {
        self.queue.try_recv().ok()
    }
}
