//! The root command: parses, names itself, hands over to one file of `commands/`.

use std::ffi::OsString;

use clap::{Command, CommandFactory, FromArgMatches, Parser, Subcommand};
use quire_exec::args::{ExecArgs, OverrideArgs, SharedArgs, close_image_lists, finish};

use crate::commands;
use crate::exit::{Exit, say};
use crate::program::Program;

/// A coding agent for the terminal.
#[derive(Debug, Parser)]
#[command(disable_help_subcommand = false, subcommand_negates_reqs = true)]
pub(crate) struct Root {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Option<RootCommand>,
    /// Flags every level has.
    #[command(flatten)]
    pub(crate) overrides: OverrideArgs,
    /// Flags handed down to commands that run an agent.
    #[command(flatten)]
    pub(crate) shared: SharedArgs,
    /// Prompt of the interactive mode, which is not there yet.
    #[arg(value_name = "PROMPT", hide = true)]
    pub(crate) prompt: Option<String>,
}

/// The commands that exist.
#[derive(Debug, Subcommand)]
pub(crate) enum RootCommand {
    /// Run one task without a person: for scripts, pipes and SDKs.
    Exec(Box<ExecArgs>),
    /// Serve other programs over standard input and output.
    AppServer(commands::app_server::AppServerArgs),
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
    match root.command {
        Some(RootCommand::Exec(mut args)) => {
            args.shared.inherit(&root.shared);
            commands::exec::run(*args, root.overrides)
        }
        Some(RootCommand::AppServer(args)) => commands::app_server::run(args, root.overrides),
        Some(RootCommand::Demo(args)) => commands::demo::run(args, program),
        None => nothing_to_do(program, root.prompt.as_deref()),
    }
}

/// Parses `argv` under the name the program goes by.
pub(crate) fn parse(program: Program, argv: Vec<OsString>) -> Result<Root, clap::Error> {
    let mut command = command(program);
    let matches = command.try_get_matches_from_mut(close_image_lists(argv))?;
    Root::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// The whole command tree.
pub(crate) fn command(program: Program) -> Command {
    let name = program.command();
    Root::command()
        .name(program.display_name())
        .bin_name(name)
        .version(program.version())
        .override_usage(format!("{name} [OPTIONS] <COMMAND> [ARGS]"))
        .mut_subcommand("exec", |exec| finish(exec, name, program.version().to_owned()))
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

fn nothing_to_do(program: Program, prompt: Option<&str>) -> Exit {
    let name = program.command();
    match prompt {
        Some(word) => say(format_args!("Error: there is no command `{word}`, and no interactive mode yet.")),
        None => say("Error: there is no interactive mode yet."),
    }
    say(format_args!(
        "Commands that exist: `{name} exec PROMPT` runs one task, `{name} demo` shows a session."
    ));
    say(format_args!("For more information, try '{name} --help'."));
    Exit::FAILURE
}

#[cfg(test)]
mod tests;
