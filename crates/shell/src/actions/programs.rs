//! What single commands are for, by program name and arguments.
//!
//! Option tables list only what takes its value in the next word, and only as far as clients have come to expect: for
//! some programs the reference takes an option's value for the first operand, and so do we.

/// What a command is for. Paths are as written.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Showing this file.
    Read(String),
    /// Listing files, perhaps of this place.
    List(Option<String>),
    /// Searching.
    Search {
        /// What for.
        query: Option<String>,
        /// Where.
        place: Option<String>,
    },
    /// Anything else.
    Unknown,
}

const LS_VALUES: &[&str] =
    &["-I", "-w", "--block-size", "--format", "--time-style", "--color", "--quoting-style"];
const EZA_VALUES: &[&str] = &["-I", "--ignore-glob", "--color", "--sort", "--time-style", "--time"];
const TREE_VALUES: &[&str] = &["-L", "-P", "-I", "--charset", "--filelimit", "--sort"];
const DU_VALUES: &[&str] = &["-d", "--max-depth", "-B", "--block-size", "--exclude", "--time-style"];
const RG_VALUES: &[&str] = &[
    "-g",
    "--glob",
    "--iglob",
    "-t",
    "--type",
    "--type-add",
    "--type-not",
    "-m",
    "--max-count",
    "-A",
    "-B",
    "-C",
    "--context",
    "--max-depth",
];
const GREP_VALUES: &[&str] =
    &["-m", "--max-count", "-A", "-B", "-C", "--context", "--after-context", "--before-context"];
const AG_VALUES: &[&str] =
    &["-G", "-g", "--file-search-regex", "--ignore-dir", "--ignore-file", "--path-to-ignore"];
const FD_VALUES: &[&str] = &["-t", "--type", "-e", "--extension", "-E", "--exclude", "--search-path"];
const LS_FILES_VALUES: &[&str] = &["--exclude", "--exclude-from"];
const BAT_VALUES: &[&str] =
    &["--theme", "--language", "--style", "--terminal-width", "--tabs", "--line-range", "--map-syntax"];
const LESS_VALUES: &[&str] = &["-p", "-P", "-x", "-y", "-z", "-j", "--pattern", "--prompt", "--tabs"];
const NL_VALUES: &[&str] = &["-s", "-w", "-v", "-i", "-b"];

/// Python expressions that list files.
const PYTHON_LISTINGS: [&str; 7] =
    ["os.walk", "os.listdir", "os.scandir", "glob.glob", "glob.iglob", "pathlib.Path", ".rglob("];

/// What a command is for.
pub(super) fn purpose(words: &[String]) -> Purpose {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let [program, arguments @ ..] = words.as_slice() else { return Purpose::Unknown };
    match *program {
        "ls" => list(arguments, LS_VALUES),
        "eza" | "exa" => list(arguments, EZA_VALUES),
        "tree" => list(arguments, TREE_VALUES),
        "du" => list(arguments, DU_VALUES),
        "rg" | "rga" | "ripgrep-all" => ripgrep(arguments),
        "grep" | "egrep" | "fgrep" => grep(arguments),
        "ag" | "ack" | "pt" => search(&operands(arguments, AG_VALUES)),
        "find" => find(arguments),
        "fd" => fd(arguments),
        "git" => git(arguments),
        "cat" | "more" => read_only_one(&operands(arguments, &[])),
        "bat" | "batcat" => read_only_one(&operands(arguments, BAT_VALUES)),
        "less" => read_only_one(&operands(arguments, LESS_VALUES)),
        "nl" => read_first(&operands(arguments, NL_VALUES)),
        "head" | "tail" => head_or_tail(program, arguments),
        "sed" => sed(arguments).map_or(Purpose::Unknown, |file| Purpose::Read(file.to_owned())),
        "awk" => awk_file(arguments).map_or(Purpose::Unknown, |file| Purpose::Read(file.to_owned())),
        _ if is_python(program) => python(arguments),
        _ => Purpose::Unknown,
    }
}

/// Whether a command in a script only shapes the output of others, or says something itself.
///
/// Commands that change files are not among them, so that a script that does is never shown as mere reading.
pub(super) fn only_shapes_output(words: &[String]) -> bool {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let [program, arguments @ ..] = words.as_slice() else { return false };
    match *program {
        "wc" | "tr" | "cut" | "sort" | "uniq" | "tee" | "column" | "yes" | "printf" => true,
        "xargs" => !xargs_may_change_files(arguments),
        "awk" => awk_file(arguments).is_none(),
        "nl" => operands(arguments, NL_VALUES).is_empty(),
        "sed" => sed(arguments).is_none() && !edits_in_place(arguments),
        "head" | "tail" => match arguments {
            [] => true,
            [option] => option.starts_with('-'),
            ["-n" | "-c", count] => is_count(count.strip_prefix('+').unwrap_or(count)),
            _ => false,
        },
        _ => false,
    }
}

/// Programs that `xargs` may run without being more than a reader.
const XARGS_READERS: [&str; 17] = [
    "cat", "head", "tail", "grep", "egrep", "fgrep", "rg", "wc", "ls", "stat", "file", "echo", "printf",
    "sort", "du", "basename", "sed",
];

fn xargs_may_change_files(arguments: &[&str]) -> bool {
    let Some(position) = arguments.iter().position(|word| !word.starts_with('-')) else { return false };
    let (program, arguments) = (arguments[position], &arguments[position + 1..]);
    !XARGS_READERS.contains(&program)
        || (program == "sed" && edits_in_place(arguments))
        || (program == "rg" && arguments.contains(&"--replace"))
}

fn edits_in_place(sed_arguments: &[&str]) -> bool {
    sed_arguments.iter().any(|word| word.starts_with("-i") || word.starts_with("--in-place"))
}

