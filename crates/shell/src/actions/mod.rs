//! What a command is shown as: "read a.txt", "search foo in src" instead of a line of shell.
//!
//! The summary covers a whole script or nothing: one command that is not recognised and the script is shown as it is.
//! Programs that only shape the output of others (`| head`, `| sort`) are left out. This is display, nothing may be
//! decided on it.

mod programs;

use std::path::{Component, Path, PathBuf};

use crate::display::join;
use crate::script::{plain_commands, shell_script};
use programs::Purpose;

/// One thing a command does, in terms a person reads at a glance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandAction {
    /// Shows (a part of) a file.
    Read {
        /// The command line that does it.
        command: String,
        /// The file's short name.
        name: String,
        /// Its absolute path; globs and escapes are not expanded.
        path: PathBuf,
    },
    /// Lists files.
    ListFiles {
        /// The command line that does it.
        command: String,
        /// The short name of the first place that is listed, if one is named.
        path: Option<String>,
    },
    /// Searches in files or for files.
    Search {
        /// The command line that does it.
        command: String,
        /// What is searched for.
        query: Option<String>,
        /// The short name of the first place that is searched, if one is named.
        path: Option<String>,
    },
    /// Anything else.
    Unknown {
        /// The script, or the command line of a program called directly.
        command: String,
    },
}

/// Summarises an argument vector that runs in `cwd`. Empty for scripts that only change directories.
pub fn actions<S: AsRef<str>>(argv: &[S], cwd: &Path, home: Option<&Path>) -> Vec<CommandAction> {
    let Some(script) = shell_script(argv) else {
        let words: Vec<String> = argv.iter().map(|word| word.as_ref().to_owned()).collect();
        let command = join(&words);
        let purpose = programs::purpose(&words);
        return vec![
            action(purpose, command.clone(), cwd, home).unwrap_or(CommandAction::Unknown { command }),
        ];
    };
    let known = plain_commands(script).and_then(|commands| script_actions(script, commands, cwd, home));
    known.unwrap_or_else(|| vec![CommandAction::Unknown { command: script.to_owned() }])
}

/// A command of a script, with the directory it runs in.
struct Step {
    words: Vec<String>,
    cwd: PathBuf,
}

/// Returns `None` if there is a command that is not recognised.
fn script_actions(
    script: &str,
    commands: Vec<Vec<String>>,
    cwd: &Path,
    home: Option<&Path>,
) -> Option<Vec<CommandAction>> {
    let is_single = commands.len() == 1;
    let mut steps = without_cd(commands, cwd, home);
    if steps.is_empty() {
        return Some(Vec::new());
    }
    if !is_single {
        steps.retain(|step| !programs::only_shapes_output(&step.words));
        if steps.is_empty() {
            return None;
        }
    }
    if steps.len() > 1 {
        steps.retain(|step| step.words != ["true"]);
    }
    let announcements =
        steps.iter().take_while(|step| step.words.first().is_some_and(|name| name == "echo")).count();
    steps.drain(..announcements.min(steps.len().saturating_sub(1)));

    let mut actions = Vec::new();
    for step in &steps {
        // The line of a lone command is the script's own words, quoting undone and done again.
        let command = match shlex::split(script).filter(|_| is_single) {
            Some(words) => join(&words),
            None => join(&step.words),
        };
        let action = action(programs::purpose(&step.words), command, &step.cwd, home)?;
        if actions.last() != Some(&action) {
            actions.push(action);
        }
    }
    if let [CommandAction::Read { command, .. }] = actions.as_mut_slice()
        && picks_lines_in_pipeline(script)
    {
        script.clone_into(command);
    }
    Some(actions)
}

/// Drops `cd` commands and notes where they lead.
fn without_cd(commands: Vec<Vec<String>>, cwd: &Path, home: Option<&Path>) -> Vec<Step> {
    let mut cwd = cwd.to_owned();
    let mut steps = Vec::new();
    for words in commands {
        match words.split_first() {
            Some((name, arguments)) if name == "cd" => {
                if let Some(target) = arguments.iter().rev().find(|word| !word.starts_with('-')) {
                    cwd = absolute(target, &cwd, home);
                }
            }
            _ => steps.push(Step { words, cwd: cwd.clone() }),
        }
    }
    steps
}

fn action(purpose: Purpose, command: String, cwd: &Path, home: Option<&Path>) -> Option<CommandAction> {
    match purpose {
        Purpose::Read(file) => {
            let path = absolute(&file, cwd, home);
            Some(CommandAction::Read { command, name: short_name(&file), path })
        }
        Purpose::List(place) => {
            Some(CommandAction::ListFiles { command, path: place.map(|place| short_name(&place)) })
        }
        Purpose::Search { query, place } => {
            Some(CommandAction::Search { command, query, path: place.map(|place| short_name(&place)) })
        }
        Purpose::Unknown => None,
    }
}

/// Whether a script pipes into or out of `sed -n`: then the lines it picks matter, and the script is shown whole.
fn picks_lines_in_pipeline(script: &str) -> bool {
    let words = shlex::split(script).unwrap_or_default();
    words.iter().any(|word| word == "|") && words.windows(2).any(|pair| pair == ["sed", "-n"])
}

/// The last telling component of a path: build output and source directories are passed over.
fn short_name(path: &str) -> String {
    let path = path.replace('\\', "/");
    let path = path.trim_end_matches('/');
    let is_telling = |name: &&str| !matches!(*name, "" | "build" | "dist" | "node_modules" | "src");
    path.rsplit('/').find(is_telling).unwrap_or(path).to_owned()
}

/// The absolute path of a word, without looking at the disk.
fn absolute(word: &str, cwd: &Path, home: Option<&Path>) -> PathBuf {
    let in_home = home.and_then(|home| Some(home.join(Path::new(word).strip_prefix("~").ok()?)));
    let mut path = PathBuf::new();
    for component in in_home.unwrap_or_else(|| cwd.join(word)).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                path.pop();
            }
            other => path.push(other),
        }
    }
    path
}
