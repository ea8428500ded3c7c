//! The JSON edge of a connection to another process (app-server sheet §3 to §6).
//!
//! In come messages as text, out go messages as text; in between is a [`Client`] like any other. What a newcomer would
//! get wrong: text that is no message gets no answer at all, but a request nobody understands does. Requests run beside
//! each other, except that nothing is read while the handshake is carried out, so that a client may send its first
//! requests without waiting for it.

use std::sync::Arc;
use std::time::Duration;

use quire_appserver_protocol::{
    ClientRequest, ClientResponse, RpcError, ServerNotification, notices::ConfigWarningNotification, rpc,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::mpsc::{self, OwnedPermit};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::client::{Client, Notifications, Responder, SHUTTING_DOWN};
use crate::server::Shared;
use crate::warnings;

/// Requests of one connection that may run at the same time (app-server sheet §6).
const RUNNING: usize = 128;

/// Messages that may wait to be sent to one connection: room for every answer, and as much for all else.
pub(crate) const WAITING: usize = 2 * RUNNING;

/// The id of a request, as the client wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum RequestId {
    Number(i64),
    Text(String),
}

/// A message for the client.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Outgoing {
    /// The result of a request.
    Response { id: RequestId, result: Box<ClientResponse> },
    /// Why a request has no result. Text that is too long to be read has no id.
    Error { error: RpcError, id: Option<RequestId> },
    /// Something that happened.
    Notification(Box<ServerNotification>),
}

impl Outgoing {
    /// The refusal of a message that was not even read.
    pub(crate) fn too_long(limit: usize) -> Self {
        let error = RpcError::invalid_request(format!(
            "Invalid request: the message is longer than {limit} bytes and was skipped"
        ));
        Self::Error { error, id: None }
    }

    /// One line, without its end.
    pub(crate) fn line(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }
}

/// A request, or what is wrong with it. A notification, an answer nobody waits for, or no message at all is nothing.
fn parse(text: &str) -> Option<(RequestId, Result<ClientRequest, RpcError>)> {
    if text.trim().is_empty() {
        return None;
    }
    let message = match serde_json::from_str::<Message>(text) {
        Ok(message) => message,
        Err(error) => {
            tracing::warn!(%error, "skipped a line that is no message");
            return None;
        }
    };
    Some((message.id?, request(message.method?, message.params)))
}

/// Any message. What only answers have is left out: the server asks nothing yet.
#[derive(Deserialize)]
struct Message {
    #[serde(default, deserialize_with = "present")]
    id: Option<RequestId>,
    method: Option<String>,
    params: Option<Value>,
}

/// An id that is there must be one: null is none.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<RequestId>, D::Error> {
    RequestId::deserialize(deserializer).map(Some)
}

fn request(method: String, params: Option<Value>) -> Result<ClientRequest, RpcError> {
    let mut whole = serde_json::Map::new();
    whole.insert("method".to_owned(), method.into());
    if let Some(params) = params {
        whole.insert("params".to_owned(), params);
    }
    serde_json::from_value(Value::Object(whole))
        .map_err(|error| RpcError::invalid_request(format!("Invalid request: {error}")))
}

/// One connection: takes texts, sends messages to a bounded queue.
pub(crate) struct Connection {
    client: Client,
    out: mpsc::Sender<Outgoing>,
    running: Arc<Semaphore>,
}

impl Connection {
    pub(crate) fn new(client: Client, out: mpsc::Sender<Outgoing>) -> Self {
        Self { client, out, running: Arc::new(Semaphore::new(RUNNING)) }
    }

    /// Takes one text. Waits only for the handshake and for a client that does not read.
    pub(crate) async fn take(&self, text: &str) {
        let Some((id, request)) = parse(text) else { return };
        match request {
            Ok(request @ ClientRequest::Initialize(_)) => {
                let response = self.client.dispatch(request).await;
                let done = response.is_ok();
                self.send(outgoing(id, response)).await;
                if done {
                    self.warn().await;
                }
            }
            Ok(request) => self.start(id, request).await,
            Err(error) => self.send(Outgoing::Error { error, id: Some(id) }).await,
        }
    }

