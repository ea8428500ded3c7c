//! `[audio]` and `[realtime]`: voice mode.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[audio]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RealtimeAudioToml {
    /// Name of the microphone. Default: that of the system.
    pub microphone: Option<String>,
    /// Name of the loudspeaker. Default: that of the system.
    pub speaker: Option<String>,
}

/// `[realtime]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RealtimeToml {
    /// Version of the protocol.
    pub version: Option<RealtimeVersion>,
    /// What a session does.
    pub r#type: Option<RealtimeType>,
    /// How sound travels.
    pub transport: Option<RealtimeTransport>,
    /// Voice of the model.
    pub voice: Option<RealtimeVoice>,
}

/// `realtime.version`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RealtimeVersion {
    /// First.
    V1,
    /// Second.
    V2,
}

/// `realtime.type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RealtimeType {
    /// The model answers.
    Conversational,
    /// The model writes down what is said.
    Transcription,
}

/// `realtime.transport`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RealtimeTransport {
    /// WebRTC.
    Webrtc,
    /// A WebSocket.
    Websocket,
}

macro_rules! voices {
    ($($name:ident)+) => {
        /// `realtime.voice`: the provider's names.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "lowercase")]
        #[allow(missing_docs)] // The names are all there is to say.
        pub enum RealtimeVoice { $($name,)+ }
    };
}

voices! {
    Alloy Arbor Ash Ballad Breeze Cedar Coral Cove Echo Ember Juniper Maple Marin Sage Shimmer Sol Spruce Vale Verse
}
