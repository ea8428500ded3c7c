//! Completion scripts, twice: as text, and as what real shells make of them.
//!
//! As text, bash is compared byte for byte; the other scripts carry descriptions, which are each side's own words and are
//! taken out first. Then every shell that is installed loads both scripts and is asked for candidates
//! (`data/completion/`: one small driver per shell, and the lines). PowerShell is compared as text alone.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use regex::Regex;
use serde_json::{Value, json};

use super::invoke::{self, Outcome};
use super::{Case, Filter, Sides};
use crate::snapshot::Facet;

/// Shells with a script.
const SHELLS: [&str; 5] = ["bash", "elvish", "fish", "powershell", "zsh"];
/// Shells with a driver: the command line it is started with.
const DRIVERS: [(&str, &[&str]); 4] = [
    ("bash", &["--norc", "drive.bash"]),
    ("elvish", &["-norc", "drive.elv"]),
    ("fish", &["--no-config", "drive.fish"]),
    ("zsh", &["-f", "drive.zsh"]),
];
/// What the drivers write in front of a line.
const LINE_MARK: &str = "> ";

/// Runs the suite.
pub(crate) fn run(sides: &Sides, wanted: Filter<'_>) -> Result<Vec<Case>> {
    let shells: Vec<_> = SHELLS.iter().filter(|shell| wanted(&format!("completion/{shell}"))).collect();
    let lists: Vec<_> =
        shells.iter().map(|shell| vec!["completion".to_owned(), (**shell).to_owned()]).collect();
    let scripts = invoke::run_both(sides.both(), &lists, &sides.folder.join("scripts"))?;
    let prose = Prose::new()?;
    let mut cases = Vec::new();
    for (shell, [reference, ours]) in shells.into_iter().zip(scripts) {
        cases.push(Case {
            name: format!("completion/{shell}"),
            facets: vec![
                (Facet::Exit, json!(reference.code), json!(ours.code)),
                (Facet::Stdout, prose.without(shell, &reference), prose.without(shell, &ours)),
            ],
        });
        let Some((_, driver)) = DRIVERS.iter().find(|(name, _)| name == shell) else { continue };
        match find(shell) {
            Some(program) => cases.extend(candidates(shell, &program, driver, sides, [&reference, &ours])?),
            None => println!("skipped: {shell} is not installed; its script was compared as text alone"),
        }
    }
    Ok(cases)
}

/// Where a shell is.
fn find(shell: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|folder| folder.join(shell))
        .find(|path| path.is_file())
}

/// What a shell offers with either script, one case for every line.
fn candidates(
    shell: &str,
    program: &Path,
    driver: &[&str],
    sides: &Sides,
    scripts: [&Outcome; 2],
) -> Result<Vec<Case>> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/completion");
    let mut offered = Vec::new();
    for (side, script) in ["reference", "ours"].into_iter().zip(scripts) {
        let folder = sides.folder.join(shell).join(side);
        std::fs::create_dir_all(folder.join("work/folder"))?;
        std::fs::write(folder.join("work/file.txt"), "")?;
        let path = folder.join("script");
        std::fs::write(&path, &script.stdout).with_context(|| format!("cannot write {}", path.display()))?;
        let (last, flags) = driver.split_last().context("a driver has a file")?;
        let arguments: Vec<String> = flags
            .iter()
            .map(|flag| PathBuf::from(*flag))
            .chain([data.join(last), path, data.join("lines.txt")])
            .map(|path| path.to_string_lossy().into_owned())
            .collect();
        let outcome = invoke::run_one(program, &arguments, &folder)?;
        ensure!(outcome.code == Some(0), "{shell} failed on the script of {side}: {}", outcome.stderr);
        let answers = by_line(&outcome.stdout);
        ensure!(answers.iter().any(|(_, offered)| !offered.is_empty()), "{shell} offers nothing for {side}");
        offered.push(answers);
    }
    let [reference, ours] = <[_; 2]>::try_from(offered).ok().context("there are two sides")?;
    ensure!(reference.len() == ours.len(), "{shell} did not answer to every line");
    Ok(reference
        .into_iter()
        .zip(ours)
        .map(|((line, reference), (_, ours))| Case {
            name: format!("completion/{shell}/{line}"),
            facets: vec![(Facet::Stdout, json!(reference), json!(ours))],
        })
        .collect())
}

