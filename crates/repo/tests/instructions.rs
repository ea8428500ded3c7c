//! Instruction files; the expected texts are those the reference sent for the same trees.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Helpers of tests fail by panicking.

use std::fs;
use std::path::{Path, PathBuf};

use quire_repo::{DiscoverOptions, Instructions, discover};
use tempfile::TempDir;

const DEFAULT_BYTES: usize = 32 * 1024;

/// A home and a project, side by side. Names that start with `~/` lie in the home.
struct Tree {
    directory: TempDir,
    markers: Vec<String>,
    max_bytes: usize,
    fallback_names: Vec<String>,
}

impl Tree {
    fn new(files: &[(&str, &[u8])]) -> Self {
        let tree = Self {
            directory: tempfile::tempdir().unwrap(),
            markers: vec![".git".to_owned()],
            max_bytes: DEFAULT_BYTES,
            fallback_names: Vec::new(),
        };
        fs::create_dir_all(tree.path("~/")).unwrap();
        fs::create_dir_all(tree.path(".git")).unwrap();
        for (name, text) in files {
            let path = tree.path(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        tree
    }

    fn max_bytes(mut self, max_bytes: usize) -> Self {
        self.max_bytes = max_bytes;
        self
    }

    fn fallback(mut self, names: &[&str]) -> Self {
        self.fallback_names = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    fn markers(mut self, names: &[&str]) -> Self {
        self.markers = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        match name.strip_prefix("~/") {
            Some(name) => self.directory.path().join("home").join(name),
            None => self.directory.path().join("work").join(name),
        }
    }

    fn discover(&self, cwd: &str) -> Instructions {
        let cwd = self.path(cwd);
        fs::create_dir_all(&cwd).unwrap();
        // Without a trailing slash, as a session has it.
        let cwd: PathBuf = cwd.components().collect();
        discover(&DiscoverOptions {
            home: self.path("~/"),
            cwd,
            markers: self.markers.clone(),
            max_bytes: self.max_bytes,
            fallback_names: self.fallback_names.clone(),
        })
    }

    fn text(&self, cwd: &str) -> Option<String> {
        self.discover(cwd).text
    }
}

#[track_caller]
fn check(tree: &Tree, cwd: &str, expected: Option<&str>) {
    assert_eq!(tree.text(cwd).as_deref(), expected);
}

#[test]
fn nothing_is_nothing() {
    check(&Tree::new(&[]), "", None);
    check(&Tree::new(&[("AGENTS.md", b" \n"), ("~/AGENTS.md", b"\n")]), "", None);
    check(&Tree::new(&[("agents.md", b"lower case")]), "", None);
}

#[test]
fn project_text_is_kept_as_it_is_and_global_text_is_trimmed() {
    check(&Tree::new(&[("AGENTS.md", b" proj \n")]), "", Some(" proj \n"));
    check(&Tree::new(&[("AGENTS.md", b"\xef\xbb\xbfx\r\n")]), "", Some("\u{feff}x\r\n"));
    check(
        &Tree::new(&[("AGENTS.md", b"proj\n"), ("~/AGENTS.md", b"  glob \n\n")]),
        "",
        Some("glob\n\n--- project-doc ---\n\nproj\n"),
    );
}

#[test]
fn from_the_root_down() {
    check(&Tree::new(&[("AGENTS.md", b"root\n"), ("s/AGENTS.md", b"sub")]), "s", Some("root\n\n\nsub"));
    check(&Tree::new(&[("AGENTS.md", b"root\n"), ("s/AGENTS.md", b"sub")]), "", Some("root\n"));
    let blank_between =
        Tree::new(&[("AGENTS.md", b"root"), ("s/AGENTS.md", b"  \n"), ("s/t/AGENTS.md", b"leaf")]);
    check(&blank_between, "s/t", Some("root\n\nleaf"));
    assert_eq!(
        blank_between.discover("s/t").sources,
        [blank_between.path("AGENTS.md"), blank_between.path("s/t/AGENTS.md")]
    );
}

#[test]
fn an_override_in_a_project_hides_even_when_blank() {
    check(&Tree::new(&[("AGENTS.md", b"root"), ("AGENTS.override.md", b"over")]), "", Some("over"));
    check(&Tree::new(&[("AGENTS.md", b"root"), ("AGENTS.override.md", b" \n")]), "", None);
    let directory = Tree::new(&[("AGENTS.md", b"root"), ("AGENTS.override.md/x", b"")]);
    check(&directory, "", Some("root"));
}

#[test]
fn an_override_in_the_home_counts_only_with_text() {
    check(&Tree::new(&[("~/AGENTS.md", b"g"), ("~/AGENTS.override.md", b"go")]), "", Some("go"));
    check(&Tree::new(&[("~/AGENTS.md", b"g"), ("~/AGENTS.override.md", b"  ")]), "", Some("g"));
}

#[test]
fn fallback_names_come_last_and_in_order() {
    let names = ["Y.md", "", "X.md", "d/Z.md"];
    let tree = |files: &[(&str, &[u8])]| Tree::new(files).fallback(&names);
    check(&tree(&[("X.md", b"x"), ("Y.md", b"y")]), "", Some("y"));
    check(&tree(&[("X.md", b"x"), ("AGENTS.md", b"a")]), "", Some("a"));
    check(&tree(&[("X.md", b"x"), ("AGENTS.md", b" ")]), "", None);
    check(&tree(&[("d/Z.md", b"z")]), "", Some("z"));
    check(&tree(&[("~/X.md", b"x")]), "", None);
}

#[test]
fn the_budget_is_shared_in_order() {
    let tree = || {
        Tree::new(&[("AGENTS.md", b"aaaaaaaaaa\n"), ("s/AGENTS.md", b"bbbbbbbbbb"), ("~/AGENTS.md", b"glob")])
    };
    check(&tree().max_bytes(15), "s", Some("glob\n\n--- project-doc ---\n\naaaaaaaaaa\n\n\nbbbb"));
    check(&tree().max_bytes(11), "s", Some("glob\n\n--- project-doc ---\n\naaaaaaaaaa\n"));
    check(&tree().max_bytes(0), "s", Some("glob"));
    let cut = tree().max_bytes(15).discover("s");
    assert_eq!(cut.notices.len(), 1);
    assert!(cut.notices[0].contains("4 bytes"), "{:?}", cut.notices);
    assert!(tree().max_bytes(21).discover("s").notices.is_empty());
}

#[test]
fn blank_files_cost_nothing_and_a_blank_cut_adds_nothing() {
    check(
        &Tree::new(&[("AGENTS.md", b"          "), ("s/AGENTS.md", b"bbbbbbbbbb")]).max_bytes(15),
        "s",
        Some("bbbbbbbbbb"),
    );
    check(
        &Tree::new(&[("AGENTS.md", b"aaaaaaaaaa"), ("s/AGENTS.md", b"    b")]).max_bytes(12),
        "s",
        Some("aaaaaaaaaa"),
    );
}

#[test]
fn broken_utf8_is_replaced_also_at_the_cut() {
    check(
        &Tree::new(&[("AGENTS.md", b"a\xffb"), ("~/AGENTS.md", b"g\xfeh")]),
        "",
        Some("g\u{fffd}h\n\n--- project-doc ---\n\na\u{fffd}b"),
    );
    check(&Tree::new(&[("AGENTS.md", "aé€aé€".as_bytes())]).max_bytes(5), "", Some("aé\u{fffd}"));
}

#[test]
fn markers_decide_where_the_project_begins() {
    let files: &[(&str, &[u8])] =
        &[("AGENTS.md", b"root"), ("m/.mk", b""), ("m/AGENTS.md", b"m"), ("m/n/AGENTS.md", b"n")];
    check(&Tree::new(files), "m/n", Some("root\n\nm\n\nn"));
    check(&Tree::new(files).markers(&[".mk"]), "m/n", Some("m\n\nn"));
    check(&Tree::new(files).markers(&[]), "m/n", Some("n"));
    check(&Tree::new(files).markers(&["nowhere-to-be-found"]), "m/n", Some("n"));
    // A `.git` file marks a root as well, whatever it says.
    check(
        &Tree::new(&[("AGENTS.md", b"root"), ("s/.git", b"junk"), ("s/AGENTS.md", b"sub")]),
        "s",
        Some("sub"),
    );
}

#[cfg(unix)]
#[test]
fn a_link_to_a_file_is_a_file_and_a_dangling_one_is_none() {
    let tree = Tree::new(&[("target.md", b"linked")]);
    std::os::unix::fs::symlink("target.md", tree.path("AGENTS.md")).unwrap();
    std::os::unix::fs::symlink("missing.md", tree.path("AGENTS.override.md")).unwrap();
    check(&tree, "", Some("linked"));
    assert_eq!(tree.discover("").sources, [Path::new(&tree.path("AGENTS.md"))]);
}
