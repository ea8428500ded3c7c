//! The arguments of `exec`, `exec resume` and `exec review` (exec sheet §1, CLI sheet §1).
//!
//! One field per flag, with its names, its value and its help. Flags that may stand before or after `resume` and
//! `review` are global, so reading them from [`ExecArgs`] gives the innermost occurrence.
//! A newcomer's trap: `--image` is greedy, it takes every word up to the next option. [`close_image_lists`] is what
//! keeps `--image a.png resume ID` from taking `resume` for a picture.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;

use clap::{Args, Command, Subcommand, ValueEnum, ValueHint};
use quire_config::{LoadOptions, LocalModels, ProfileName};
use quire_protocol::SandboxMode;

/// Everything `exec` can be told.
#[derive(Debug, Clone, Default, PartialEq, Args)]
#[command(disable_version_flag = false)]
pub struct ExecArgs {
    /// What to do instead of a fresh run.
    #[command(subcommand)]
    pub command: Option<ExecCommand>,
    /// Flags the root command has as well.
    #[command(flatten)]
    pub shared: SharedArgs,
    /// Work outside of git repositories too.
    #[arg(long, global = true)]
    pub skip_git_repo_check: bool,
    /// Leave no session file behind. The session cannot be resumed.
    #[arg(long, global = true)]
    pub ephemeral: bool,
    /// Run as if there were no config.toml. Credentials are still used.
    #[arg(long, global = true)]
    pub ignore_user_config: bool,
    /// Run as if there were no .rules files, neither the user's nor the project's.
    #[arg(long, global = true)]
    pub ignore_rules: bool,
    /// Old spelling of `--sandbox workspace-write`.
    #[arg(long, hide = true, global = true, conflicts_with = "bypass_sandbox")]
    pub full_auto: bool,
    /// JSON Schema that the final answer has to follow.
    #[arg(long, value_name = "FILE", global = true)]
    pub output_schema: Option<PathBuf>,
    /// When to use colours. `auto`: when standard error is a terminal.
    #[arg(long, value_name = "COLOR", value_enum, default_value_t)]
    pub color: Color,
    /// Report the run on standard output as JSON, one event per line.
    #[arg(long, alias = "experimental-json", global = true)]
    pub json: bool,
    /// Also write the final answer to this file.
    #[arg(short = 'o', long, value_name = "FILE", global = true)]
    pub output_last_message: Option<PathBuf>,
    /// Write down what the model provider answers, as a script that `quire` can play back.
    #[arg(long, value_name = "FILE", global = true)]
    pub record: Option<PathBuf>,
    /// What to do. `-` or nothing: read it from standard input. Piped input beside a prompt is handed on with it.
    #[arg(value_name = "PROMPT", value_hint = ValueHint::Other)]
    pub prompt: Option<String>,
}

/// Flags that the root command and `exec` share; the innermost value wins.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub struct SharedArgs {
    /// Refuse to start when the configuration holds keys this version does not know.
    #[arg(long)]
    pub strict_config: bool,
    /// Pictures to show the model along with the prompt. Takes every word up to the next option.
    #[arg(id = "image", short = 'i', long = "image", value_name = "FILE", num_args = 1.., value_delimiter = ',')]
    pub images: Vec<PathBuf>,
    /// The model to work with.
    #[arg(short = 'm', long, value_name = "MODEL")]
    pub model: Option<String>,
    /// Use a model that runs on this machine.
    #[arg(long)]
    pub oss: bool,
    /// What serves the model with `--oss`: lmstudio or ollama.
    #[arg(long, value_name = "OSS_PROVIDER")]
    pub local_provider: Option<String>,
    /// Lay NAME.config.toml of the home over the user's configuration.
    #[arg(short = 'p', long, value_name = "CONFIG_PROFILE_V2")]
    pub profile: Option<ProfileName>,
    /// What commands of the model may touch.
    #[arg(short = 's', long, value_name = "SANDBOX_MODE", value_enum)]
    pub sandbox: Option<Sandbox>,
    /// No sandbox and no questions. Only for machines that are sealed off already.
    #[arg(id = "bypass_sandbox", long = "dangerously-bypass-approvals-and-sandbox", alias = "yolo")]
    pub bypass_sandbox: bool,
    /// Run hooks that nobody has marked as trusted.
    #[arg(id = "bypass_hook_trust", long = "dangerously-bypass-hook-trust")]
    pub bypass_hook_trust: bool,
    /// The folder to work in.
    #[arg(short = 'C', long = "cd", value_name = "DIR")]
    pub cd: Option<PathBuf>,
    /// A further folder that commands may write to. Repeatable.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub add_dir: Vec<PathBuf>,
}

