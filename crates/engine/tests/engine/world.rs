//! A home, a folder, a scripted model, and an engine between them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use quire_config::{CodexHome, Config, LoadOptions};
use quire_engine::{
    ClientInfo, Engine, EngineOptions, IdSource, NewThread, RandomIds, StartedThread, SystemClock,
};
use quire_protocol::{
    Event, EventKind, Op, SessionSource, ThreadSource, TurnOverrides, TurnStatus, UserInput,
};
use quire_rehearsal::{Options, Rehearsal, Script};
use serde_json::Value;
use tempfile::TempDir;

/// Nothing here takes long; what takes longer hangs.
pub(crate) const LIMIT: Duration = Duration::from_mins(1);

pub(crate) struct World {
    _folder: TempDir,
    home: PathBuf,
    project: PathBuf,
    pub(crate) model: Rehearsal,
    pub(crate) engine: Arc<Engine>,
}

impl World {
    pub(crate) async fn new(script: Value) -> Self {
        Self::with_ids(script, Arc::new(RandomIds)).await
    }

    pub(crate) async fn with_ids(script: Value, ids: Arc<dyn IdSource>) -> Self {
        let folder = TempDir::new().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let (home, project) = (root.join("home"), root.join("project"));
        std::fs::create_dir(&home).unwrap();
        std::fs::create_dir(&project).unwrap();
        let script = Script::from_value(script, "test").unwrap();
        let model = Rehearsal::start_with(script, Options::default()).await.unwrap();
        let config = format!(
            "model = \"gpt-5.5\"\nmodel_provider = \"rehearsal\"\n[model_providers.rehearsal]\nname = \"R\"\n\
             base_url = \"{}\"\nrequest_max_retries = 0\nstream_max_retries = 0\n",
            model.base_url()
        );
        std::fs::write(home.join("config.toml"), config).unwrap();
        let engine = Engine::new(EngineOptions {
            home: home.clone(),
            originator: "test".into(),
            client: ClientInfo { name: "test".into(), version: "0".into() },
            helper_exe: root.join("no-helper"),
            env: vec![("PATH".into(), "/usr/bin:/bin".into()), ("HOME".into(), root.into())],
            clock: Arc::new(SystemClock),
            ids,
            recorder: None,
        });
        Self { _folder: folder, home, project, model, engine }
    }

    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    pub(crate) fn config(&self) -> Config {
        self.config_with(None)
    }

    pub(crate) fn config_with(&self, model: Option<&str>) -> Config {
        let mut options = LoadOptions::new(CodexHome::at(&self.home), &self.project);
        options.typed.model = model.map(str::to_owned);
        quire_config::load(options).unwrap()
    }

    pub(crate) fn new_thread() -> NewThread {
        NewThread {
            ephemeral: false,
            source: SessionSource::vscode(),
            thread_source: Some(ThreadSource::User),
            base_instructions: None,
            developer_instructions: None,
        }
    }

    pub(crate) async fn start(&self) -> StartedThread {
        self.engine.start_thread(self.config(), Self::new_thread()).await.unwrap()
    }

    /// The `input` of a sampling request.
    pub(crate) fn input(&self, request: usize) -> Vec<Value> {
        self.model.sampling_requests()[request].json()["input"].as_array().unwrap().clone()
    }

    /// The text output of a call, as the last request that carries it shows it.
    pub(crate) fn output(&self, call_id: &str) -> Option<String> {
        let requests = self.model.sampling_requests();
        requests.iter().rev().find_map(|request| Some(request.output_of(call_id)?.as_str()?.to_owned()))
    }
}

/// Something a person says.
pub(crate) fn say(text: &str) -> Op {
    Op::UserInput {
        turn_id: RandomIds.turn_id(),
        items: vec![UserInput::Text { text: text.into() }],
        overrides: Box::new(TurnOverrides::default()),
        output_schema: None,
    }
}

/// The events until one that is wanted, that one included.
pub(crate) async fn until(thread: &mut StartedThread, wanted: impl Fn(&EventKind) -> bool) -> Vec<Event> {
    let mut seen = Vec::new();
    tokio::time::timeout(LIMIT, async {
        while let Some(event) = thread.events.recv().await {
            let found = wanted(&event.kind);
            seen.push(event);
            if found {
                return;
            }
        }
        panic!("the thread ended before that: {seen:?}");
    })
    .await
    .expect("it takes too long");
    seen
}

/// Waits for the end of a turn.
pub(crate) async fn turn_end(thread: &mut StartedThread) -> (TurnStatus, Vec<Event>) {
    let events = until(thread, |kind| matches!(kind, EventKind::TurnCompleted { .. })).await;
    let Some(Event { kind: EventKind::TurnCompleted { status, .. }, .. }) = events.last() else {
        unreachable!("`until` ends with it")
    };
    (*status, events)
}

/// Ends a thread, with all that belongs to it.
pub(crate) async fn end(mut thread: StartedThread) {
    thread.handle.submit(Op::Shutdown).await.unwrap();
    until(&mut thread, |kind| matches!(kind, EventKind::ShutdownComplete)).await;
}

/// The text of a message item.
pub(crate) fn text(item: &Value) -> &str {
    item["content"][0]["text"].as_str().unwrap_or_default()
}