/// The words that are neither options nor values of these options. After `--` every word is one.
fn operands<'a>(arguments: &[&'a str], with_value: &[&str]) -> Vec<&'a str> {
    let mut operands = Vec::new();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        if *word == "--" {
            operands.extend(words);
            break;
        } else if with_value.contains(word) {
            words.next();
        } else if !word.starts_with('-') {
            operands.push(*word);
        }
    }
    operands
}

fn owned(word: Option<&&str>) -> Option<String> {
    word.map(|word| (*word).to_owned())
}

fn read_first(operands: &[&str]) -> Purpose {
    operands.first().map_or(Purpose::Unknown, |file| Purpose::Read((*file).to_owned()))
}

fn read_only_one(operands: &[&str]) -> Purpose {
    if operands.len() == 1 { read_first(operands) } else { Purpose::Unknown }
}

fn list(arguments: &[&str], with_value: &[&str]) -> Purpose {
    Purpose::List(owned(operands(arguments, with_value).first()))
}

fn search(operands: &[&str]) -> Purpose {
    Purpose::Search { query: owned(operands.first()), place: owned(operands.get(1)) }
}

fn grep(arguments: &[&str]) -> Purpose {
    let is_pattern_option = |word: &str| matches!(word, "-e" | "--regexp" | "-f" | "--file");
    let pattern = arguments.windows(2).find_map(|pair| is_pattern_option(pair[0]).then_some(pair[1]));
    let Some(pattern) = pattern else { return search(&operands(arguments, GREP_VALUES)) };
    let with_value = [GREP_VALUES, &["-e", "--regexp", "-f", "--file"]].concat();
    let place = owned(operands(arguments, &with_value).first());
    Purpose::Search { query: Some(pattern.to_owned()), place }
}

fn ripgrep(arguments: &[&str]) -> Purpose {
    // Words after `--` are judged like the others.
    let words: Vec<&str> = arguments.iter().copied().filter(|word| *word != "--").collect();
    let operands = operands(&words, RG_VALUES);
    if words.contains(&"--files") { Purpose::List(owned(operands.first())) } else { search(&operands) }
}

fn fd(arguments: &[&str]) -> Purpose {
    let operands = operands(arguments, FD_VALUES);
    let is_path = |word: &str| word.contains('/') || matches!(word, "." | "..");
    match operands.as_slice() {
        [] => Purpose::List(None),
        [place] if is_path(place) => Purpose::List(Some((*place).to_owned())),
        _ => search(&operands),
    }
}

fn find(arguments: &[&str]) -> Purpose {
    let place = arguments.iter().find(|word| !word.starts_with('-') && !matches!(**word, "!" | "(" | ")"));
    let query = arguments
        .windows(2)
        .find_map(|pair| matches!(pair[0], "-name" | "-iname" | "-path" | "-regex").then_some(pair[1]));
    match query {
        Some(query) => Purpose::Search { query: Some(query.to_owned()), place: owned(place) },
        None => Purpose::List(owned(place)),
    }
}

fn git(arguments: &[&str]) -> Purpose {
    match arguments {
        ["grep", rest @ ..] => grep(rest),
        ["ls-files", rest @ ..] => list(rest, LS_FILES_VALUES),
        _ => Purpose::Unknown,
    }
}

fn is_count(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn head_or_tail(program: &str, arguments: &[&str]) -> Purpose {
    let is_count = |text: &str| match text.strip_prefix('+') {
        Some(from_line) if program == "tail" => is_count(from_line),
        _ => is_count(text),
    };
    match arguments {
        [file] if !file.starts_with('-') => Purpose::Read((*file).to_owned()),
        ["-n", count, rest @ ..] if is_count(count) => read_first(&operands(rest, &[])),
        [option, rest @ ..] if option.strip_prefix("-n").is_some_and(is_count) => {
            read_first(&operands(rest, &[]))
        }
        _ => Purpose::Unknown,
    }
}

/// The file of `sed -n RANGEp FILE`.
fn sed<'a>(arguments: &[&'a str]) -> Option<&'a str> {
    let is_range = |script: &str| {
        let Some(range) = script.strip_suffix('p') else { return false };
        match range.split_once(',') {
            Some((first, last)) => is_count(first) && is_count(last),
            None => is_count(range),
        }
    };
    if !arguments.contains(&"-n") {
        return None;
    }
    let expressions: Vec<&str> =
        arguments.windows(2).filter(|pair| pair[0] == "-e").map(|pair| pair[1]).collect();
    let operands = operands(arguments, &["-e"]);
    match (expressions.as_slice(), operands.as_slice()) {
        ([], [script, file, ..]) if is_range(script) => Some(file),
        ([_, ..], [file, ..]) if expressions.iter().all(|script| is_range(script)) => Some(file),
        _ => None,
    }
}

/// The first file `awk` reads.
fn awk_file<'a>(arguments: &[&'a str]) -> Option<&'a str> {
    let has_program_file = arguments.iter().any(|word| matches!(*word, "-f" | "--file"));
    let with_value = ["-F", "-v", "-f", "--field-separator", "--assign", "--file"];
    operands(arguments, &with_value).get(usize::from(!has_program_file)).copied()
}

/// `python`, `python2`, `python3`, `python3.12` and the like.
fn is_python(program: &str) -> bool {
    program
        .strip_prefix("python")
        .is_some_and(|version| version.is_empty() || version.split('.').all(is_count))
}

fn python(arguments: &[&str]) -> Purpose {
    let code = arguments.windows(2).find_map(|pair| (pair[0] == "-c").then_some(pair[1]));
    match code {
        Some(code) if PYTHON_LISTINGS.iter().any(|listing| code.contains(listing)) => Purpose::List(None),
        _ => Purpose::Unknown,
    }
}
