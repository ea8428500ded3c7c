//! `$CODEX_HOME/.env` (cli sheet §9).
//!
//! In comes the file, out goes a list of variables; setting them (over existing ones, before threads start) is the
//! caller's job. What a newcomer would get wrong: only the home's file is read, never one in the working folder, and it
//! cannot set our own variables.

use std::io;
use std::path::Path;

/// Names with this beginning, in any case, are ignored.
const RESERVED_PREFIX: &str = "CODEX_";

/// The variables of a file, in file order. No file is no variables; lines that cannot be read are skipped.
pub fn load(file: &Path) -> io::Result<Vec<(String, String)>> {
    match std::fs::read(file) {
        Ok(bytes) => Ok(parse(&bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn parse(bytes: &[u8]) -> Vec<(String, String)> {
    dotenvy::from_read_iter(bytes)
        .filter_map(Result::ok)
        .filter(|(name, _)| {
            !name
                .get(..RESERVED_PREFIX.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(RESERVED_PREFIX))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_line() {
        let text = "# comment\nA=1\nexport B='two words'\nC=\"a\\nb\" # note\n\nbad line\nD = 4\nCODEX_HOME=/x\n\
                    codex_api_key=k\nCODE=5\nA=2\nE=${D}4\n";
        let pairs = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect::<Vec<_>>()
        };
        assert_eq!(
            parse(text.as_bytes()),
            pairs(&[
                ("A", "1"),
                ("B", "two words"),
                ("C", "a\nb"),
                ("D", "4"),
                ("CODE", "5"),
                ("A", "2"),
                ("E", "44")
            ])
        );
    }

    #[test]
    fn no_file_is_no_variables() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(load(&dir.path().join(".env")).unwrap(), []);
        std::fs::write(dir.path().join(".env"), b"A=1\nB=\xff\nC=3\n").unwrap();
        let found = load(&dir.path().join(".env")).unwrap();
        assert_eq!(found.first(), Some(&("A".to_owned(), "1".to_owned())));
    }
}
