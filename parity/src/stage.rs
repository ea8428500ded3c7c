//! The stage: the folders one side plays in.
//!
//! In comes a [`Scenario`], out come a fresh home, config and work folder at fixed paths, filled as the scenario
//! says. The second side gets the same paths after the first one's folders are wiped. Work folders outside of any
//! repository live below the temp folder, because the suite's own output folder is inside a checkout.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use quire_rehearsal::Variables;

use crate::scenario::{CodexHome, Content, Edit, FileSpec, Git, Scenario};

/// The folders of one scenario.
#[derive(Debug, Clone)]
pub(crate) struct Stage {
    /// `HOME`, empty.
    pub(crate) user: PathBuf,
    /// `CODEX_HOME`.
    pub(crate) codex_home: PathBuf,
    /// Current directory.
    pub(crate) work: PathBuf,
}

const BASE_CONFIG: &str = include_str!("../data/base-config.toml");

impl Stage {
    /// Wipes what is left of an earlier run and builds the folders. `base_url` is the scripted model's.
    pub(crate) fn build(scenario: &Scenario, out: &Path, base_url: &str) -> Result<Self> {
        let root = out.join("stage").join(&scenario.name);
        wipe(&root)?;
        let work = if scenario.git == Git::None {
            let elsewhere = outside_of_git()?.join("quire-parity").join(&scenario.name);
            wipe(&elsewhere)?;
            elsewhere.join("work")
        } else {
            root.join("work")
        };
        let stage = Self { user: root.join("user"), codex_home: root.join("home"), work };
        std::fs::create_dir_all(&stage.user)?;
        std::fs::create_dir_all(&stage.work)?;
        stage.fill_home(scenario, base_url)?;
        let variables = stage.variables();
        for file in &scenario.work {
            put(&stage.work, file, &variables)?;
        }
        stage.set_up_git(scenario.git)?;
        Ok(stage)
    }

    /// Placeholders known before anything has run.
    pub(crate) fn variables(&self) -> Variables {
        Variables::new()
            .with("work", self.work.display().to_string())
            .with("codex_home", self.codex_home.display().to_string())
            .with("user", self.user.display().to_string())
    }

    fn fill_home(&self, scenario: &Scenario, base_url: &str) -> Result<()> {
        match scenario.codex_home {
            CodexHome::Missing => return Ok(()),
            CodexHome::File => return Ok(std::fs::write(&self.codex_home, "not a folder\n")?),
            CodexHome::Folder => std::fs::create_dir_all(&self.codex_home)?,
        }
        let variables = self.variables().with("base_url", base_url);
        let config = if let Some(raw) = &scenario.config_raw {
            raw.clone()
        } else {
            let mut config: toml::Table = toml::from_str(BASE_CONFIG).context("data/base-config.toml")?;
            for key in &scenario.config_unset {
                unset(&mut config, key)?;
            }
            merge(&mut config, &scenario.config);
            toml::to_string(&config)?
        };
        std::fs::write(self.codex_home.join("config.toml"), variables.fill(&config))?;
        for file in &scenario.home {
            put(&self.codex_home, file, &variables)?;
        }
        Ok(())
    }

    fn set_up_git(&self, git: Git) -> Result<()> {
        match git {
            Git::None => Ok(()),
            Git::Init => self.git(&["init", "-q", "-b", "main", "."]),
            Git::Commit => {
                self.git(&["init", "-q", "-b", "main", "."])?;
                self.git(&["add", "-A"])?;
                self.git(&["commit", "-q", "--allow-empty", "-m", "start"])
            }
        }
    }

