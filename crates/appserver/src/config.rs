//! From the params of a request to the configuration of a thread.
//!
//! The server's own [`LoadOptions`](quire_config::LoadOptions) are the base; what a request says wins over every file
//! and flag. A request that opens a project for writing makes it a trusted one (app-server sheet §9), which is the one
//! thing written here.

use std::path::PathBuf;

use quire_appserver_protocol::RpcError;
use quire_appserver_protocol::thread::{ThreadResumeParams, ThreadStartParams};
use quire_config::{Config, ConfigEdit, EditError, LoadOptions, TrustLevel, edit};
use quire_protocol::{ApprovalPolicy, SandboxMode};
use serde_json::{Map, Value};

use crate::config_methods::told;
use crate::server::Shared;

/// What a request says about the configuration.
pub(crate) struct Overrides {
    model: Option<String>,
    model_provider: Option<String>,
    cwd: Option<PathBuf>,
    approval_policy: Option<ApprovalPolicy>,
    sandbox: Option<SandboxMode>,
    config: Option<Map<String, Value>>,
}

impl From<ThreadStartParams> for Overrides {
    fn from(params: ThreadStartParams) -> Self {
        let ThreadStartParams { model, model_provider, cwd, approval_policy, sandbox, config, .. } = params;
        Self { model, model_provider, cwd, approval_policy, sandbox, config }
    }
}

impl From<ThreadResumeParams> for Overrides {
    fn from(params: ThreadResumeParams) -> Self {
        let ThreadResumeParams { model, model_provider, cwd, approval_policy, sandbox, config, .. } = params;
        Self { model, model_provider, cwd, approval_policy, sandbox, config }
    }
}

impl Overrides {
    /// Whether the request opens a folder of its choice for writing.
    fn opens_for_writing(&self) -> bool {
        self.cwd.is_some() && self.sandbox.is_some_and(|mode| mode != SandboxMode::ReadOnly)
    }

    fn onto(self, base: &LoadOptions) -> LoadOptions {
        let mut options = base.clone();
        if let Some(cwd) = self.cwd {
            options.cwd = options.cwd.join(cwd);
        }
        let typed = &mut options.typed;
        typed.model = self.model.or(typed.model.take());
        typed.model_provider = self.model_provider.or(typed.model_provider.take());
        typed.approval_policy = self.approval_policy.or(typed.approval_policy.take());
        typed.sandbox_mode = self.sandbox.or(typed.sandbox_mode.take());
        for (key, value) in self.config.iter().flatten() {
            if let Some(literal) = toml_literal(value) {
                options.cli_overrides.push(format!("{key}={literal}"));
            }
        }
        options
    }
}

/// Whether a thread is new. Only a new one may make its project a trusted one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beginning {
    New,
    Resumed,
    /// It never begins.
    Imagined,
}

/// The configuration of a thread, and the trust entry if the request earns one. A trust entry that cannot be written is
/// a warning: the thread itself needs none.
pub(crate) async fn load(
    shared: &Shared,
    overrides: Overrides,
    beginning: Beginning,
) -> Result<Config, RpcError> {
    let opens_for_writing = overrides.opens_for_writing() && beginning == Beginning::New;
    let options = overrides.onto(&shared.options.config);
    let work = move || {
        let mut config = quire_config::load(options).map_err(|error| {
            RpcError::invalid_request(format!("failed to load configuration: {}", told(&error)))
        })?;
        if opens_for_writing
            && config.project.trust.is_none()
            && let Err(error) = trust(&config)
        {
            config.warnings.push(format!("the project could not be recorded as trusted: {error}"));
        }
        Ok(config)
    };
    let mut config = tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(RpcError::internal(format!("loading the configuration broke: {error}")))
    })?;
    shared.switches.apply(&mut config);
    Ok(config)
}

fn trust(config: &Config) -> Result<(), EditError> {
    let edit = ConfigEdit::trust(&config.project.trust_key, TrustLevel::Trusted);
    edit::apply(&config.home.config_file(), &[edit])
}

/// A JSON value in TOML; `None` for null, which TOML does not have.
fn toml_literal(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        // JSON strings and numbers are TOML as they are.
        Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
        Value::Array(values) => {
            format!("[{}]", values.iter().filter_map(toml_literal).collect::<Vec<_>>().join(", "))
        }
        Value::Object(entries) => {
            let entry = |(key, value)| Some(format!("{} = {}", Value::String(key), toml_literal(value)?));
            let entries = entries.iter().map(|(key, value)| (key.clone(), value)).filter_map(entry);
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_becomes_toml() {
        for (value, literal) in [
            (json!("a \"b\" \n"), Some(r#""a \"b\" \n""#)),
            (json!(1.5), Some("1.5")),
            (json!(true), Some("true")),
            (json!(null), None),
            (json!([1, null, "x"]), Some(r#"[1, "x"]"#)),
            (json!({"a b": 1, "c": {"d": []}, "e": null}), Some(r#"{"a b" = 1, "c" = {"d" = []}}"#)),
        ] {
            assert_eq!(toml_literal(&value).as_deref(), literal, "{value}");
        }
    }

    #[test]
    fn a_request_wins_over_the_base() {
        let mut base = LoadOptions::new(quire_config::CodexHome::at("/h"), "/w");
        base.typed.model = Some("base".into());
        base.typed.sandbox_mode = Some(SandboxMode::ReadOnly);
        base.cli_overrides = vec!["a=1".into()];
        let params = ThreadStartParams {
            cwd: Some("sub".into()),
            sandbox: Some(SandboxMode::WorkspaceWrite),
            config: json!({"b.c": "x", "d": null}).as_object().cloned(),
            ..ThreadStartParams::default()
        };
        let overrides = Overrides::from(params);
        assert!(overrides.opens_for_writing());
        let options = overrides.onto(&base);
        assert_eq!(options.cwd, PathBuf::from("/w/sub"));
        assert_eq!(options.typed.model.as_deref(), Some("base"));
        assert_eq!(options.typed.sandbox_mode, Some(SandboxMode::WorkspaceWrite));
        assert_eq!(options.cli_overrides, ["a=1", "b.c=\"x\""]);
    }
}
