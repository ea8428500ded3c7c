//! From a key path or a byte offset to the line a person looks at.
//!
//! In comes the text of a config file; out goes a [`Location`] with 1-based line and column and a caret excerpt. Columns
//! count characters, not bytes. What a newcomer would get wrong: an error at the very end of a file that ends with a
//! newline belongs to the last line, one column behind the newline, not to an empty line below it.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml_edit::{Document, Item, TableLike, Value};

use crate::key_path::{KeyPath, Segment};

/// A place in a config file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The file.
    pub file: PathBuf,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Line of the last character that is meant, from 1.
    pub end_line: usize,
    /// Column of that character, from 1.
    pub end_column: usize,
    /// The line itself with carets below, in a gutter of line numbers; three lines without a final newline.
    pub excerpt: String,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

/// Which part of `key = value` is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Key,
    Value,
}

impl Location {
    /// The location of a byte range.
    pub(crate) fn of_span(file: &Path, text: &str, span: Range<usize>) -> Self {
        let (line_index, column_index) = translate(text, span.start);
        let (end_line, end_column) = translate(text, span.end.saturating_sub(1).max(span.start));
        let line_text = text.split('\n').nth(line_index).unwrap_or_default().trim_end_matches('\r');
        let rest = line_text.chars().count().saturating_sub(column_index);
        let spanned = text.get(span).map_or(1, |part| part.chars().count());
        let carets = spanned.min(rest).max(1);
        let number = (line_index + 1).to_string();
        let gutter = " ".repeat(number.len());
        let excerpt = format!(
            "{gutter} |\n{number} | {line_text}\n{gutter} | {}{}",
            " ".repeat(column_index),
            "^".repeat(carets)
        );
        Self {
            file: file.to_owned(),
            line: line_index + 1,
            column: column_index + 1,
            end_line: end_line + 1,
            end_column: end_column + 1,
            excerpt,
        }
    }

    /// The location of a key or its value; that of the nearest table around it when the file does not spell the path
    /// out, and the start of the file as the last resort.
    pub(crate) fn of_path(file: &Path, text: &str, path: &KeyPath, part: Part) -> Self {
        let span = Document::parse(text).ok().and_then(|document| span_of(document.as_item(), path, part));
        Self::of_span(file, text, span.unwrap_or(0..1))
    }
}

/// Line and column of a byte offset, both from 0.
fn translate(text: &str, offset: usize) -> (usize, usize) {
    let inside = offset.min(text.len().saturating_sub(1));
    let behind = offset - inside;
    let before = &text.as_bytes()[..inside];
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let line = text[..text.floor_char_boundary(inside)].matches('\n').count();
    let column = String::from_utf8_lossy(&before[line_start..]).chars().count();
    (line, column + behind)
}

fn span_of(root: &Item, path: &KeyPath, part: Part) -> Option<Range<usize>> {
    enum Node<'a> {
        Item(&'a Item),
        Value(&'a Value),
        Table(&'a toml_edit::Table),
    }
    impl<'a> Node<'a> {
        fn table(&self) -> Option<&'a dyn TableLike> {
            match *self {
                Node::Item(item) => item.as_table_like(),
                Node::Value(value) => value.as_inline_table().map(|table| table as &dyn TableLike),
                Node::Table(table) => Some(table),
            }
        }
        fn element(&self, index: usize) -> Option<Node<'a>> {
            match *self {
                Node::Item(Item::ArrayOfTables(tables)) => tables.get(index).map(Node::Table),
                Node::Item(Item::Value(Value::Array(array))) | Node::Value(Value::Array(array)) => {
                    array.get(index).map(Node::Value)
                }
                _ => None,
            }
        }
        fn span(&self) -> Option<Range<usize>> {
            match *self {
                Node::Item(item) => item.span(),
                Node::Value(value) => value.span(),
                Node::Table(table) => table.span(),
            }
        }
    }

    let mut node = Node::Item(root);
    let mut best = None;
    let last = path.segments().len().checked_sub(1)?;
    for (position, segment) in path.segments().iter().enumerate() {
        let (key_span, next) = match segment {
            Segment::Key(name) | Segment::Variant(name) => {
                let Some((key, item)) = node.table().and_then(|table| table.get_key_value(name)) else {
                    break;
                };
                (key.span(), Node::Item(item))
            }
            Segment::Index(index) => {
                let Some(element) = node.element(*index) else { break };
                (element.span(), element)
            }
        };
        node = next;
        let wanted = if part == Part::Key && position == last { key_span } else { node.span() };
        best = wanted.or(best);
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, path: KeyPath, part: Part) -> (usize, usize, String) {
        let found = Location::of_path(Path::new("/c"), text, &path, part);
        let carets =
            found.excerpt.lines().last().unwrap_or_default().trim_start_matches([' ', '|']).to_owned();
        (found.line, found.column, carets)
    }

    #[test]
    fn keys_and_values_are_found_in_every_spelling() {
        let text = "model = 3\ntools.foo = 1\nt2 = {bar = 2}\n[a.b]\nc = [1, 'x']\n[[d]]\ne = 1\n";
        let keys = |keys: &[&str]| KeyPath::of(keys.iter().copied());
        for (path, part, expected) in [
            (keys(&["model"]), Part::Value, (1, 9, "^")),
            (keys(&["model"]), Part::Key, (1, 1, "^^^^^")),
            (keys(&["tools", "foo"]), Part::Key, (2, 7, "^^^")),
            (keys(&["t2", "bar"]), Part::Key, (3, 7, "^^^")),
            (keys(&["a", "b"]), Part::Value, (4, 1, "^^^^^")),
            (keys(&["a", "b", "c"]).index(1), Part::Value, (5, 9, "^^^")),
            (keys(&["d"]).index(0).key("e"), Part::Key, (7, 1, "^")),
            (keys(&["a", "b", "missing"]), Part::Key, (4, 1, "^^^^^")),
            (keys(&["missing"]), Part::Key, (1, 1, "^")),
        ] {
            let (line, column, carets) = at(text, path.clone(), part);
            assert_eq!((line, column, carets.as_str()), expected, "{path}");
        }
    }

    #[test]
    fn columns_count_characters() {
        let (line, column, _) = at("\"ä\" = {\"ö\" = 1, x = 2}\n", KeyPath::of(["ä", "x"]), Part::Key);
        assert_eq!((line, column), (1, 17));
    }

    #[test]
    fn the_end_of_the_file_is_behind_its_last_line() {
        let found = Location::of_span(Path::new("/c"), "a = [1,\n", 8..8);
        assert_eq!((found.line, found.column), (1, 9));
        assert_eq!(found.excerpt, "  |\n1 | a = [1,\n  |         ^");
    }

    #[test]
    fn the_gutter_is_as_wide_as_the_line_number() {
        let text = "\n".repeat(11) + "x = 1\n";
        let found = Location::of_path(Path::new("/c"), &text, &KeyPath::of(["x"]), Part::Key);
        assert_eq!(found.excerpt, "   |\n12 | x = 1\n   | ^");
    }
}
