//! Instruction files: what people tell an agent in `AGENTS.md` (engine sheet §5.5).
//!
//! In: a home, a working directory, and limits. Out: one text, global instructions first, then those of the project from
//! its root down to the working directory. Blocking: call it from `spawn_blocking`.
//!
//! A newcomer's trap: the two places have different rules. In the home a blank override is as good as none; in a project
//! it hides the `AGENTS.md` beside it. Global text is trimmed and unlimited (within reason), project text neither.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::roots::project_root;

const OVERRIDE: &str = "AGENTS.override.md";
const PLAIN: &str = "AGENTS.md";

/// Stands between global and project instructions.
const PROJECT_SEPARATOR: &str = "\n\n--- project-doc ---\n\n";

/// Global instructions beyond this are cut: no model could take them.
const MAX_GLOBAL_BYTES: usize = 1024 * 1024;

/// Where to look, and how much to take.
#[derive(Debug, Clone)]
pub struct DiscoverOptions {
    /// The home with the person's own instructions.
    pub home: PathBuf,
    /// Working directory of the session, absolute.
    pub cwd: PathBuf,
    /// Names that mark a project's root.
    pub markers: Vec<String>,
    /// Bytes of project instructions in all; 0 for none.
    pub max_bytes: usize,
    /// Names tried where there is neither override nor `AGENTS.md`.
    pub fallback_names: Vec<String>,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Instructions {
    /// All of it, joined. `None` when nothing was found.
    pub text: Option<String>,
    /// The files it comes from, in order.
    pub sources: Vec<PathBuf>,
    /// Files that could not be read, or not whole, in words for a person.
    pub notices: Vec<String>,
}

/// Reads all instruction files that hold for a directory.
pub fn discover(options: &DiscoverOptions) -> Instructions {
    let mut found = Instructions::default();
    let global = [OVERRIDE, PLAIN].iter().find_map(|name| found.global(&options.home.join(name)));
    let project = found.project(options);
    let parts: Vec<_> = [global, project].into_iter().flatten().collect();
    found.text = (!parts.is_empty()).then(|| parts.join(PROJECT_SEPARATOR));
    found
}

impl Instructions {
    fn global(&mut self, path: &Path) -> Option<String> {
        let bytes = self.read(path, MAX_GLOBAL_BYTES)?;
        let text = String::from_utf8_lossy(&bytes).trim().to_owned();
        if text.is_empty() {
            return None;
        }
        self.sources.push(path.to_owned());
        Some(text)
    }

    fn project(&mut self, options: &DiscoverOptions) -> Option<String> {
        let root = project_root(&options.cwd, &options.markers);
        let mut directories: Vec<_> =
            options.cwd.ancestors().take_while(|directory| directory.starts_with(&root)).collect();
        directories.reverse();
        let mut left = options.max_bytes;
        let mut texts = Vec::new();
        for directory in directories {
            if left == 0 {
                break;
            }
            let Some(path) = instruction_file(directory, &options.fallback_names) else { continue };
            let Some(bytes) = self.read(&path, left) else { continue };
            let text = String::from_utf8_lossy(&bytes);
            // A blank file adds nothing and costs nothing.
            if text.trim().is_empty() {
                continue;
            }
            left -= bytes.len();
            texts.push(text.into_owned());
            self.sources.push(path);
        }
        (!texts.is_empty()).then(|| texts.join("\n\n"))
    }

    /// The first `limit` bytes of a regular file.
    fn read(&mut self, path: &Path, limit: usize) -> Option<Vec<u8>> {
        if !is_file(path) {
            return None;
        }
        match read_up_to(path, limit) {
            Ok((bytes, whole)) => {
                if !whole {
                    self.notices.push(format!(
                        "{} is longer than the {limit} bytes left for instructions; the rest is not used",
                        path.display()
                    ));
                }
                Some(bytes)
            }
            Err(error) => {
                self.notices.push(format!("cannot read the instructions in {}: {error}", path.display()));
                None
            }
        }
    }
}

/// The file that speaks for a directory. A blank one speaks too: it says that there is nothing to say.
fn instruction_file(directory: &Path, fallback_names: &[String]) -> Option<PathBuf> {
    [OVERRIDE, PLAIN]
        .into_iter()
        .chain(fallback_names.iter().map(String::as_str))
        .map(|name| directory.join(name))
        .find(|path| is_file(path))
}

fn is_file(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file())
}

/// At most `limit` bytes, and whether that is all.
fn read_up_to(path: &Path, limit: usize) -> io::Result<(Vec<u8>, bool)> {
    let mut bytes = Vec::new();
    File::open(path)?.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    let whole = bytes.len() <= limit;
    bytes.truncate(limit);
    Ok((bytes, whole))
}
