//! What clients ask. One line per method: name, params, result.
//!
//! Each line gives a marker type for typed calls ([`Method`]), a variant of [`ClientRequest`] (what the server
//! handles; tagged by `method` and `params`, as on the wire) and a variant of [`ClientResponse`] (a bare result).

use serde::{Deserialize, Serialize};

use crate::config::{
    ConfigBatchWriteParams, ConfigReadParams, ConfigReadResponse, ConfigRequirementsReadResponse,
    ConfigValueWriteParams, ConfigWriteResponse, NoParams,
};
use crate::features::{ExperimentalFeatureListParams, ExperimentalFeatureListResponse, FeatureEnablement};
use crate::initialize::{InitializeParams, InitializeResponse};
use crate::prompt::{PromptPreviewParams, PromptPreviewResponse};
use crate::thread::{
    ThreadFindParams, ThreadFindResponse, ThreadResumeParams, ThreadSession, ThreadStartParams,
    ThreadUnsubscribeParams, ThreadUnsubscribeResponse,
};
use crate::turn::{TurnInterruptParams, TurnInterruptResponse, TurnStartParams, TurnStartResponse};

/// A method with the types it takes and gives.
pub trait Method {
    /// Its name on the wire.
    const NAME: &'static str;
    /// What it takes.
    type Params;
    /// What it gives.
    type Result;
    /// The request, ready to be handled.
    fn request(params: Self::Params) -> ClientRequest;
    /// The result, if the response is one of this method.
    fn result(response: ClientResponse) -> Option<Self::Result>;
}

macro_rules! client_requests {
    ($($(#[$doc:meta])* $name:ident = $wire:literal: $params:ty => $result:ty;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy)]
            pub enum $name {}

            impl Method for $name {
                const NAME: &'static str = $wire;
                type Params = $params;
                type Result = $result;

                fn request(params: $params) -> ClientRequest {
                    ClientRequest::$name(params)
                }

                fn result(response: ClientResponse) -> Option<$result> {
                    match response {
                        ClientResponse::$name(result) => Some(result),
                        _ => None,
                    }
                }
            }
        )*

        /// A request, as the server handles it.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "method", content = "params")]
        pub enum ClientRequest {
            $($(#[$doc])* #[serde(rename = $wire)] $name($params),)*
        }

        impl ClientRequest {
            /// The method's name on the wire.
            pub const fn method(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => $wire,)*
                }
            }
        }

        /// The result of a request.
        #[derive(Debug, Clone, PartialEq, Serialize)]
        #[serde(untagged)]
        pub enum ClientResponse {
            $($(#[$doc])* $name($result),)*
        }
    };
}

client_requests! {
    /// The handshake; must come first and only once.
    Initialize = "initialize": InitializeParams => InitializeResponse;
    /// Begins a thread and subscribes to it.
    ThreadStart = "thread/start": ThreadStartParams => ThreadSession;
    /// Goes on with a stored thread and subscribes to it.
    ThreadResume = "thread/resume": ThreadResumeParams => ThreadSession;
    /// Hears no more of a thread.
    ThreadUnsubscribe = "thread/unsubscribe": ThreadUnsubscribeParams => ThreadUnsubscribeResponse;
    /// Looks for a stored thread. Our own.
    ThreadFind = "quire/thread/find": ThreadFindParams => ThreadFindResponse;
    /// Shows what a new thread would tell the model. Our own.
    PromptPreview = "quire/prompt/preview": PromptPreviewParams => PromptPreviewResponse;
    /// Begins a turn, or adds input to the running one.
    TurnStart = "turn/start": TurnStartParams => TurnStartResponse;
    /// Stops the running turn.
    TurnInterrupt = "turn/interrupt": TurnInterruptParams => TurnInterruptResponse;
    /// Lists the feature flags.
    ExperimentalFeatureList = "experimentalFeature/list":
        ExperimentalFeatureListParams => ExperimentalFeatureListResponse;
    /// Switches feature flags of the running server.
    ExperimentalFeatureEnablementSet = "experimentalFeature/enablement/set":
        FeatureEnablement => FeatureEnablement;
    /// Reads the config, its origins and its layers.
    ConfigRead = "config/read": ConfigReadParams => ConfigReadResponse;
    /// Writes one value into the user's config.
    ConfigValueWrite = "config/value/write": ConfigValueWriteParams => ConfigWriteResponse;
    /// Writes several values into the user's config, or none of them.
    ConfigBatchWrite = "config/batchWrite": ConfigBatchWriteParams => ConfigWriteResponse;
    /// Reads what an administrator demands.
    ConfigRequirementsRead = "configRequirements/read": NoParams => ConfigRequirementsReadResponse;
}
