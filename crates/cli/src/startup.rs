//! What every command that runs an agent does first: home, `.env`, logging, helper folder, engine.
//!
//! A newcomer's trap: this changes the environment of the process, so it runs while there is a single thread.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use quire_appserver::{AppServer, AppServerOptions};
use quire_config::LoadOptions;
use quire_config::home::{self, CodexHome};
use quire_engine::{ClientInfo, Engine, EngineOptions, RandomIds, SystemClock};
use quire_exec::args::OverrideArgs;
use quire_models::ExchangeRecorder;
use quire_protocol::SessionSource;

use crate::arg0::HelperFolder;
use crate::exit::{Exit, say};
use crate::logging;
use crate::voice::Voice;

/// Replaces the originator that providers see.
const ORIGINATOR_OVERRIDE: &str = "CODEX_INTERNAL_ORIGINATOR_OVERRIDE";

/// What is known once the process is set up. Dropping it removes the helper folder.
pub(crate) struct Startup {
    /// The home.
    pub(crate) home: CodexHome,
    /// The working folder.
    pub(crate) cwd: PathBuf,
    executable: PathBuf,
    env: Vec<(OsString, OsString)>,
    helper: Option<HelperFolder>,
}

/// Whether a person is told that there is no helper folder.
#[derive(Clone, Copy)]
enum Helper {
    Wanted,
    IfPossible,
}

impl Startup {
    /// Sets the process up. Only while it has one thread.
    pub(crate) fn begin(voice: Voice) -> Result<Self, Exit> {
        let home = home::resolve(|name| std::env::var_os(name)).map_err(|error| voice.home(&error))?;
        let cwd = std::env::current_dir()
            .map_err(|error| Exit::error(format_args!("the working folder cannot be used: {error}")))?;
        Self::with(home, cwd, Helper::Wanted)
    }

    /// The same for a home and a working folder that need no finding.
    pub(crate) fn in_folder(home: CodexHome, cwd: PathBuf) -> Result<Self, Exit> {
        Self::with(home, cwd, Helper::IfPossible)
    }

    fn with(home: CodexHome, cwd: PathBuf, helper: Helper) -> Result<Self, Exit> {
        match quire_config::dotenv::load(&home.dotenv_file()) {
            Ok(variables) => set_variables(variables),
            Err(error) => {
                say(format_args!("warning: {} cannot be read: {error}", home.dotenv_file().display()));
            }
        }
        logging::start(std::env::var_os("RUST_LOG").as_deref());
        let executable = std::env::current_exe()
            .map_err(|error| Exit::error(format_args!("cannot tell where this program lies: {error}")))?;
        let folder = HelperFolder::create(home.as_path(), &executable, &std::env::temp_dir());
        if let (Err(error), Helper::Wanted) = (&folder, helper) {
            say(format_args!("WARNING: proceeding, even though we could not update PATH: {error}"));
        }
        let folder = folder.ok();
        let env = environment(folder.as_ref());
        Ok(Self { home, cwd, executable, env, helper: folder })
    }

    /// This program.
    pub(crate) fn executable(&self) -> &Path {
        &self.executable
    }

    /// The environment for commands.
    pub(crate) fn env(&self) -> &[(OsString, OsString)] {
        &self.env
    }

    /// The folder with the links children call this program by, when there is one.
    pub(crate) fn helper_folder(&self) -> Option<&Path> {
        self.helper.as_ref().map(HelperFolder::path)
    }

    /// Where every configuration begins.
    pub(crate) fn load_options(&self) -> LoadOptions {
        let mut options = LoadOptions::new(self.home.clone(), self.cwd.clone());
        options.env = Arc::new(|name| std::env::var(name).ok());
        options.git_root = Arc::new(quire_repo::main_worktree_root);
        options.typed.additional_readable_roots =
            self.executable.parent().map(Path::to_owned).into_iter().collect();
        options
    }

    /// The same with what the command line says for every command.
    pub(crate) fn options_with(&self, overrides: &OverrideArgs) -> LoadOptions {
        let mut options = self.load_options();
        options.cli_overrides.clone_from(&overrides.config);
        options.enable.clone_from(&overrides.enable);
        options.disable.clone_from(&overrides.disable);
        options
    }

    /// An app server whose threads come from this front end.
    pub(crate) fn app_server(
        &self,
        config: LoadOptions,
        source: SessionSource,
        recorder: Option<Arc<dyn ExchangeRecorder>>,
    ) -> AppServer {
        let (home, helper_exe, env) =
            (self.home.as_path().to_owned(), self.executable.clone(), self.env.clone());
        let originator = std::env::var(ORIGINATOR_OVERRIDE).ok().filter(|name| !name.is_empty());
        let engine = move |client: ClientInfo| {
            Engine::new(EngineOptions {
                home: home.clone(),
                originator: originator.clone().unwrap_or_else(|| client.name.clone()),
                client,
                helper_exe: helper_exe.clone(),
                env: env.clone(),
                clock: Arc::new(SystemClock),
                ids: Arc::new(RandomIds),
                recorder: recorder.clone(),
            })
        };
        AppServer::new(AppServerOptions {
            engine: Box::new(engine),
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            config,
            source,
        })
    }
}

/// The environment for commands: ours, with the helper folder in front of PATH.
fn environment(helper: Option<&HelperFolder>) -> Vec<(OsString, OsString)> {
    let mut env: Vec<_> = std::env::vars_os().collect();
    if let Some(helper) = helper {
        let path = helper.path_with(std::env::var_os("PATH").as_deref());
        match env.iter_mut().find(|(name, _)| name == "PATH") {
            Some((_, value)) => *value = path,
            None => env.push(("PATH".into(), path)),
        }
    }
    env
}

#[allow(unsafe_code)]
fn set_variables(variables: Vec<(String, String)>) {
    for (name, value) in variables {
        // SAFETY: the process has a single thread: this runs before the runtime and any thread of ours is started.
        unsafe { std::env::set_var(name, value) };
    }
}
