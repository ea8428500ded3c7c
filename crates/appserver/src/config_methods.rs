//! `config/*` and `configRequirements/read` (app-server sheet §14).
//!
//! In come params, out go results; the work is `quire-config`'s. What a newcomer would get wrong: nothing is kept. Every
//! read loads the files anew, so an edit by hand shows at once, and a broken file is an error of the request and not of
//! the server.

use quire_appserver_protocol::config::{
    ConfigBatchWriteParams, ConfigLayer, ConfigLayerMetadata, ConfigLayerSource, ConfigReadParams,
    ConfigReadResponse, ConfigRequirementsReadResponse, ConfigValueWriteParams, ConfigWriteResponse,
    MergeStrategy, OverriddenMetadata, WriteStatus,
};
use quire_appserver_protocol::{RpcError, rpc};
use quire_config::write::{self, Overridden, ValueEdit, WriteError, WriteRequest, Written};
use quire_config::{Config, ConfigError, Layer, LayerSource, LoadOptions};
use serde_json::{Value, json};

use crate::features;
use crate::server::Shared;

/// `config/read`.
pub(crate) async fn read(shared: &Shared, params: ConfigReadParams) -> Result<ConfigReadResponse, RpcError> {
    let mut options = shared.options.config.clone();
    match params.cwd {
        Some(cwd) => options.cwd = quire_config::without_dots(&options.cwd.join(cwd)),
        None => options.projects = false,
    }
    let config = load(options).await?.map_err(|error| unreadable(&error))?;
    let layers = || config.layers.iter().filter(|layer| is_listed(layer)).map(layer).collect();
    Ok(ConfigReadResponse {
        origins: origins(&config),
        layers: params.include_layers.then(layers),
        config: shown(shared, &config)?,
    })
}

/// `config/value/write`.
pub(crate) async fn value_write(
    shared: &Shared,
    params: ConfigValueWriteParams,
) -> Result<ConfigWriteResponse, RpcError> {
    let ConfigValueWriteParams { key_path, value, merge_strategy, file_path, expected_version } = params;
    let edits = vec![ValueEdit { key_path, value, merge: strategy(merge_strategy) }];
    write(shared, WriteRequest { edits, file: file_path, expected_version }).await
}

/// `config/batchWrite`.
pub(crate) async fn batch_write(
    shared: &Shared,
    params: ConfigBatchWriteParams,
) -> Result<ConfigWriteResponse, RpcError> {
    let edit = |edit: quire_appserver_protocol::config::ConfigEdit| ValueEdit {
        key_path: edit.key_path,
        value: edit.value,
        merge: strategy(edit.merge_strategy),
    };
    let edits = params.edits.into_iter().map(edit).collect();
    write(shared, WriteRequest { edits, file: params.file_path, expected_version: params.expected_version })
        .await
}

/// `configRequirements/read`. Values that do not fit are nothing to it, files that cannot be read are.
pub(crate) async fn requirements(shared: &Shared) -> Result<ConfigRequirementsReadResponse, RpcError> {
    let options = shared.options.config.clone();
    let found = tokio::task::spawn_blocking(move || quire_config::load_requirements(&options))
        .await
        .map_err(|error| RpcError::internal(format!("loading the requirements broke: {error}")))?
        .map_err(|error| unreadable(&error))?;
    let requirements = found
        .map(|found| serde_json::to_value(found.view()))
        .transpose()
        .map_err(|error| RpcError::internal(format!("the requirements cannot be shown: {error}")))?;
    Ok(ConfigRequirementsReadResponse { requirements })
}

/// Loads a config off the async threads.
pub(crate) async fn load(options: LoadOptions) -> Result<Result<Config, ConfigError>, RpcError> {
    tokio::task::spawn_blocking(move || quire_config::load(options))
        .await
        .map_err(|error| RpcError::internal(format!("loading the configuration broke: {error}")))
}

/// A config error as clients read it: the place first, if there is one.
pub(crate) fn told(error: &ConfigError) -> String {
    match (error, error.location()) {
        (ConfigError::ProjectSyntax { .. }, _) => {
            let text = error.to_string();
            text.strip_prefix("Error loading config.toml: ").unwrap_or(&text).to_owned()
        }
        (_, Some(location)) => format!("{location}: {}", error.message()),
        (_, None) => error.message(),
    }
}

/// Why there is nothing to read. A wrong value is told with its key, since it may come from any layer.
fn unreadable(error: &ConfigError) -> RpcError {
    RpcError::internal(match error {
        ConfigError::Value { path, message, .. } => {
            format!("invalid configuration: {message}\nin `{path}`\n")
        }
        ConfigError::Invalid(_) => format!("the configuration contradicts itself: {}", told(error)),
        _ => format!("the configuration cannot be read: {}", told(error)),
    })
}

