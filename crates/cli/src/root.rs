//! The root command: parses, names itself, hands over to one file of `commands/`.

use std::ffi::OsString;

use clap::{Command, CommandFactory, FromArgMatches, Parser, Subcommand};
use quire_exec::args::{self, ExecArgs, OverrideArgs, close_image_lists};

use crate::commands::interactive::{self, InteractiveArgs};
use crate::commands::{self, Outer};
use crate::exit::Exit;
use crate::program::Program;
use crate::refusals;

/// A coding agent for the terminal.
///
/// Without a command: the interactive mode.
#[derive(Debug, Parser)]
#[command(disable_help_subcommand = false, subcommand_negates_reqs = true)]
pub(crate) struct Root {
    /// Flags every level has.
    #[command(flatten)]
    pub(crate) overrides: OverrideArgs,
    /// Flags of the interactive mode, handed down to commands that run an agent.
    #[command(flatten)]
    pub(crate) flags: InteractiveArgs,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Option<RootCommand>,
    /// What to begin the interactive mode with.
    #[arg(value_name = "PROMPT", value_hint = clap::ValueHint::Other)]
    pub(crate) prompt: Option<String>,
}

/// The commands, in the order of the help text.
#[derive(Debug, Subcommand)]
pub(crate) enum RootCommand {
    /// Run one task without a person: for scripts, pipes and SDKs.
    #[command(visible_alias = "e")]
    Exec(Box<ExecArgs>),
    /// Review changes of the repository, without a person.
    Review(commands::review::ReviewCommandArgs),
    /// Sign in to the model provider.
    Login(commands::login::LoginArgs),
    /// Forget the stored credentials.
    Logout,
    /// Manage MCP servers.
    Mcp(commands::mcp::McpArgs),
    /// Manage plugins.
    Plugin(commands::plugin::PluginArgs),
    /// Be an MCP server on standard input and output.
    McpServer(commands::mcp_server::McpServerArgs),
    /// Serve editors and other programs (experimental).
    AppServer(Box<commands::app_server::AppServerArgs>),
    /// Serve other machines (experimental).
    RemoteControl(commands::remote_control::RemoteControlArgs),
    /// Print a script that completes this command line in a shell.
    Completion(commands::completion::CompletionArgs),
    /// Bring this program up to date.
    Update,
    /// Find out what is wrong with the installation, the configuration or the network.
    Doctor(commands::doctor::DoctorArgs),
    /// Run a command in the sandbox.
    Sandbox(commands::sandbox::SandboxArgs),
    /// Look behind the scenes.
    Debug(commands::debug::DebugArgs),
    /// Try command rules out.
    #[command(hide = true)]
    Execpolicy(commands::execpolicy::ExecpolicyArgs),
    /// Apply the change of a cloud task to the working tree.
    #[command(visible_alias = "a")]
    Apply(commands::apply::ApplyArgs),
    /// Go on with an earlier session.
    Resume(Box<commands::resume::ResumeArgs>),
    /// Put a session out of sight.
    Archive(Box<commands::archive::ArchiveArgs>),
    /// Bring an archived session back.
    Unarchive(Box<commands::archive::ArchiveArgs>),
    /// Begin a session with what another one holds.
    Fork(Box<commands::fork::ForkArgs>),
    /// Work with cloud tasks (experimental).
    #[command(alias = "cloud-tasks")]
    Cloud(commands::cloud::CloudArgs),
    /// Forward model requests with a key that clients do not see.
    #[command(hide = true)]
    ResponsesApiProxy(commands::responses_api_proxy::ResponsesApiProxyArgs),
    /// Relay standard input and output to a Unix socket.
    #[command(hide = true, name = "stdio-to-uds")]
    StdioToUds(commands::stdio_to_uds::StdioToUdsArgs),
    /// Offer commands and files of this machine to an agent elsewhere (experimental).
    ExecServer(commands::exec_server::ExecServerArgs),
    /// List and switch feature flags.
    Features(commands::features::FeaturesArgs),
    /// Show what the configuration comes to.
    Config(commands::config::ConfigArgs),
    /// Watch a session that needs no key and no network.
    Demo(commands::demo::DemoArgs),
}

/// Parses `argv` and does what it says.
pub(crate) fn run(argv: Vec<OsString>) -> Exit {
    let program = Program::of(argv.first().map(OsString::as_os_str));
    let root = match parse(program, argv) {
        Ok(root) => root,
        Err(error) => return show(&error),
    };
    if let Err(refusal) = refusals::check(program, &root) {
        return Exit::error(refusal);
    }
    let outer = Outer { program, overrides: root.overrides, flags: root.flags };
    match root.command {
        None => interactive::run(&outer.flags, &outer, ""),
        Some(command) => dispatch(command, outer),
    }
}

