//! `[otel]`, `[analytics]`, `[feedback]`: what is told to others. Nothing is, unless these tables say so.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[analytics]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AnalyticsConfigToml {
    /// Whether usage statistics are sent. Default: false.
    pub enabled: Option<bool>,
}

/// `[feedback]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FeedbackConfigToml {
    /// Whether the feedback command is offered. Default: true.
    pub enabled: Option<bool>,
}

/// `[otel]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OtelConfigToml {
    /// Whether prompts are part of what is logged. Default: false.
    pub log_user_prompt: Option<bool>,
    /// Name of the environment that is told. Default: dev.
    pub environment: Option<String>,
    /// Where logs are sent. Default: none.
    pub exporter: Option<OtelExporterKind>,
    /// Where traces are sent. Default: none.
    pub trace_exporter: Option<OtelExporterKind>,
    /// Where metrics are sent. Default: none.
    pub metrics_exporter: Option<OtelExporterKind>,
    /// Attributes of every span.
    pub span_attributes: Option<BTreeMap<String, String>>,
    /// Members of the trace state, by vendor.
    pub tracestate: Option<BTreeMap<String, BTreeMap<String, String>>>,
}

/// Where telemetry is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OtelExporterKind {
    /// Nowhere.
    None,
    /// The reference's own service; nothing is sent by us.
    Statsig,
    /// An OTLP collector, over HTTP.
    OtlpHttp {
        /// Its address.
        endpoint: String,
        /// Headers of every request.
        #[serde(default)]
        headers: BTreeMap<String, String>,
        /// Encoding of the requests.
        protocol: OtelHttpProtocol,
        /// Certificates.
        tls: Option<OtelTlsConfig>,
    },
    /// An OTLP collector, over gRPC.
    OtlpGrpc {
        /// Its address.
        endpoint: String,
        /// Metadata of every request.
        #[serde(default)]
        headers: BTreeMap<String, String>,
        /// Certificates.
        tls: Option<OtelTlsConfig>,
    },
}

/// `otel.<exporter>.otlp-http.protocol`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OtelHttpProtocol {
    /// Protocol buffers.
    Binary,
    /// JSON.
    Json,
}

/// `otel.<exporter>.<kind>.tls`. The client's certificate and key go together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct OtelTlsConfig {
    /// PEM file of the authority that signed the collector's certificate.
    pub ca_certificate: Option<PathBuf>,
    /// PEM file of our certificate.
    pub client_certificate: Option<PathBuf>,
    /// PEM file of our key.
    pub client_private_key: Option<PathBuf>,
}