async fn write(shared: &Shared, request: WriteRequest) -> Result<ConfigWriteResponse, RpcError> {
    let options = shared.options.config.clone();
    tokio::task::spawn_blocking(move || write::write(&options, &request))
        .await
        .map_err(|error| RpcError::internal(format!("writing the configuration broke: {error}")))?
        .map(written)
        .map_err(|error| refusal(&error))
}

fn written(done: Written) -> ConfigWriteResponse {
    ConfigWriteResponse {
        status: if done.overridden.is_some() { WriteStatus::OkOverridden } else { WriteStatus::Ok },
        version: done.version,
        file_path: done.file,
        overridden_metadata: done.overridden.map(overridden),
    }
}

fn overridden(by: Overridden) -> OverriddenMetadata {
    let message = match &by.layer {
        LayerSource::SessionFlags => "Overridden by session flags".to_owned(),
        LayerSource::Project { dot_codex_folder } => {
            format!("Overridden by the project's config in {}", dot_codex_folder.display())
        }
        LayerSource::System { file }
        | LayerSource::User { file, .. }
        | LayerSource::LegacyManagedFile { file } => format!("Overridden by {}", file.display()),
    };
    OverriddenMetadata {
        message,
        overriding_layer: ConfigLayerMetadata { name: source(by.layer), version: by.version },
        effective_value: by.effective,
    }
}

fn refusal(error: &WriteError) -> RpcError {
    match (error.code(), error) {
        (Some(code), _) => RpcError {
            code: rpc::INVALID_REQUEST,
            message: error.to_string(),
            data: Some(json!({"config_write_error_code": code})),
        },
        (None, WriteError::Load(error)) => {
            RpcError::internal(format!("failed to load configuration: {}", told(error)))
        }
        (None, error) => RpcError::internal(error.to_string()),
    }
}

const fn strategy(merge: MergeStrategy) -> write::MergeStrategy {
    match merge {
        MergeStrategy::Replace => write::MergeStrategy::Replace,
        MergeStrategy::Upsert => write::MergeStrategy::Upsert,
    }
}

/// The keys as written, with the flags a running server can switch.
fn shown(shared: &Shared, config: &Config) -> Result<Value, RpcError> {
    let mut all = serde_json::to_value(&*config.written)
        .map_err(|error| RpcError::internal(format!("the configuration cannot be shown: {error}")))?;
    if let Value::Object(keys) = &mut all {
        let flags = keys.entry("features").or_insert_with(|| json!({}));
        if flags.is_null() {
            *flags = json!({});
        }
        if let Value::Object(flags) = flags {
            for (feature, on) in features::switchable(shared, config) {
                flags.insert(feature.key().to_owned(), on.into());
            }
        }
    }
    Ok(all)
}

fn origins(config: &Config) -> std::collections::BTreeMap<String, ConfigLayerMetadata> {
    let versions: Vec<_> = config.layers.iter().map(|layer| (&layer.source, layer.version())).collect();
    let version = |source: &LayerSource| {
        versions.iter().find(|(known, _)| *known == source).map(|(_, version)| version.clone())
    };
    config
        .origins()
        .into_iter()
        .filter_map(|(path, from)| {
            let version = version(&from)?;
            Some((path, ConfigLayerMetadata { name: source(from), version }))
        })
        .collect()
}

/// Files are listed even if they are empty or missing; flags only if there are any.
fn is_listed(layer: &Layer) -> bool {
    layer.source != LayerSource::SessionFlags || !layer.table.is_empty()
}

fn layer(layer: &Layer) -> ConfigLayer {
    ConfigLayer {
        name: source(layer.source.clone()),
        version: layer.version(),
        config: layer.json(),
        disabled_reason: layer.disabled.map(|reason| reason.to_string()),
    }
}

fn source(source: LayerSource) -> ConfigLayerSource {
    match source {
        LayerSource::System { file } => ConfigLayerSource::System { file },
        LayerSource::User { file, profile } => ConfigLayerSource::User { file, profile },
        LayerSource::Project { dot_codex_folder } => ConfigLayerSource::Project { dot_codex_folder },
        LayerSource::SessionFlags => ConfigLayerSource::SessionFlags,
        LayerSource::LegacyManagedFile { file } => {
            ConfigLayerSource::LegacyManagedConfigTomlFromFile { file }
        }
    }
}