    fn git(&self, arguments: &[&str]) -> Result<()> {
        let mut command = Command::new("git");
        command.args(arguments).current_dir(&self.work);
        for (name, value) in [
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_CONFIG_SYSTEM", "/dev/null"),
            ("GIT_AUTHOR_NAME", "Ada"),
            ("GIT_AUTHOR_EMAIL", "ada@example.invalid"),
            ("GIT_AUTHOR_DATE", "2026-01-02T03:04:05Z"),
            ("GIT_COMMITTER_NAME", "Ada"),
            ("GIT_COMMITTER_EMAIL", "ada@example.invalid"),
            ("GIT_COMMITTER_DATE", "2026-01-02T03:04:05Z"),
        ] {
            command.env(name, value);
        }
        let output = command.output().context("cannot run git")?;
        ensure!(
            output.status.success(),
            "git {} failed: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    }
}

/// A fresh folder for a suite, outside of any repository and of the temp folder, that no other run uses.
pub(crate) fn suite_folder(suite: &str) -> Result<PathBuf> {
    let folder = suite_folders()?.join(suite);
    wipe(&folder)?;
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    Ok(folder)
}

/// Removes what the suites left.
pub(crate) fn remove_suite_folders() -> Result<()> {
    wipe(&suite_folders()?)
}

fn suite_folders() -> Result<PathBuf> {
    Ok(outside_of_git()?.join(format!("quire-parity-{}", std::process::id())))
}

fn wipe(folder: &Path) -> Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).with_context(|| format!("cannot wipe {}", folder.display()))?;
    }
    Ok(())
}

/// A writable folder that no repository contains. `/tmp` comes last: where the sandbox makes it writable, the
/// reference leaves an empty `/tmp/.git` behind, and then everything below counts as a work tree.
fn outside_of_git() -> Result<PathBuf> {
    let candidates = ["/var/tmp".into(), "/dev/shm".into(), std::env::temp_dir()];
    let free =
        |folder: &Path| folder.is_dir() && !folder.ancestors().any(|above| above.join(".git").exists());
    candidates
        .into_iter()
        .find(|folder| free(folder))
        .context("every temp folder is inside a git repository; scenarios outside of git cannot be played")
}

/// Makes `folder/codex` point to `binary`, so that both sides are run by the reference's name.
pub(crate) fn link_as_codex(binary: &Path, folder: &Path) -> Result<PathBuf> {
    let target = binary.canonicalize().with_context(|| format!("cannot find {}", binary.display()))?;
    std::fs::create_dir_all(folder)?;
    let link = folder.join("codex");
    if link.symlink_metadata().is_ok() {
        std::fs::remove_file(&link)?;
    }
    std::os::unix::fs::symlink(&target, &link).with_context(|| format!("cannot link {}", link.display()))?;
    Ok(link)
}

/// Lays `over` on `base`; tables are merged, anything else replaced.
fn merge(base: &mut toml::Table, over: &toml::Table) {
    for (key, value) in over {
        match (base.get_mut(key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(above)) => merge(below, above),
            _ => {
                base.insert(key.clone(), value.clone());
            }
        }
    }
}

fn unset(table: &mut toml::Table, key: &str) -> Result<()> {
    let removed = match key.split_once('.') {
        None => table.remove(key).is_some(),
        Some((head, rest)) => match table.get_mut(head) {
            Some(toml::Value::Table(inner)) => return unset(inner, rest),
            _ => false,
        },
    };
    ensure!(removed, "config_unset: the base config has no key {key}");
    Ok(())
}

fn put(folder: &Path, file: &FileSpec, variables: &Variables) -> Result<()> {
    let path = folder.join(&file.path);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let mut bytes = match &file.content {
        Content::Text(text) => variables.fill(text).into_bytes(),
        Content::Hex(hex) => unhex(hex)?,
        Content::Repeat { text, times } => text.repeat(*times).into_bytes(),
        Content::From(name) => {
            let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(name);
            let bytes =
                std::fs::read(&source).with_context(|| format!("cannot read {}", source.display()))?;
            match String::from_utf8(bytes) {
                Ok(text) => variables.fill(&text).into_bytes(),
                Err(binary) => binary.into_bytes(),
            }
        }
    };
    for edit in &file.edits {
        bytes = apply(bytes, edit).with_context(|| format!("edit of {}", file.path))?;
    }
    std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    if let Some(mode) = file.mode {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode))?;
    }
    Ok(())
}

