//! Everything that is decided before there is a thread: configuration, prompt, schema, repository check.
//!
//! In come arguments and the [`Host`], out goes a [`Prepared`] run or the one-line reason why there is none. Plain
//! blocking code: no runtime exists yet. The order of the checks is part of the contract (CLI sheet §4): configuration,
//! prompt (with its notice), schema, repository.

use std::io::{self, IsTerminal as _, Read, Write as _};
use std::path::{Path, PathBuf};

use quire_appserver_protocol::initialize::ClientInfo;
use quire_appserver_protocol::thread::{ThreadResumeParams, ThreadStartParams};
use quire_config::{Config, ConfigError, LoadOptions};
use quire_protocol::{ApprovalPolicy, SandboxMode, SandboxPolicy, ThreadId, ThreadSource, UserInput};
use serde_json::Value;

use crate::args::{Color, ExecArgs, ExecCommand, OverrideArgs, ResumeArgs, ReviewArgs};
use crate::human::Reasoning;
use crate::prompt::{self, PromptError, Source};
use crate::run::{HumanStyle, Plan, Style, Target, Which};

/// More standard input than this is not read.
const LARGEST_STDIN: u64 = 256 << 20;

/// What the process is told from outside, as values.
#[derive(Debug, Clone)]
pub struct Host {
    /// Name and version we introduce ourselves with.
    pub client: ClientInfo,
    /// First line of the transcript.
    pub title: String,
    /// Whether standard input is a terminal.
    pub stdin_is_terminal: bool,
    /// Whether standard output is one.
    pub stdout_is_terminal: bool,
    /// Whether standard error is one.
    pub stderr_is_terminal: bool,
}

impl Host {
    /// The process's own streams.
    pub fn of_process(client: ClientInfo, title: String) -> Self {
        Self {
            client,
            title,
            stdin_is_terminal: io::stdin().is_terminal(),
            stdout_is_terminal: io::stdout().is_terminal(),
            stderr_is_terminal: io::stderr().is_terminal(),
        }
    }
}

/// A run that can begin.
pub struct Prepared {
    /// What to do.
    pub plan: Plan,
    /// Where the configuration of its thread begins.
    pub config: LoadOptions,
}

/// Why there is no run. `Display` is the whole text for standard error, prefix included.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The working folder cannot be used.
    #[error("Error: {0}")]
    WorkingFolder(io::Error),
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// There is no prompt.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// The schema cannot be read.
    #[error("Failed to read output schema file {}: {source}", path.display())]
    SchemaUnreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The schema is no JSON.
    #[error("Output schema file {} is not valid JSON: {source}", path.display())]
    SchemaNoJson {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// The folder is not in a git repository.
    #[error("Not inside a trusted directory and --skip-git-repo-check was not specified.")]
    OutsideRepository,
    /// `resume` without saying what.
    #[error("Error: which session? Give its id or name, or `--last` for the newest one.")]
    NoSession,
    /// `review` without saying what.
    #[error("Error: Specify --uncommitted, --base, --commit, or provide custom review instructions")]
    NothingToReview,
    /// `review` at all.
    #[error(
        "Error: `exec review` is not there yet. Ask for a review in words: `exec \"review the uncommitted changes\"`."
    )]
    NoReviewYet,
}

/// Decides everything about a run. `base` says where the home is and how to find repositories.
pub fn prepare(
    args: ExecArgs,
    overrides: OverrideArgs,
    host: &Host,
    base: LoadOptions,
) -> Result<Prepared, PrepareError> {
    if args.full_auto {
        say("warning: `--full-auto` is deprecated; use `--sandbox workspace-write` instead.");
    }
    let options = load_options(&args, overrides, base)?;
    let config = quire_config::load(options.clone())?;
    let (source, which, images) = match &args.command {
        None => (
            prompt::source(args.prompt.as_deref(), host.stdin_is_terminal)?,
            None,
            args.shared.images.clone(),
        ),
        Some(ExecCommand::Resume(resume)) => {
            let (which, prompt) = session_and_prompt(resume, &config.cwd)?;
            let prompt = prompt.or(args.prompt.as_deref());
            let images = args.shared.images.iter().chain(&resume.images).cloned().collect();
            (prompt::resume_source(prompt, host.stdin_is_terminal)?, Some(which), images)
        }
        Some(ExecCommand::Review(review)) => return Err(refuse_review(review)),
    };
    let prompt = read_prompt(source)?;
    let output_schema = args.output_schema.as_deref().map(read_schema).transpose()?;
    let is_repository = (options.git_root)(&config.cwd).is_some();
    if !is_repository && !args.skip_git_repo_check && !args.shared.bypass_sandbox {
        return Err(PrepareError::OutsideRepository);
    }
    let plan = Plan {
        client: host.client.clone(),
        target: target(which, &args, &config),
        style: style(&args, host, &config, &prompt),
        warnings: images.iter().filter_map(|image| unreadable(image)).collect(),
        input: input(prompt, images),
        output_schema,
        last_message_file: args.output_last_message,
    };
    Ok(Prepared { plan, config: options })
}

/// What the arguments say about the configuration.
fn load_options(
    args: &ExecArgs,
    overrides: OverrideArgs,
    base: LoadOptions,
) -> Result<LoadOptions, PrepareError> {
    let mut options = base;
    args.shared.apply(&mut options).map_err(PrepareError::WorkingFolder)?;
    options.cli_overrides = overrides.config;
    options.enable = overrides.enable;
    options.disable = overrides.disable;
    options.ignore_user_config = args.ignore_user_config;
    if args.full_auto && !args.shared.bypass_sandbox {
        options.typed.sandbox_mode = Some(SandboxMode::WorkspaceWrite);
    }
    options.typed.approval_policy = Some(ApprovalPolicy::Never);
    Ok(options)
}