    /// Lets a request run beside the others, if there is room for it.
    async fn start(&self, id: RequestId, request: ClientRequest) {
        let Ok(running) = Arc::clone(&self.running).try_acquire_owned() else {
            let error = RpcError {
                code: rpc::OVERLOADED,
                message: "Server overloaded; retry later.".to_owned(),
                data: Some(serde_json::json!({"codexErrorInfo": "server_overloaded"})),
            };
            return self.send(Outgoing::Error { error, id: Some(id) }).await;
        };
        // A closed queue is a connection that is just leaving.
        let Ok(place) = self.out.clone().reserve_owned().await else { return };
        let respond = Responder::Wire(Reply { id, place: Some(place), _running: running });
        Shared::handle(&self.client.server, self.client.membership.id, request, respond);
    }

    /// Tells what is wrong with the config.
    async fn warn(&self) {
        let options = self.client.server.options.config.clone();
        match tokio::task::spawn_blocking(move || warnings::of(&options)).await {
            Ok(found) => {
                for warning in found {
                    self.notify(warning).await;
                }
            }
            Err(error) => tracing::error!(%error, "looking for warnings about the config broke"),
        }
    }

    async fn notify(&self, warning: ConfigWarningNotification) {
        let notification = ServerNotification::ConfigWarning(warning);
        if self.client.hears(notification.method()) {
            self.send(Outgoing::Notification(Box::new(notification))).await;
        }
    }

    /// Waits until nothing runs any more, but not longer than this.
    pub(crate) async fn idle(&self, at_most: Duration) {
        // A semaphore that is never closed gives all its room in the end, or the time is up.
        let _idle = tokio::time::timeout(at_most, self.running.acquire_many(RUNNING as u32)).await;
    }

    pub(crate) async fn send(&self, message: Outgoing) {
        // A closed queue is a connection that is just leaving.
        let _gone = self.out.send(message).await;
    }
}

/// The place that is kept for an answer. An answer that is forgotten is an error, so that nobody waits for ever.
pub(crate) struct Reply {
    id: RequestId,
    place: Option<OwnedPermit<Outgoing>>,
    _running: OwnedSemaphorePermit,
}

impl Reply {
    /// Answers at once, without waiting.
    pub(crate) fn send(mut self, response: Result<ClientResponse, RpcError>) {
        if let Some(place) = self.place.take() {
            place.send(outgoing(self.id.clone(), response));
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            place.send(outgoing(self.id.clone(), Err(RpcError::internal(SHUTTING_DOWN))));
        }
    }
}

fn outgoing(id: RequestId, response: Result<ClientResponse, RpcError>) -> Outgoing {
    match response {
        Ok(result) => Outgoing::Response { id, result: Box::new(result) },
        Err(error) => Outgoing::Error { error, id: Some(id) },
    }
}

/// Hands notifications on until the connection or its queue ends.
pub(crate) async fn hand_on(mut notifications: Notifications, out: mpsc::Sender<Outgoing>) {
    while let Some(notification) = notifications.next().await {
        if out.send(Outgoing::Notification(Box::new(notification))).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_message_is_nothing() {
        for text in [
            "",
            "  ",
            "garbage",
            "[]",
            "3",
            r#"{"id":5}"#,
            r#"{"id":null,"method":"config/read","params":{}}"#,
            r#"{"id":1.5,"method":"config/read","params":{}}"#,
            r#"{"id":18446744073709551615,"method":"config/read","params":{}}"#,
            r#"{"id":5,"method":3}"#,
            r#"{"method":"initialized"}"#,
            r#"{"method":"config/read","params":{}}"#,
            r#"{"id":12,"result":{}}"#,
            r#"{"id":12,"error":{"code":1,"message":"x"}}"#,
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn requests_and_what_is_wrong_with_them() {
        let refused = |text: &str| match parse(text) {
            Some((id, Err(error))) => {
                assert_eq!(error.code, rpc::INVALID_REQUEST);
                (serde_json::to_string(&id).unwrap(), error.message)
            }
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(
            refused(r#"{"id":8,"method":"config/read"}"#),
            ("8".into(), "Invalid request: missing field `params`".into())
        );
        assert_eq!(
            refused(r#"{"id":"a","method":"config/read","params":null}"#),
            ("\"a\"".into(), "Invalid request: missing field `params`".into())
        );
        let (id, message) = refused(r#"{"id":-2,"method":"nope","params":{}}"#);
        assert_eq!(id, "-2");
        assert!(
            message.starts_with("Invalid request: unknown variant `nope`, expected one of `initialize`, ")
        );
        for params in ["", r#","params":null"#, r#","params":{}"#] {
            let text = format!(r#"{{"id":1,"method":"configRequirements/read"{params}}}"#);
            assert!(matches!(parse(&text), Some((_, Ok(_)))), "{text}");
        }
    }
}