/// Flags of the root command that every level has. Each flag is replaced, not extended, by a deeper level.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct OverrideArgs {
    /// Override one configuration value for this run: a dotted key and a TOML value (or plain text).
    #[arg(id = "config", short = 'c', long = "config", value_name = "key=value", global = true)]
    pub config: Vec<String>,
    /// Turn a feature on for this run.
    #[arg(long, value_name = "FEATURE", global = true)]
    pub enable: Vec<String>,
    /// Turn a feature off for this run.
    #[arg(long, value_name = "FEATURE", global = true)]
    pub disable: Vec<String>,
}

/// What `exec` does instead of a fresh run.
#[derive(Debug, Clone, PartialEq, Subcommand)]
pub enum ExecCommand {
    /// Go on with an earlier session.
    Resume(ResumeArgs),
    /// Review changes of the repository.
    Review(ReviewArgs),
}

/// Arguments of `exec resume`.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub struct ResumeArgs {
    /// Id or name of the session. Left out with `--last`.
    #[arg(id = "session_id", value_name = "SESSION_ID")]
    pub session: Option<String>,
    /// Take the newest session of this folder.
    #[arg(long)]
    pub last: bool,
    /// With `--last`: of any folder.
    #[arg(long)]
    pub all: bool,
    /// Pictures to show the model along with the prompt.
    #[arg(
        id = "image",
        short = 'i',
        long = "image",
        value_name = "FILE",
        num_args = 1,
        value_delimiter = ','
    )]
    pub images: Vec<PathBuf>,
    /// What to do now. `-`: read it from standard input.
    #[arg(value_name = "PROMPT", value_hint = ValueHint::Other)]
    pub prompt: Option<String>,
}

/// Arguments of `exec review`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct ReviewArgs {
    /// Review what is not committed.
    #[arg(long, conflicts_with_all = ["base", "commit", "prompt"])]
    pub uncommitted: bool,
    /// Review what this branch does not have.
    #[arg(long, value_name = "BRANCH", conflicts_with_all = ["uncommitted", "commit", "prompt"])]
    pub base: Option<String>,
    /// Review what this commit changed.
    #[arg(long, value_name = "SHA", conflicts_with_all = ["uncommitted", "base", "prompt"])]
    pub commit: Option<String>,
    /// Title of the commit, for display.
    #[arg(long, value_name = "TITLE", requires = "commit")]
    pub title: Option<String>,
    /// Own words for what to review. `-`: read them from standard input.
    #[arg(value_name = "PROMPT", value_hint = ValueHint::Other)]
    pub prompt: Option<String>,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// Always.
    #[value(help = None)]
    Always,
    /// Never.
    #[value(help = None)]
    Never,
    /// When standard error is a terminal.
    #[default]
    #[value(help = None)]
    Auto,
}

/// Sandbox modes as spelled on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Sandbox {
    /// Read everything, write nothing.
    #[value(help = None)]
    ReadOnly,
    /// Write in the workspace and the temporary folders.
    #[value(help = None)]
    WorkspaceWrite,
    /// No sandbox at all.
    #[value(help = None)]
    DangerFullAccess,
}

impl From<Sandbox> for SandboxMode {
    fn from(sandbox: Sandbox) -> Self {
        match sandbox {
            Sandbox::ReadOnly => Self::ReadOnly,
            Sandbox::WorkspaceWrite => Self::WorkspaceWrite,
            Sandbox::DangerFullAccess => Self::DangerFullAccess,
        }
    }
}

impl SharedArgs {
    /// Fills what is not set here from an outer level.
    pub fn inherit(&mut self, outer: &Self) {
        self.strict_config |= outer.strict_config;
        self.oss |= outer.oss;
        self.bypass_sandbox |= outer.bypass_sandbox;
        self.bypass_hook_trust |= outer.bypass_hook_trust;
        fill(&mut self.model, outer.model.as_ref());
        fill(&mut self.local_provider, outer.local_provider.as_ref());
        fill(&mut self.profile, outer.profile.as_ref());
        fill(&mut self.cd, outer.cd.as_ref());
        self.sandbox = self.sandbox.or(outer.sandbox);
        if self.images.is_empty() {
            self.images.clone_from(&outer.images);
        }
        if self.add_dir.is_empty() {
            self.add_dir.clone_from(&outer.add_dir);
        }
    }
}