fn apply(mut bytes: Vec<u8>, edit: &Edit) -> Result<Vec<u8>> {
    let lines = |bytes: Vec<u8>| -> Result<Vec<String>> {
        Ok(String::from_utf8(bytes)?.split_inclusive('\n').map(str::to_owned).collect())
    };
    match edit {
        Edit::Append { text } => bytes.extend_from_slice(text.as_bytes()),
        Edit::AppendHex { hex } => bytes.extend(unhex(hex)?),
        Edit::PrependHex { hex } => bytes = [unhex(hex)?, bytes].concat(),
        Edit::Insert { line, text } => {
            let mut lines = lines(bytes)?;
            ensure!((1..=lines.len() + 1).contains(line), "no line {line}");
            lines.insert(line - 1, text.clone());
            bytes = lines.concat().into_bytes();
        }
        Edit::Replace { text, with } => {
            let old = String::from_utf8(bytes)?;
            ensure!(old.contains(text.as_str()), "{text:?} does not occur");
            bytes = old.replace(text.as_str(), with).into_bytes();
        }
        Edit::Delete { line } => {
            let mut lines = lines(bytes)?;
            ensure!((1..=lines.len()).contains(line), "no line {line}");
            lines.remove(line - 1);
            bytes = lines.concat().into_bytes();
        }
        Edit::Keep { lines: kept } => {
            let mut lines = lines(bytes)?;
            lines.truncate(*kept);
            bytes = lines.concat().into_bytes();
        }
        Edit::Shorten { bytes: count } => {
            ensure!(*count <= bytes.len(), "shorter than {count} bytes");
            bytes.truncate(bytes.len() - count);
        }
    }
    Ok(bytes)
}

/// Bytes from hexadecimal digits; blanks are ignored.
pub(crate) fn unhex(text: &str) -> Result<Vec<u8>> {
    let digits: Vec<u32> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_digit(16).with_context(|| format!("{c:?} is no hexadecimal digit")))
        .collect::<Result<_>>()?;
    if !digits.len().is_multiple_of(2) {
        bail!("an odd number of hexadecimal digits");
    }
    Ok(digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(text: &str, edit: Edit) -> Result<String> {
        Ok(String::from_utf8(apply(text.as_bytes().to_vec(), &edit)?)?)
    }

    #[test]
    fn edits_change_lines_and_bytes() {
        let text = "a\nb\nc\n";
        assert_eq!(edited(text, Edit::Delete { line: 2 }).unwrap(), "a\nc\n");
        assert_eq!(edited(text, Edit::Insert { line: 1, text: "x\n".into() }).unwrap(), "x\na\nb\nc\n");
        assert_eq!(edited(text, Edit::Keep { lines: 1 }).unwrap(), "a\n");
        assert_eq!(edited(text, Edit::Shorten { bytes: 3 }).unwrap(), "a\nb");
        assert_eq!(edited(text, Edit::PrependHex { hex: "ef bb bf".into() }).unwrap(), "\u{feff}a\nb\nc\n");
        assert!(edited(text, Edit::Replace { text: "z".into(), with: String::new() }).is_err());
        assert!(edited(text, Edit::Delete { line: 4 }).is_err());
    }

    #[test]
    fn config_is_merged_and_unset_by_table() {
        let mut base: toml::Table = toml::from_str("a = 1\n[t]\nx = 1\ny = 2").unwrap();
        merge(&mut base, &toml::from_str("b = 2\n[t]\nx = 3").unwrap());
        unset(&mut base, "t.y").unwrap();
        assert_eq!(base, toml::from_str("a = 1\nb = 2\n[t]\nx = 3").unwrap());
        assert!(unset(&mut base, "t.z").is_err());
    }
}
