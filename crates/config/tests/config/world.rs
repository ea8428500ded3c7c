//! A home, a working folder and system files, all in one temporary folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use quire_config::{CodexHome, Config, ConfigError, LoadOptions, SystemPaths, load};

pub(crate) struct World {
    _dir: tempfile::TempDir,
    root: PathBuf,
    pub(crate) options: LoadOptions,
}

impl World {
    /// `home/`, `w/` (the working folder, a project root) and `etc/`, all empty.
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        // The project root is found here whatever lies around the temporary folder.
        for folder in ["home", "w", "etc", "w/.git"] {
            std::fs::create_dir(root.join(folder)).unwrap();
        }
        let mut options = LoadOptions::new(CodexHome::at(root.join("home")), root.join("w"));
        options.system = SystemPaths {
            config: root.join("etc/config.toml"),
            managed: root.join("etc/managed_config.toml"),
            requirements: root.join("etc/requirements.toml"),
        };
        options.hostname = Arc::new(|| Some("build-7".to_owned()));
        Self { _dir: dir, root, options }
    }

    /// A world whose user config is this text. `@` stands for the root of the world.
    pub(crate) fn with(config: &str) -> Self {
        Self::new().file("home/config.toml", config)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Writes a file. `@` stands for the root of the world.
    pub(crate) fn file(self, name: &str, text: &str) -> Self {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text.replace('@', self.root())).unwrap();
        self
    }

    pub(crate) fn folder(self, name: &str) -> Self {
        std::fs::create_dir_all(self.path(name)).unwrap();
        self
    }

    fn root(&self) -> &str {
        self.root.to_str().unwrap()
    }

    pub(crate) fn flags(mut self, overrides: &[&str]) -> Self {
        let overrides: Vec<_> = overrides.iter().map(|raw| raw.replace('@', self.root())).collect();
        self.options.cli_overrides.extend(overrides);
        self
    }

    pub(crate) fn strict(mut self) -> Self {
        self.options.strict = true;
        self
    }

    pub(crate) fn env(mut self, vars: &[(&str, &str)]) -> Self {
        let vars: Vec<_> = vars.iter().map(|(a, b)| ((*a).to_owned(), b.replace('@', self.root()))).collect();
        self.options.env =
            Arc::new(move |name| vars.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()));
        self
    }

    pub(crate) fn options(mut self, change: impl FnOnce(&mut LoadOptions)) -> Self {
        change(&mut self.options);
        self
    }

    pub(crate) fn try_load(&self) -> Result<Config, ConfigError> {
        load(self.options.clone())
    }

    pub(crate) fn load(&self) -> Config {
        self.try_load().unwrap()
    }

    /// The text of the error, with `@` for the root of the world.
    pub(crate) fn error(&self) -> String {
        self.tidy(&self.try_load().unwrap_err().to_string())
    }

    pub(crate) fn tidy(&self, text: &str) -> String {
        text.replace(self.root(), "@")
    }

    pub(crate) fn relative<'a>(&self, path: &'a Path) -> &'a str {
        path.strip_prefix(self.root()).unwrap().to_str().unwrap()
    }
}
