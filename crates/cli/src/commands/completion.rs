//! `quire completion`: scripts that let a shell complete our command line.
//!
//! Nothing but the command tree goes in; no home, no configuration. Started as `codex`, the tree is the reference's:
//! what only we have is left out, so that the script is the one its users know.

use clap::{Args, Command};
use clap_complete::Shell;

use super::Outer;
use crate::exit::{Exit, print};
use crate::program::Program;
use crate::root;

/// Arguments of `completion`.
#[derive(Debug, Args)]
pub(crate) struct CompletionArgs {
    /// The shell.
    #[arg(value_name = "SHELL", value_enum, default_value_t = Shell::Bash)]
    pub(crate) shell: Shell,
}

/// Runs the command.
pub(crate) fn run(args: &CompletionArgs, outer: &Outer) -> Exit {
    print(&script(args.shell, outer.program))
}

/// The script for a shell.
fn script(shell: Shell, program: Program) -> String {
    let mut tree = match program {
        Program::Quire => root::command(program),
        Program::Codex => shared_with_the_reference(&root::command(program), ""),
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut tree, program.command(), &mut script);
    // It is made of our own names and texts, so nothing is lost here.
    String::from_utf8_lossy(&script).into_owned()
}

/// The tree without commands and flags of our own. Nothing can be taken out of a command, so those that have something of
/// our own in or below them are made anew from the rest. `path` is the command's, with a space behind; the root's is empty.
fn shared_with_the_reference(command: &Command, path: &str) -> Command {
    let own_flags = root::own_flags(path.trim_end());
    let below = |child: &Command| format!("{path}{} ", child.get_name());
    let children: Vec<_> = command
        .get_subcommands()
        .filter(|child| !root::is_own_command(below(child).trim_end()))
        .map(|child| shared_with_the_reference(child, &below(child)))
        .collect();
    let flags = command.get_arguments().filter(|arg| !own_flags.contains(&arg.get_id().as_str()));
    let names = |names: &mut dyn Iterator<Item = &str>| names.map(str::to_owned).collect::<Vec<_>>();
    let mut twin = Command::new(command.get_name().to_owned())
        .visible_aliases(names(&mut command.get_visible_aliases()))
        .hide(command.is_hide_set())
        .args(flags)
        .subcommands(children);
    if let Some(about) = command.get_about() {
        twin = twin.about(about.clone());
    }
    if let Some(version) = command.get_version() {
        twin = twin.version(version.to_owned());
    }
    twin
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_we_have_is_in_our_script_alone() {
        for (program, present) in [(Program::Quire, true), (Program::Codex, false)] {
            for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::Elvish, Shell::PowerShell] {
                let script = script(shell, program);
                for word in ["demo", "record"] {
                    assert_eq!(script.contains(word), present, "{word} for {shell} as {}", program.command());
                }
                assert!(script.contains("full-auto"), "hidden flags are completed by {shell}");
            }
        }
    }
}