/// The answers of a driver. Their order depends on the width of descriptions, so it does not count.
fn by_line(text: &str) -> Vec<(String, Vec<String>)> {
    let mut answers: Vec<(String, Vec<String>)> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix(LINE_MARK), answers.last_mut()) {
            (Some(typed), _) => answers.push((typed.to_owned(), Vec::new())),
            (None, Some((_, offered))) if !line.is_empty() => offered.push(line.to_owned()),
            (None, _) => {}
        }
    }
    for (_, offered) in &mut answers {
        offered.sort();
        offered.dedup();
    }
    answers
}

/// Takes descriptions out of scripts.
struct Prose {
    /// Pattern and what stays, per shell.
    patterns: Vec<(&'static str, Regex, &'static str)>,
}

impl Prose {
    fn new() -> Result<Self, regex::Error> {
        let patterns = [
            ("elvish", r"(?m)^(\s+cand \S+) '.*'$", "$1"),
            ("powershell", r"(?m), '(?:[^']|'')*'\)$", ")"),
            ("fish", r" -d '(?:[^'\\]|\\.)*'", ""),
            ("fish", r"\\t'(?:[^'\\\n]|\\.)*'", ""),
            // Values with descriptions, flags, positional arguments, subcommands.
            ("zsh", r#"(?m)([\w-]+)\\:"[^\n]*"(\)\)' \\)?$"#, "$1$2"),
            ("zsh", r"(?m)^('[^\[\n]*)\[.*\](:[^\]\n]*|' \\)$", "$1$2"),
            ("zsh", r"(?m)^('(?:\*?::?)[^ \n]*?)(?: -- .*?)?((?::_\w+(?: -/)?|:\([^)\n]*\)|:)' \\)$", "$1$2"),
            ("zsh", r"(?m)^('[\w-]+:)[^\n]*(' \\)$", "$1$2"),
        ];
        let patterns = patterns
            .into_iter()
            .map(|(shell, pattern, rest)| Ok((shell, Regex::new(pattern)?, rest)))
            .collect::<Result<_, regex::Error>>()?;
        Ok(Self { patterns })
    }

    fn without(&self, shell: &str, script: &Outcome) -> Value {
        let mut text = script.stdout.clone();
        for (_, pattern, rest) in self.patterns.iter().filter(|(name, ..)| *name == shell) {
            text = pattern.replace_all(&text, *rest).into_owned();
        }
        json!(text.split('\n').collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without(shell: &str, script: &str) -> String {
        let script = Outcome { code: Some(0), stdout: script.to_owned(), stderr: String::new() };
        let lines = Prose::new().unwrap().without(shell, &script);
        lines.as_array().unwrap().iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn structure_stays_and_prose_goes() {
        for (shell, script, left) in [
            ("bash", "opts=\"-c [x]\"", "opts=\"-c [x]\""),
            ("elvish", "    cand --json 'it''s [a]: b'", "    cand --json"),
            ("powershell", "T]::Name, 'it''s')", "T]::Name)"),
            ("fish", "complete -c x -l cd -d 'it\\'s' -r -F", "complete -c x -l cd -r -F"),
            ("fish", "-a \"one\\t'say \"1\"'\ntwo\\t''\"", "-a \"one\ntwo\""),
            ("zsh", "'*--cd=[go (there): a\\[b\\]]:DIR:_files -/' \\", "'*--cd=:DIR:_files -/' \\"),
            ("zsh", "'-a+[when]:P:((one\\:\"say \"1\"\"\ntwo\\:\"b\"))' \\", "'-a+:P:((one\ntwo))' \\"),
            ("zsh", "'::id -- which: one:_default' \\", "'::id:_default' \\"),
            ("zsh", "':id:_default' \\", "':id:_default' \\"),
            ("zsh", "'exec:run it' \\", "'exec:' \\"),
        ] {
            assert_eq!(without(shell, script), left, "{shell}: {script}");
        }
    }

    #[test]
    fn answers_belong_to_the_line_before_them() {
        assert_eq!(
            by_line("> x \nb\na\n> y -\n"),
            [("x ".to_owned(), vec!["a".to_owned(), "b".to_owned()]), ("y -".to_owned(), vec![])]
        );
    }
}