impl SharedArgs {
    /// Lays these flags over where a configuration begins. A folder that cannot be used is an error.
    pub fn apply(&self, options: &mut LoadOptions) -> io::Result<()> {
        if let Some(folder) = &self.cd {
            options.cwd = options.cwd.join(folder).canonicalize()?;
        }
        options.profile.clone_from(&self.profile);
        options.strict = self.strict_config;
        let typed = &mut options.typed;
        typed.model.clone_from(&self.model);
        typed.local_models = self.oss.then(|| LocalModels { provider: self.local_provider.clone() });
        typed.bypass_approvals_and_sandbox = self.bypass_sandbox;
        typed.sandbox_mode = if self.bypass_sandbox {
            Some(SandboxMode::DangerFullAccess)
        } else {
            self.sandbox.map(Into::into)
        };
        typed.additional_writable_roots.clone_from(&self.add_dir);
        Ok(())
    }
}

fn fill<T: Clone>(inner: &mut Option<T>, outer: Option<&T>) {
    if inner.is_none() {
        *inner = outer.cloned();
    }
}

/// Flags of `exec` in the order of the reference's completion scripts; those marked are global below `exec`.
const ORDER: [(&str, bool); 21] = [
    ("strict_config", true),
    ("image", false),
    ("oss", false),
    ("local_provider", false),
    ("profile", false),
    ("sandbox", false),
    ("cd", false),
    ("add_dir", false),
    ("model", true),
    ("bypass_sandbox", true),
    ("bypass_hook_trust", true),
    ("skip_git_repo_check", true),
    ("ephemeral", true),
    ("ignore_user_config", true),
    ("ignore_rules", true),
    ("full_auto", true),
    ("output_schema", true),
    ("color", false),
    ("json", true),
    ("output_last_message", true),
    ("record", true),
];

/// Puts the flags of `exec` in order, and makes those shared ones global that are.
pub fn finish(command: Command) -> Command {
    ORDER.iter().fold(command, |command, &(id, global)| command.mut_arg(id, |arg| arg.global(global)))
}

/// Puts these arguments behind all others, in this order (`mut_arg` moves what it touches). The order shows in
/// completion scripts alone; help sorts by where a flag was declared.
pub fn arrange(command: Command, order: &[&str]) -> Command {
    order.iter().fold(command, |command, id| command.mut_arg(id, |arg| arg))
}

/// Ends an image list of `exec` at a word that names a subcommand, by writing the list as `--image=FILE` each.
///
/// `exec --image a.png b.png resume ID` becomes `exec --image=a.png --image=b.png resume ID`. At least one picture has
/// to come before the word, and nothing behind `--` is touched.
pub fn close_image_lists(argv: Vec<OsString>) -> Vec<OsString> {
    let mut out = Vec::with_capacity(argv.len());
    let mut rest = argv.into_iter().peekable();
    let mut inside_exec = false;
    while let Some(word) = rest.next() {
        if word == "--" {
            out.push(word);
            break;
        }
        inside_exec |= word == "exec" || word == "e";
        if !inside_exec || !(word == "-i" || word == "--image") {
            out.push(word);
            continue;
        }
        let mut files = Vec::new();
        while let Some(file) =
            rest.next_if(|next| !is_option(next) && (files.is_empty() || !is_subcommand(next)))
        {
            files.push(file);
        }
        if files.is_empty() || !rest.peek().is_some_and(|next| is_subcommand(next)) {
            out.push(word);
            out.append(&mut files);
        } else {
            out.extend(files.into_iter().map(|file| {
                let mut joined = OsString::from("--image=");
                joined.push(file);
                joined
            }));
        }
    }
    out.extend(rest);
    out
}

fn is_option(word: &OsStr) -> bool {
    word.len() > 1 && word.as_encoded_bytes().starts_with(b"-")
}

fn is_subcommand(word: &OsStr) -> bool {
    word == "resume" || word == "review"
}
