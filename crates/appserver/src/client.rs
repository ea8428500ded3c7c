//! The in-process transport: typed requests in, typed results and notifications out.

use std::sync::Arc;

use quire_appserver_protocol::{ClientRequest, ClientResponse, Method, RpcError, ServerNotification};
use tokio::sync::{mpsc, oneshot};

use crate::peers::Membership;
use crate::server::Shared;
use crate::wire::Reply;

/// What is said to whoever still asks at the end.
pub(crate) const SHUTTING_DOWN: &str = "the server is shutting down";

/// Where the answer to a request goes. It is sent before any notification the request causes.
pub(crate) enum Responder {
    /// To somebody in this process who waits for it.
    Caller(oneshot::Sender<Result<ClientResponse, RpcError>>),
    /// Into the queue of a connection, in which notifications follow.
    Wire(Reply),
}

impl Responder {
    /// Answers; a client that no longer waits for it needs none.
    pub(crate) fn send(self, response: Result<ClientResponse, RpcError>) {
        match self {
            Self::Caller(caller) => {
                let _gone = caller.send(response);
            }
            Self::Wire(reply) => reply.send(response),
        }
    }
}

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
        let (respond, response) = oneshot::channel();
        Shared::handle(&self.server, self.membership.id, request, Responder::Caller(respond));
        response.await.unwrap_or_else(|_| Err(RpcError::internal(SHUTTING_DOWN)))
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
