//! Where in a file a run of lines stands.
//!
//! Models misremember white space and typographic characters, so the search has four passes, each more forgiving than
//! the one before. A pass runs over the whole file before the next begins: an exact match further down wins over a
//! sloppy one further up.

/// How two lines are compared, strictest first.
type Same = fn(&str, &str) -> bool;

const PASSES: [Same; 4] = [
    |line, wanted| line == wanted,
    |line, wanted| line.trim_end() == wanted.trim_end(),
    |line, wanted| line.trim() == wanted.trim(),
    |line, wanted| line.trim().chars().map(plain).eq(wanted.trim().chars().map(plain)),
];

/// Finds `pattern` in `lines`, no earlier than `from`.
///
/// With `at_end` the only candidate are the last lines of the file, even when they lie before `from`. An empty pattern
/// is found at `from`.
pub(crate) fn locate<S: AsRef<str>>(
    lines: &[&str],
    pattern: &[S],
    from: usize,
    at_end: bool,
) -> Option<usize> {
    if pattern.is_empty() {
        return Some(from);
    }
    let last_start = lines.len().checked_sub(pattern.len())?;
    let first_start = if at_end { last_start } else { from };
    PASSES.iter().find_map(|same| {
        (first_start..=last_start).find(|&start| {
            lines[start..].iter().zip(pattern).all(|(line, wanted)| same(line, wanted.as_ref()))
        })
    })
}

/// Maps typographic dashes, quotes and spaces to their ASCII forms; everything else stays.
fn plain(c: char) -> char {
    match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        '\u{2018}'..='\u{201B}' => '\'',
        '\u{201C}'..='\u{201F}' => '"',
        '\u{00A0}' | '\u{2002}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}' => ' ',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::locate;

    #[test]
    fn an_exact_match_below_wins_over_a_sloppy_one_above() {
        assert_eq!(locate(&["b ", " b", "b"], &["b"], 0, false), Some(2));
        assert_eq!(locate(&["  b", "b "], &["b"], 0, false), Some(1));
    }

    #[test]
    fn the_end_anchor_ignores_the_start_position() {
        assert_eq!(locate(&["a", "b"], &["b"], 2, true), Some(1));
        assert_eq!(locate(&["a", "b"], &["b"], 2, false), None);
        assert_eq!(locate(&["a", "b"], &["a"], 0, true), None);
    }

    #[test]
    fn odd_sizes_are_no_match() {
        assert_eq!(locate(&["a"], &["a", "b"], 0, false), None);
        assert_eq!(locate(&[], &["a"], 0, true), None);
        assert_eq!(locate::<&str>(&["a"], &[], 1, false), Some(1));
    }

    #[test]
    fn typographic_characters_match_their_plain_forms_on_both_sides() {
        assert_eq!(locate(&["one – “two”"], &["one - \"two\""], 0, false), Some(0));
        assert_eq!(locate(&["it's"], &["it’s"], 0, false), Some(0));
        assert_eq!(locate(&["wait…"], &["wait..."], 0, false), None);
    }
}