fn dispatch(command: RootCommand, outer: Outer) -> Exit {
    match command {
        RootCommand::Exec(mut args) => {
            args.shared.inherit(&outer.flags.shared);
            commands::exec::run(*args, outer.overrides)
        }
        RootCommand::Review(args) => commands::review::run(args, outer),
        RootCommand::Login(args) => commands::login::run(args, &outer),
        RootCommand::Logout => commands::logout::run(&outer),
        RootCommand::Mcp(args) => commands::mcp::run(&args, &outer),
        RootCommand::Plugin(args) => commands::plugin::run(&args, &outer),
        RootCommand::McpServer(args) => commands::mcp_server::run(&args, &outer),
        RootCommand::AppServer(args) => commands::app_server::run(&args, &outer),
        RootCommand::RemoteControl(args) => commands::remote_control::run(&args, &outer),
        RootCommand::Completion(args) => commands::completion::run(&args, &outer),
        RootCommand::Update => commands::update::run(&outer),
        RootCommand::Doctor(args) => commands::doctor::run(&args, &outer),
        RootCommand::Sandbox(args) => commands::sandbox::run(&args, &outer),
        RootCommand::Debug(args) => commands::debug::run(args, outer),
        RootCommand::Execpolicy(args) => commands::execpolicy::run(&args, &outer),
        RootCommand::Apply(args) => commands::apply::run(&args, &outer),
        RootCommand::Resume(args) => commands::resume::run(*args, &outer),
        RootCommand::Archive(args) => commands::archive::run(*args, &outer, "archive"),
        RootCommand::Unarchive(args) => commands::archive::run(*args, &outer, "unarchive"),
        RootCommand::Fork(args) => commands::fork::run(*args, &outer),
        RootCommand::Cloud(args) => commands::cloud::run(&args, &outer),
        RootCommand::ResponsesApiProxy(args) => commands::responses_api_proxy::run(&args, &outer),
        RootCommand::StdioToUds(args) => commands::stdio_to_uds::run(&args),
        RootCommand::ExecServer(args) => commands::exec_server::run(&args, &outer),
        RootCommand::Features(args) => commands::features::run(&args, &outer),
        RootCommand::Config(args) => commands::config::run(&args, &outer),
        RootCommand::Demo(args) => commands::demo::run(args, outer.program),
    }
}

/// Parses `argv` under the name the program goes by.
pub(crate) fn parse(program: Program, argv: Vec<OsString>) -> Result<Root, clap::Error> {
    let mut command = command(program);
    let argv = if means_exec(&command, &argv) { close_image_lists(argv) } else { argv };
    let matches = command.try_get_matches_from_mut(argv)?;
    Root::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// Whether the first word that names a command names `exec`. In `mcp add x docker exec -i box resume` it does not, and
/// nothing of another program's command line may be touched.
fn means_exec(command: &Command, argv: &[OsString]) -> bool {
    let named = |word: &OsString| {
        command
            .get_subcommands()
            .find(|child| word == child.get_name() || child.get_all_aliases().any(|alias| word == alias))
    };
    let mut words = argv.iter().skip(1).take_while(|word| *word != "--");
    words.find_map(named).is_some_and(|child| child.get_name() == "exec")
}

/// Whether a command of the root is our own. Run as `codex`, these parse but are not shown.
pub(crate) fn is_own_command(path: &str) -> bool {
    matches!(path, "config" | "demo")
}

/// Flags of a command that are our own. Run as `codex`, they are not shown either.
pub(crate) fn own_flags(path: &str) -> &'static [&'static str] {
    match path {
        "exec" => &["record"],
        "doctor" => &["online"],
        "features list" => &["json", "changed"],
        _ => &[],
    }
}

/// Flags of the interactive mode behind the shared ones, as completion scripts list them.
const INTERACTIVE: [&str; 4] = ["bypass_sandbox", "ask_for_approval", "search", "no_alt_screen"];

/// The whole command tree.
pub(crate) fn command(program: Program) -> Command {
    let (name, version) = (program.command(), program.version());
    with_interactive_flags(Root::command())
        .name(program.display_name())
        .bin_name(name)
        .version(version)
        .override_usage(format!("{name} [OPTIONS] [PROMPT]\n       {name} [OPTIONS] <COMMAND> [ARGS]"))
        .mut_subcommands(|command| dress(command, "", program))
}

/// What depends on the name the program goes by, and what a derive cannot say.
fn dress(command: Command, parent: &str, program: Program) -> Command {
    let (name, version) = (program.command(), program.version());
    let path = format!("{parent}{}", command.get_name());
    let command = match path.as_str() {
        "exec" => args::finish(command).version(version).override_usage(format!(
            "{name} exec [OPTIONS] [PROMPT]\n       {name} exec [OPTIONS] <COMMAND> [ARGS]"
        )),
        "resume" | "fork" => with_interactive_flags(command).version(version),
        "cloud" => command.version(version),
        "archive" | "unarchive" => args::arrange(
            command.mut_arg("strict_config", |arg| arg.display_order(100)),
            &["strict_config", "config"],
        ),
        "mcp add" => {
            command.override_usage(format!("{name} mcp add [OPTIONS] <NAME> (--url <URL> | -- <COMMAND>...)"))
        }
        path if is_own_command(path) => command.hide(program == Program::Codex),
        _ => command,
    };
    let below = format!("{path} ");
    own_flags(&path)
        .iter()
        .fold(command, |command, flag| command.mut_arg(flag, |arg| arg.hide(program == Program::Codex)))
        .mut_subcommands(|command| dress(command, &below, program))
}

/// A command with the flags of the interactive mode.
fn with_interactive_flags(command: Command) -> Command {
    let command = command.mut_arg("bypass_sandbox", |arg| arg.conflicts_with("ask_for_approval"));
    args::arrange(command, &INTERACTIVE)
}

/// Help and version go to standard output, mistakes to standard error.
fn show(error: &clap::Error) -> Exit {
    // Nothing can be done about a closed stream.
    let _closed = error.print();
    match u8::try_from(error.exit_code()) {
        Ok(code) => Exit::Code(code),
        Err(_) => Exit::USAGE,
    }
}

#[cfg(test)]
mod tests;
