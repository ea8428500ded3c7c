//! Shell commands that are really patches.
//!
//! A model may write a patch by way of the shell: `apply_patch <<'EOF' …`. Where a script is nothing but that, perhaps
//! after `cd DIR &&`, the patch is taken out and handled like one from the `apply_patch` tool, so that the same checks
//! and the same display apply. Every other script runs as it is, and the `apply_patch` in it is a program like any
//! other.

use std::path::Path;

use tree_sitter::Node;

use crate::kind::ShellKind;
use crate::script::redirected_by_heredoc;
use crate::tree::{children, double_quoted, parse, single_quoted, text};

const NAMES: [&str; 2] = ["apply_patch", "applypatch"];

/// What an argument vector has to do with patches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PatchInvocation {
    /// Nothing, or not in a shape that can be taken apart.
    NotPatch,
    /// It applies a patch and does nothing else.
    Patch {
        /// The text of the patch, not parsed yet.
        text: String,
        /// The directory of `cd DIR &&` as written: relative to the command's directory, absolute, or `~/…`.
        workdir: Option<String>,
    },
    /// The script itself is the text of a patch: the model forgot the command.
    Implicit,
}

/// Finds out whether running `argv` would just apply a patch.
///
/// `is_patch` says whether a text is a well-formed patch.
pub fn patch_invocation<S: AsRef<str>>(argv: &[S], is_patch: impl Fn(&str) -> bool) -> PatchInvocation {
    match argv {
        [name, patch] if NAMES.contains(&name.as_ref()) => {
            return PatchInvocation::Patch { text: patch.as_ref().to_owned(), workdir: None };
        }
        [text] if is_patch(text.as_ref()) => return PatchInvocation::Implicit,
        _ => {}
    }
    match any_shell_script(argv) {
        Some(script) if is_patch(script) => PatchInvocation::Implicit,
        Some(script) => heredoc_patch(script).unwrap_or(PatchInvocation::NotPatch),
        None => PatchInvocation::NotPatch,
    }
}

/// The script given to any shell we know, Windows ones included.
fn any_shell_script<S: AsRef<str>>(argv: &[S]) -> Option<&str> {
    let (program, rest) = argv.split_first()?;
    let kind = ShellKind::of_program(Path::new(program.as_ref()))?;
    let rest: Vec<&str> = rest.iter().map(AsRef::as_ref).collect();
    match (kind, rest.as_slice()) {
        (ShellKind::Bash | ShellKind::Zsh | ShellKind::Sh, ["-lc" | "-c", script]) => Some(script),
        (ShellKind::PowerShell, ["-NoProfile", flag, script] | [flag, script])
            if flag.eq_ignore_ascii_case("-command") =>
        {
            Some(script)
        }
        (ShellKind::Cmd, [flag, script]) if flag.eq_ignore_ascii_case("/c") => Some(script),
        _ => None,
    }
}

fn heredoc_patch(script: &str) -> Option<PatchInvocation> {
    let tree = parse(script)?;
    let root = tree.root_node();
    let [statement] = children(root).try_into().ok()?;
    let (body, redirect) = redirected_by_heredoc(statement)?;
    let text = heredoc_text(redirect, script)?;
    let workdir = match body.kind() {
        "command" => {
            is_apply_patch(body, script, false).then_some(())?;
            None
        }
        "list" => match children(body).as_slice() {
            // An argument of the second command is ignored, as the reference does.
            [cd, and, apply] if and.kind() == "&&" && is_apply_patch(*apply, script, true) => {
                Some(cd_directory(*cd, script)?)
            }
            _ => return None,
        },
        _ => return None,
    };
    Some(PatchInvocation::Patch { text, workdir })
}

/// The content of a heredoc redirect that redirects nothing else. The shell closes it at the end of the script if the
/// delimiter is missing, and so do we.
fn heredoc_text(redirect: Node<'_>, script: &str) -> Option<String> {
    let mut content = None;
    let mut is_closed = false;
    for part in children(redirect) {
        match part.kind() {
            "<<" | "<<-" | "heredoc_start" => {}
            "heredoc_body" => content = Some(text(part, script)),
            "heredoc_end" => is_closed = !part.is_missing(),
            _ => return None,
        }
    }
    content.filter(|content| is_closed || !content.is_empty()).map(str::to_owned)
}

/// The parts of a simple command after any variable assignments: its name and its arguments.
fn name_and_arguments<'a, 'tree>(
    command: Node<'tree>,
    script: &'a str,
) -> Option<(&'a str, Vec<Node<'tree>>)> {
    if command.kind() != "command" {
        return None;
    }
    let mut parts = children(command).into_iter().skip_while(|part| part.kind() == "variable_assignment");
    let [name] = children(parts.next().filter(|name| name.kind() == "command_name")?).try_into().ok()?;
    (name.kind() == "word").then(|| (text(name, script), parts.collect()))
}

fn is_apply_patch(command: Node<'_>, script: &str, may_have_arguments: bool) -> bool {
    name_and_arguments(command, script).is_some_and(|(name, arguments)| {
        NAMES.contains(&name) && (may_have_arguments || arguments.is_empty())
    })
}

/// The directory of a `cd` with one literal argument.
///
/// An argument that the shell would still change (escapes, globs) does not count: we would name another directory.
fn cd_directory(command: Node<'_>, script: &str) -> Option<String> {
    let ("cd", arguments) = name_and_arguments(command, script)? else { return None };
    let [argument] = arguments.try_into().ok()?;
    let directory = match argument.kind() {
        "word" => Some(text(argument, script)).filter(|word| !word.contains(['\\', '*', '?', '['])),
        "string" => double_quoted(argument, script).filter(|text| !text.is_empty() && !text.contains('\\')),
        "raw_string" => single_quoted(argument, script),
        _ => None,
    };
    directory.map(str::to_owned)
}
