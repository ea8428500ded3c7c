//! What a shell script is made of.
//!
//! A script is understood only if it is a sequence of *plain* commands: literal words, joined by `&&`, `||`, `;`, `|`
//! or newlines. One redirect, variable, subshell or comment anywhere and the whole script is opaque; there is no
//! partial understanding, because rules are applied to each command and must not miss one.

use std::path::Path;

use tree_sitter::Node;

use crate::kind::ShellKind;
use crate::tree::{children, literal, parse, text};

/// An argument vector taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decomposition {
    /// A shell script of plain commands, in order; at least one.
    Plain(Vec<Vec<String>>),
    /// A shell script that is one plain command fed by a heredoc. Rules may be applied to its words, but it must not
    /// count as harmless: what matters is in the heredoc.
    Heredoc(Vec<String>),
    /// A program called directly, or a script that is not understood: the vector is one command as it stands.
    Opaque,
}

/// Takes an argument vector apart.
pub fn decompose<S: AsRef<str>>(argv: &[S]) -> Decomposition {
    let Some(script) = shell_script(argv) else { return Decomposition::Opaque };
    if let Some(commands) = plain_commands(script) {
        Decomposition::Plain(commands)
    } else if let Some(words) = heredoc_command(script) {
        Decomposition::Heredoc(words)
    } else {
        Decomposition::Opaque
    }
}

/// The script of `[bash|zsh|sh, -lc|-c, SCRIPT]` (any path), with exactly these three arguments.
pub fn shell_script<S: AsRef<str>>(argv: &[S]) -> Option<&str> {
    let [program, flag, script] = argv else { return None };
    let kind = ShellKind::of_program(Path::new(program.as_ref()))?;
    (kind.is_posix() && matches!(flag.as_ref(), "-lc" | "-c")).then(|| script.as_ref())
}

/// The commands of a script as word lists, in order, or `None` if it is not plain.
///
/// Words are as written between their quotes: `a\ b` stays `a\ b`, `"a"'b'` becomes `ab`, globs and braces stay.
pub fn plain_commands(script: &str) -> Option<Vec<Vec<String>>> {
    let tree = parse(script)?;
    let root = tree.root_node();
    if root.has_error() {
        return None;
    }
    let mut commands = Vec::new();
    // Depth first, in source order, without recursion: `a | b | c …` nests as deep as it is long.
    let mut pending = vec![root];
    while let Some(node) = pending.pop() {
        match node.kind() {
            "command" => commands.push(command_words(node, script)?),
            "program" | "list" | "pipeline" => pending.extend(children(node).into_iter().rev()),
            "&&" | "||" | ";" | "|" => {}
            _ if !node.is_named() && text(node, script).trim().is_empty() => {}
            _ => return None,
        }
    }
    (!commands.is_empty()).then_some(commands)
}

/// The words of a script that is one plain command with one heredoc and nothing else but comments.
///
/// Only bare words are taken, as the reference does. A heredoc that runs commands itself does not count.
pub fn heredoc_command(script: &str) -> Option<Vec<String>> {
    let tree = parse(script)?;
    let root = tree.root_node();
    if root.has_error() {
        return None;
    }
    let parts: Vec<Node<'_>> = children(root).into_iter().filter(|node| node.kind() != "comment").collect();
    let [statement] = parts.as_slice() else { return None };
    let (body, redirect) = redirected_by_heredoc(*statement)?;
    let is_bare = |node: &Node<'_>| matches!(node.kind(), "command_name" | "word" | "number");
    if body.kind() != "command" || !children(body).iter().all(is_bare) {
        return None;
    }
    let mut words = command_words(body, script)?;
    for part in children(redirect) {
        match part.kind() {
            "<<" | "<<-" | "heredoc_start" | "heredoc_end" | "comment" => {}
            "heredoc_body" if !runs_commands(part, script) => {}
            // `python3 <<EOF -`: words after the delimiter belong to the command.
            "word" | "number" => words.push(literal(part, script)?),
            _ => return None,
        }
    }
    Some(words)
}

/// The two parts of a statement whose only redirect is a heredoc.
pub(crate) fn redirected_by_heredoc(statement: Node<'_>) -> Option<(Node<'_>, Node<'_>)> {
    if statement.kind() != "redirected_statement" {
        return None;
    }
    match children(statement).as_slice() {
        [body, redirect] if redirect.kind() == "heredoc_redirect" => Some((*body, *redirect)),
        _ => None,
    }
}

/// Whether the shell would run something while it reads a heredoc. Backquotes are not in the tree.
fn runs_commands(heredoc_body: Node<'_>, script: &str) -> bool {
    let mut pending = vec![heredoc_body];
    while let Some(node) = pending.pop() {
        if matches!(node.kind(), "command_substitution" | "process_substitution") {
            return true;
        }
        pending.extend(children(node));
    }
    text(heredoc_body, script).contains('`')
}

/// The words of a simple command: a bare name, then literal arguments.
fn command_words(command: Node<'_>, script: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    for part in children(command) {
        words.push(match part.kind() {
            "command_name" => match children(part).as_slice() {
                [name] if name.kind() == "word" => literal(*name, script)?,
                _ => return None,
            },
            _ if words.is_empty() => return None,
            _ => literal(part, script)?,
        });
    }
    (!words.is_empty()).then_some(words)
}
