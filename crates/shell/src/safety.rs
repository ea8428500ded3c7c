//! Commands known to be harmless, and commands known to be dangerous. Most are neither.
//!
//! Both lists are about what a person is asked, not about what a command may do: that is the sandbox's business. The
//! lists are the reference's, so that switching changes no prompt; only words that the shell would still turn into
//! options are judged more strictly. PowerShell and `cmd` commands are never known to be harmless.

use std::path::Path;

use crate::script::{plain_commands, shell_script};

/// Whether a command reads at most, so that it may run without asking even where everything else asks.
///
/// A shell script counts if all of its plain commands do; a script inside a script does not.
pub fn is_known_safe<S: AsRef<str>>(argv: &[S]) -> bool {
    let argv: Vec<&str> = argv.iter().map(AsRef::as_ref).collect();
    if let Some(script) = shell_script(&argv) {
        return plain_commands(script).is_some_and(|commands| {
            commands
                .iter()
                .all(|words| is_safe_program(&words.iter().map(String::as_str).collect::<Vec<_>>()))
        });
    }
    is_safe_program(&argv)
}

/// Whether a command should be asked about even where most are not.
///
/// A shell script counts if one of its plain commands does.
pub fn is_dangerous<S: AsRef<str>>(argv: &[S]) -> bool {
    let argv: Vec<&str> = argv.iter().map(AsRef::as_ref).collect();
    if let Some(script) = shell_script(&argv) {
        return plain_commands(script)
            .is_some_and(|commands| commands.iter().any(|words| is_dangerous_program(words)));
    }
    is_dangerous_program(&argv)
}

/// Removing without a question; `sudo` hides nothing.
fn is_dangerous_program<S: AsRef<str>>(argv: &[S]) -> bool {
    let first_real = argv.iter().position(|word| word.as_ref() != "sudo").unwrap_or(argv.len());
    match &argv[first_real..] {
        [program, flag, ..] => program.as_ref() == "rm" && matches!(flag.as_ref(), "-f" | "-rf"),
        _ => false,
    }
}

fn is_safe_program(argv: &[&str]) -> bool {
    let Some((program, arguments)) = argv.split_first() else { return false };
    let name = Path::new(program).file_name().and_then(|name| name.to_str()).unwrap_or_default();
    match name {
        "cat" | "cd" | "cut" | "echo" | "expr" | "false" | "grep" | "head" | "id" | "ls" | "nl" | "paste"
        | "pwd" | "rev" | "seq" | "stat" | "tail" | "tr" | "true" | "uname" | "uniq" | "wc" | "which"
        | "whoami" => true,
        "numfmt" | "tac" => cfg!(target_os = "linux"),
        "base64" | "find" | "git" | "rg" | "sed" if arguments.iter().any(|word| may_become_option(word)) => {
            false
        }
        "base64" => !arguments.iter().any(|word| writes_base64(word)),
        "find" => !arguments.iter().any(|word| FIND_ACTIONS.contains(word)),
        "git" => is_safe_git(arguments),
        "rg" => !arguments.iter().any(|word| runs_programs_in_rg(word)),
        "sed" => is_safe_sed(arguments),
        _ => false,
    }
}

/// Whether the shell could turn a word that looks harmless into an option: `-de\lete`, `{-delete,}`.
///
/// Words come as written between their quotes, so a quoted word of that form is suspected as well. The reference runs
/// such commands without asking.
fn may_become_option(word: &str) -> bool {
    let is_escaped_option = word.contains('\\') && word.replace('\\', "").starts_with('-');
    let has_brace_expansion = word.contains('{') && (word.contains(',') || word.contains(".."));
    is_escaped_option || (has_brace_expansion && word.starts_with(['-', '{']) && word.contains('-'))
}

fn writes_base64(word: &str) -> bool {
    word == "--output" || word.starts_with("--output=") || word.starts_with("-o")
}

/// What `find` does beyond finding.
const FIND_ACTIONS: [&str; 9] =
    ["-exec", "-execdir", "-ok", "-okdir", "-delete", "-fls", "-fprint", "-fprint0", "-fprintf"];

fn runs_programs_in_rg(word: &str) -> bool {
    matches!(word, "--pre" | "--hostname-bin" | "--search-zip" | "-z")
        || word.starts_with("--pre=")
        || word.starts_with("--hostname-bin=")
}

/// Printing lines by number: `sed -n 1,5p [FILE]`.
fn is_safe_sed(arguments: &[&str]) -> bool {
    let (["-n", script] | ["-n", script, _]) = arguments else { return false };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let Some(range) = script.strip_suffix('p') else { return false };
    match range.split_once(',') {
        Some((first, last)) => is_number(first) && is_number(last),
        None => is_number(range),
    }
}

/// Global options that change where git looks, what it runs, or that start a pager. Those with a value may have it
/// joined (`=` after long ones).
const GIT_GLOBAL_OPTIONS: [&str; 8] = [
    "--paginate",
    "--git-dir",
    "--work-tree",
    "--exec-path",
    "--namespace",
    "--config-env",
    "--super-prefix",
    "-p",
];

fn is_safe_git(arguments: &[&str]) -> bool {
    let Some(position) = arguments.iter().position(|word| !word.starts_with('-')) else { return false };
    let (globals, rest) = arguments.split_at(position);
    let spoils = |word: &&str| {
        let name = word.split_once('=').map_or(*word, |(name, _)| name);
        word.starts_with("-C") || word.starts_with("-c") || GIT_GLOBAL_OPTIONS.contains(&name)
    };
    if globals.iter().any(spoils) {
        return false;
    }
    match rest {
        ["status" | "log" | "diff" | "show", options @ ..] => {
            !options.iter().any(|word| writes_or_runs_in_git(word))
        }
        ["branch", options @ ..] => options.iter().all(|word| lists_branches(word)),
        _ => false,
    }
}

fn writes_or_runs_in_git(word: &str) -> bool {
    matches!(word, "--output" | "--ext-diff" | "--textconv" | "--exec")
        || word.starts_with("--output=")
        || word.starts_with("--exec=")
}

fn lists_branches(word: &str) -> bool {
    matches!(
        word,
        "--list" | "-l" | "--show-current" | "-a" | "--all" | "-r" | "--remotes" | "-v" | "-vv" | "--verbose"
    ) || word.starts_with("--format=")
}