/// With `--last` alone, the first word is the prompt.
fn session_and_prompt<'a>(
    args: &'a ResumeArgs,
    cwd: &Path,
) -> Result<(Which, Option<&'a str>), PrepareError> {
    match (&args.session, &args.prompt) {
        (prompt, None) if args.last => {
            let folder = (!args.all).then(|| cwd.to_owned());
            Ok((Which::Latest(folder), prompt.as_deref()))
        }
        (Some(session), prompt) => {
            let which = session.parse::<ThreadId>().map_or_else(|_| Which::Name(session.clone()), Which::Id);
            Ok((which, prompt.as_deref()))
        }
        (None, _) => Err(PrepareError::NoSession),
    }
}

fn refuse_review(args: &ReviewArgs) -> PrepareError {
    let ReviewArgs { uncommitted, base, commit, title: _, prompt } = args;
    if !uncommitted && base.is_none() && commit.is_none() && prompt.is_none() {
        PrepareError::NothingToReview
    } else {
        PrepareError::NoReviewYet
    }
}

fn read_prompt(source: Source) -> Result<String, PromptError> {
    if let Some(notice) = source.notice() {
        say(notice);
    }
    let mut stdin = Vec::new();
    if source.reads_stdin() {
        io::stdin()
            .lock()
            .take(LARGEST_STDIN)
            .read_to_end(&mut stdin)
            .map_err(|error| PromptError::Io(error.to_string()))?;
    }
    source.combine(&stdin)
}

fn read_schema(path: &Path) -> Result<Value, PrepareError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| PrepareError::SchemaUnreadable { path: path.to_owned(), source })?;
    serde_json::from_str(&text).map_err(|source| PrepareError::SchemaNoJson { path: path.to_owned(), source })
}

/// Pictures are named from where the program was started, whatever `--cd` says.
///
/// A picture that cannot be opened does not stop the run, but it is not passed over in silence either.
fn unreadable(image: &Path) -> Option<String> {
    let error = std::fs::File::open(image).err()?;
    Some(format!("image {} cannot be read, the model is told so: {error}", image.display()))
}

/// Pictures first, then the text.
fn input(prompt: String, images: Vec<PathBuf>) -> Vec<UserInput> {
    images
        .into_iter()
        .map(|path| UserInput::LocalImage { path, detail: None })
        .chain([UserInput::Text { text: prompt }])
        .collect()
}

fn target(which: Option<Which>, args: &ExecArgs, config: &Config) -> Target {
    let cwd = Some(config.cwd.clone());
    let approval_policy = Some(ApprovalPolicy::Never);
    // A profile that was named by its own name has no mode to say; the server finds it again.
    let sandbox =
        config.active_permission_profile.is_none().then(|| mode_of(&config.sandbox_policy)).flatten();
    match which {
        None => Target::New(Box::new(ThreadStartParams {
            cwd,
            approval_policy,
            sandbox,
            ephemeral: Some(args.ephemeral),
            thread_source: Some(ThreadSource::User),
            ..ThreadStartParams::default()
        })),
        Some(which) => Target::Stored(
            which,
            Box::new(ThreadResumeParams { cwd, approval_policy, sandbox, ..ThreadResumeParams::default() }),
        ),
    }
}

fn mode_of(policy: &SandboxPolicy) -> Option<SandboxMode> {
    match policy {
        SandboxPolicy::DangerFullAccess => Some(SandboxMode::DangerFullAccess),
        SandboxPolicy::ReadOnly { .. } => Some(SandboxMode::ReadOnly),
        SandboxPolicy::WorkspaceWrite { .. } => Some(SandboxMode::WorkspaceWrite),
        SandboxPolicy::ExternalSandbox { .. } => None,
    }
}

fn style(args: &ExecArgs, host: &Host, config: &Config, prompt: &str) -> Style {
    if args.json {
        return Style::Json;
    }
    Style::Human(HumanStyle {
        title: host.title.clone(),
        coloured: match args.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => host.stderr_is_terminal,
        },
        reasoning: if config.hide_agent_reasoning {
            Reasoning::Hidden
        } else if config.show_raw_agent_reasoning {
            Reasoning::Raw
        } else {
            Reasoning::Summary
        },
        summary: config.model_reasoning_summary.map(|summary| summary.as_str().to_owned()),
        prompt: prompt.to_owned(),
        notes: trust_note(config).filter(|_| args.command.is_none()).into_iter().collect(),
        repeats_answer: !(host.stdout_is_terminal && host.stderr_is_terminal),
    })
}

/// A new thread that may write makes its project a trusted one; people are told.
fn trust_note(config: &Config) -> Option<String> {
    let mode = mode_of(&config.sandbox_policy).filter(|_| config.active_permission_profile.is_none());
    let writes = mode.is_some_and(|mode| mode != SandboxMode::ReadOnly);
    (writes && config.project.trust.is_none()).then(|| {
        let project = config.project.trust_key.display();
        format!("{project} is now a trusted project in config.toml, because this run may write to it.")
    })
}

/// A line on standard error. Nothing can be done if it is closed.
fn say(line: &str) {
    let _closed = writeln!(io::stderr(), "{line}");
}
