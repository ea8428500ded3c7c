//! Takes the prose out of help texts and usage errors.
//!
//! In comes what a program printed, out come the lines that scripts and fingers rely on: usage, section headings, names of
//! commands, spellings of flags with their values, defaults, possible values, aliases. What a newcomer would get wrong:
//! where a line is broken depends on the length of the prose, so an entry is put together again before it is read.

use regex::Regex;

/// Reads help texts.
pub(crate) struct HelpText {
    heading: Regex,
    entry: Regex,
    attribute: Regex,
    listed_value: Regex,
    reason: Regex,
}

impl HelpText {
    pub(crate) fn new() -> Result<Self, regex::Error> {
        Ok(Self {
            heading: Regex::new(r"^[A-Z][A-Za-z ]*:$")?,
            entry: Regex::new(r"^ {2,6}(\S.*?)(?: {2,}(.*))?$")?,
            attribute: Regex::new(r"\[(default|possible values|alias|env)(?:es)?: ([^\]]*)\]")?,
            listed_value: Regex::new(r"^ +- ([A-Za-z0-9_-]+)(?::|$)")?,
            reason: Regex::new(r"^(error: invalid value '.*' for '.*'): .*$")?,
        })
    }

    /// Whether this is one.
    pub(crate) fn is_help(text: &str) -> bool {
        text.contains("Usage: ") && !text.contains("error: ")
    }

    /// The structure of a help text. Examples are prose.
    pub(crate) fn structure(&self, text: &str) -> Vec<String> {
        let mut out = Vec::new();
        let mut section = Section::About;
        let mut about_entry = String::new();
        for line in text.lines() {
            if let Some(usage) = line.strip_prefix("Usage: ") {
                out.push(format!("Usage: {usage}"));
                section = Section::Usage;
            } else if self.heading.is_match(line) {
                self.attributes(&mut about_entry, &mut out);
                section = if line.starts_with("Example") { Section::About } else { Section::Entries };
                if section == Section::Entries {
                    out.push(line.to_owned());
                }
            } else if section == Section::Usage && !line.trim().is_empty() {
                out.push(line.trim().to_owned());
            } else if section == Section::Entries {
                self.entry_line(line, &mut about_entry, &mut out);
            }
        }
        self.attributes(&mut about_entry, &mut out);
        out
    }

    fn entry_line(&self, line: &str, about: &mut String, out: &mut Vec<String>) {
        if let Some(entry) = self.entry.captures(line) {
            self.attributes(about, out);
            out.push(format!("  {}", &entry[1]));
            about.push_str(entry.get(2).map_or("", |prose| prose.as_str()));
        } else if let Some(value) = self.listed_value.captures(line) {
            out.push(format!("    value {}", &value[1]));
        } else {
            about.push(' ');
            about.push_str(line.trim());
        }
    }

    /// Tells what stands in brackets behind an entry, and begins the next one.
    fn attributes(&self, about: &mut String, out: &mut Vec<String>) {
        for found in self.attribute.captures_iter(about) {
            out.push(format!("    {}: {}", &found[1], &found[2]));
        }
        about.clear();
    }

    /// A usage error, line by line, without the reason why a value is refused: each side words that itself.
    pub(crate) fn usage_error(&self, text: &str) -> Vec<String> {
        text.lines().map(|line| self.reason.replace(line, "$1: <reason>").into_owned()).collect()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    /// Prose.
    About,
    /// Usage lines.
    Usage,
    /// Commands, arguments or options.
    Entries,
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: &str = "Does things.\n\nUsage: x [OPTIONS] [COMMAND]\n       x [OPTIONS] [WORD]\n\nCommands:\n  go    Goes \
                         [aliases: g]\n  help  Print help\n\nOptions:\n  -c, --color <WHEN>  In which case [default: auto] \
                         [possible\n                      values: auto, never]\n  -h, --help          Print help\n\nExamples:\n  x go\n";

    #[test]
    fn structure_is_what_is_left_without_prose() {
        let text = HelpText::new().unwrap();
        assert_eq!(
            text.structure(SHORT),
            [
                "Usage: x [OPTIONS] [COMMAND]",
                "x [OPTIONS] [WORD]",
                "Commands:",
                "  go",
                "    alias: g",
                "  help",
                "Options:",
                "  -c, --color <WHEN>",
                "    default: auto",
                "    possible values: auto, never",
                "  -h, --help",
            ]
        );
    }

    #[test]
    fn listed_values_count_their_descriptions_do_not() {
        let long = "Usage: x\n\nOptions:\n      --when <WHEN>\n          In which case.\n\n          Possible values:\n          - auto:  When \
                    it fits\n          - never: Never\n\n          [default: auto]\n";
        assert_eq!(
            HelpText::new().unwrap().structure(long),
            [
                "Usage: x",
                "Options:",
                "      --when <WHEN>".trim_start_matches("    "),
                "    value auto",
                "    value never",
                "    default: auto"
            ]
        );
    }

    #[test]
    fn only_the_reason_of_a_usage_error_is_prose() {
        let text = HelpText::new().unwrap();
        assert_eq!(
            text.usage_error("error: invalid value 'a' for '--n <N>': too small\n\nUsage: x\n"),
            ["error: invalid value 'a' for '--n <N>': <reason>", "", "Usage: x"]
        );
        assert_eq!(
            text.usage_error("error: unexpected argument 'x' found"),
            ["error: unexpected argument 'x' found"]
        );
    }
}
