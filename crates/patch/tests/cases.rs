//! The behaviour of the reference program as data: every case of `data/apply-patch-cases.json` runs through the
//! command line and is compared byte for byte, except where we chose to differ.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Helpers of tests fail by panicking.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use base64::Engine as _;
use quire_patch::{PathBase, cli};
use serde_json::Value;

/// A case where our behaviour is not the reference's.
struct Deviation {
    case: &'static str,
    reason: &'static str,
    files_after: &'static [(&'static str, &'static str)],
    modes_after: &'static [(&'static str, u32)],
}

const DEVIATIONS: &[Deviation] = &[
    Deviation {
        case: "move-to-self",
        reason: "the reference loses the file",
        files_after: &[("f.txt", "a\nB\nc\n")],
        modes_after: &[],
    },
    Deviation {
        case: "move-to-self-dot",
        reason: "the reference loses the file",
        files_after: &[("f.txt", "a\nB\nc\n")],
        modes_after: &[],
    },
    Deviation {
        case: "mode-on-move",
        reason: "a moved script stays executable",
        files_after: &[("y.sh", "#!/bin/sh\necho b\n")],
        modes_after: &[("y.sh", 0o755)],
    },
];

/// An entry of a directory tree. Directories are listed only when empty.
#[derive(Debug, PartialEq, Eq)]
enum Entry {
    File(Vec<u8>),
    Link(String),
    Directory,
}

type Tree = BTreeMap<String, Entry>;

fn tree_from_json(files: &Value) -> Tree {
    let entry = |value: &Value| match value {
        Value::String(text) => Entry::File(text.clone().into_bytes()),
        Value::Null => Entry::Directory,
        object => match (object["link"].as_str(), object["base64"].as_str()) {
            (Some(target), None) => Entry::Link(target.to_owned()),
            (None, Some(bytes)) => {
                Entry::File(base64::engine::general_purpose::STANDARD.decode(bytes).unwrap())
            }
            _ => panic!("unknown kind of file: {object}"),
        },
    };
    let files = files.as_object().unwrap();
    files.iter().map(|(path, value)| (path.trim_end_matches('/').to_owned(), entry(value))).collect()
}

fn create(root: &Path, tree: &Tree) {
    for (path, entry) in tree {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match entry {
            Entry::File(bytes) => fs::write(path, bytes).unwrap(),
            Entry::Link(target) => std::os::unix::fs::symlink(target, path).unwrap(),
            Entry::Directory => fs::create_dir_all(path).unwrap(),
        }
    }
}

fn read_tree(root: &Path) -> Tree {
    fn walk(root: &Path, directory: &Path, tree: &mut Tree) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            if let Ok(target) = fs::read_link(&path) {
                tree.insert(name, Entry::Link(target.to_str().unwrap().to_owned()));
            } else if path.is_file() {
                tree.insert(name, Entry::File(fs::read(path).unwrap()));
            } else if fs::read_dir(&path).unwrap().next().is_some() {
                walk(root, &path, tree);
            } else {
                tree.insert(name, Entry::Directory);
            }
        }
    }
    let mut tree = Tree::new();
    walk(root, root, &mut tree);
    tree
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn modes(value: &Value) -> Vec<(String, u32)> {
    let parse =
        |mode: &Value| u32::from_str_radix(mode.as_str().unwrap().trim_start_matches("0o"), 8).unwrap();
    let modes = value.as_object();
    modes.into_iter().flatten().map(|(path, mode)| (path.clone(), parse(mode))).collect()
}

/// Runs one case and returns what differs.
fn run_case(case: &Value) -> Vec<String> {
    use std::os::unix::fs::PermissionsExt;
    let name = case["name"].as_str().unwrap();
    let scratch = tempfile::tempdir().unwrap();
    // Some messages would change if the directory itself were reached through a symlink.
    let root = scratch.path().canonicalize().unwrap().join("w");
    fs::create_dir(&root).unwrap();
    create(&root, &tree_from_json(&case["files_before"]));
    for (path, mode) in modes(&case["modes_before"]) {
        fs::set_permissions(root.join(path), fs::Permissions::from_mode(mode)).unwrap();
    }
    let cwd = root.to_str().unwrap();
    let patch = case["patch"].as_str().unwrap_or_default().replace("$CWD", cwd);
    let (args, input) = match case["via"].as_str().unwrap() {
        "arg" => (vec![patch.into()], String::new()),
        "stdin" => (vec![], patch),
        "argv" => {
            let argv = case["argv"].as_array().unwrap();
            (argv.iter().map(|arg| arg.as_str().unwrap().into()).collect(), String::new())
        }
        other => panic!("unknown way to pass the patch: {other}"),
    };
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let base = PathBase { cwd: root.clone(), home: Some(scratch.path().join("home")) };
    let code = cli::run(args, &mut input.as_bytes(), &mut stdout, &mut stderr, &base);

    let deviation = DEVIATIONS.iter().find(|deviation| deviation.case == name);
    let expected_files = match deviation {
        Some(Deviation { files_after, .. }) => files_after
            .iter()
            .map(|(path, text)| ((*path).to_owned(), Entry::File(text.as_bytes().to_vec())))
            .collect(),
        None => tree_from_json(&case["files_after"]),
    };
    let expected_modes = match deviation {
        Some(Deviation { modes_after, .. }) => {
            modes_after.iter().map(|(path, mode)| ((*path).to_owned(), *mode)).collect()
        }
        None => modes(&case["modes_after"]),
    };
    let mut differences = Vec::new();
    let mut compare = |what: &str, ours: String, expected: String| {
        if ours != expected {
            let reason = deviation.map_or("", |deviation| deviation.reason);
            differences.push(format!("{name} {what} {reason}\n  ours:     {ours}\n  expected: {expected}"));
        }
    };
    let shown = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace(cwd, "$CWD");
    compare("exit code", code.to_string(), case["exit_code"].to_string());
    compare("stdout", shown(stdout), case["stdout"].as_str().unwrap().to_owned());
    compare("stderr", shown(stderr), case["stderr"].as_str().unwrap().to_owned());
    compare("files", format!("{:?}", read_tree(&root)), format!("{expected_files:?}"));
    for (path, expected) in expected_modes {
        compare("mode", format!("{:o}", mode(&root.join(path))), format!("{expected:o}"));
    }
    differences
}

#[test]
fn every_case_of_the_reference() {
    let data: Value = serde_json::from_str(include_str!("data/apply-patch-cases.json")).unwrap();
    let cases = data["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 225);
    for deviation in DEVIATIONS {
        assert!(cases.iter().any(|case| case["name"] == deviation.case), "{}", deviation.case);
    }
    let differences: Vec<String> = cases.iter().flat_map(run_case).collect();
    assert!(differences.is_empty(), "{} differences\n{}", differences.len(), differences.join("\n"));
}
