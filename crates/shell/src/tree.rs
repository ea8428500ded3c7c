//! Shell syntax trees: parsing, and the literal value of words.
//!
//! A value is taken as it stands between its quotes. Escapes are *not* undone: `a\ b` has the value `a\ b`, and what
//! the shell would make of globs and braces is not known here.

use tree_sitter::{Node, Parser, Tree};

/// Longer scripts are not parsed; patches in heredocs are the longest sensible ones.
const MAX_SCRIPT_BYTES: usize = 16 * 1024 * 1024;

/// Parses a script with the bash grammar. The tree may contain errors.
pub(crate) fn parse(script: &str) -> Option<Tree> {
    if script.len() > MAX_SCRIPT_BYTES {
        return None;
    }
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_bash::LANGUAGE.into()).ok()?;
    parser.parse(script, None)
}

/// The children of a node, tokens included.
pub(crate) fn children(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    node.children(&mut cursor).collect()
}

/// The source text of a node.
pub(crate) fn text<'a>(node: Node<'_>, script: &'a str) -> &'a str {
    script.get(node.byte_range()).unwrap_or_default()
}

/// The value of a word, string or concatenation of them, if it contains no expansion.
pub(crate) fn literal(node: Node<'_>, script: &str) -> Option<String> {
    match node.kind() {
        // A word may have parts only where something is expanded in it.
        "word" | "number" if node.named_child_count() == 0 => Some(text(node, script).to_owned()),
        "raw_string" => unquote(text(node, script), '\'').map(str::to_owned),
        "string" => double_quoted(node, script).map(str::to_owned),
        "concatenation" => children(node).into_iter().map(|part| literal(part, script)).collect(),
        _ => None,
    }
}

/// The value of a `"…"` string without expansions.
pub(crate) fn double_quoted<'a>(node: Node<'_>, script: &'a str) -> Option<&'a str> {
    let is_plain = |part: &Node<'_>| matches!(part.kind(), "\"" | "string_content");
    children(node).iter().all(is_plain).then(|| unquote(text(node, script), '"')).flatten()
}

/// The value of a `'…'` string.
pub(crate) fn single_quoted<'a>(node: Node<'_>, script: &'a str) -> Option<&'a str> {
    unquote(text(node, script), '\'')
}

fn unquote(text: &str, quote: char) -> Option<&str> {
    text.strip_prefix(quote)?.strip_suffix(quote)
}
