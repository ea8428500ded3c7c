//! From files and flags to a [`Config`]: read the layers, decide about trust, merge, check.
//!
//! In come [`LoadOptions`], out goes a [`Config`] or the first [`ConfigError`]. The order of the checks is that of the
//! reference, because the first error is the one a person sees. What a newcomer would get wrong: the settings that
//! decide which projects are trusted are read *before* the projects' own files, so a project cannot trust itself.

use std::path::Path;
use std::sync::Arc;

use toml::{Table, Value};

use crate::cli_override::CliOverride;
use crate::config::{Config, Loaded};
use crate::decode::{Decoded, decode};
use crate::error::{ConfigError, FileKind, InvalidConfig};
use crate::features::Feature;
use crate::key_path::KeyPath;
use crate::layer::{DisabledReason, Layer, LayerSource, LayerStack, Paths, normalise_session_aliases};
use crate::locate::{Location, Part};
use crate::options::{LoadOptions, ProfileName};
use crate::project::{PROJECT_SETTINGS, Project, ProjectSettings, TrustTable};
use crate::requirements::Requirements;
use crate::schema::{ConfigToml, TrustLevel};

/// Keys that a project must not set, in the order in which a warning lists them.
const NOT_FOR_PROJECTS: [&str; 10] = [
    "openai_base_url",
    "chatgpt_base_url",
    "apps_mcp_product_sku",
    "model_provider",
    "model_providers",
    "notify",
    "profile",
    "profiles",
    "experimental_realtime_ws_base_url",
    "otel",
];

/// Loads the config.
pub fn load(options: LoadOptions) -> Result<Config, ConfigError> {
    let mut loader = Loader { paths: Paths::of(&options), options: &options, warnings: Vec::new() };
    let session = loader.session_layer()?;
    let below = loader.layers_below_projects()?;
    if options.strict {
        refuse_unknown(&session, &below)?;
    }
    let managed = loader.managed_layer()?;
    let system = &options.system;
    let requirements =
        Requirements::load(&system.requirements, managed.as_ref(), &system.managed, || (options.hostname)())?;

    // An administrator's old file says nothing about projects.
    let settings = match project_settings(below.iter().chain([&session])) {
        // Where no project counts, a wrong value is told like any other, below.
        Err(_) if !options.projects => ProjectSettings::default(),
        settings => settings?,
    };
    let trust = TrustTable::new(&settings, &options.cwd, &options.git_root);
    let project = trust.project(&options.cwd);
    let projects = if options.projects { loader.project_layers(&trust)? } else { Vec::new() };

    let mut stack = LayerStack::default();
    below.into_iter().chain(projects).chain([session]).chain(managed).for_each(|layer| stack.push(layer));
    loader.finish(stack, project, requirements)
}

/// The layers without those of projects. Nothing is checked but the syntax of the files.
pub(crate) fn layers_without_projects(options: &LoadOptions) -> Result<LayerStack, ConfigError> {
    let loader = Loader { paths: Paths::of(options), options, warnings: Vec::new() };
    let session = loader.session_layer()?;
    let mut stack = LayerStack::default();
    let below = loader.layers_below_projects()?;
    below.into_iter().chain([session]).chain(loader.managed_layer()?).for_each(|layer| stack.push(layer));
    Ok(stack)
}

/// What an administrator demands, whatever the values in the config. A file that is no TOML is an error all the same.
pub fn load_requirements(options: &LoadOptions) -> Result<Option<Requirements>, ConfigError> {
    let stack = layers_without_projects(options)?;
    let managed = stack.iter().find(|layer| matches!(layer.source, LayerSource::LegacyManagedFile { .. }));
    let system = &options.system;
    Ok(Requirements::load(&system.requirements, managed, &system.managed, || (options.hostname)())?)
}

struct Loader<'a> {
    options: &'a LoadOptions,
    paths: Paths,
    warnings: Vec<String>,
}

impl Loader<'_> {
    /// `-c`, then `--enable`, then `--disable`. Feature names are checked before anything is parsed.
    fn session_layer(&self) -> Result<Layer, ConfigError> {
        let (enable, disable) = (&self.options.enable, &self.options.disable);
        if let Some(unknown) = enable.iter().chain(disable).find(|name| Feature::from_name(name).is_none()) {
            return Err(ConfigError::UnknownFeature(unknown.clone()));
        }
        let mut overrides = self
            .options
            .cli_overrides
            .iter()
            .map(|raw| CliOverride::parse(raw))
            .collect::<Result<Vec<_>, _>>()?;
        overrides.extend(enable.iter().map(|name| CliOverride::feature(name, true)));
        overrides.extend(disable.iter().map(|name| CliOverride::feature(name, false)));
        let mut table = Table::new();
        for one in overrides {
            one.apply(&mut table);
        }
        normalise_session_aliases(&mut table);
        self.paths.resolve(&mut table, &self.options.cwd);
        Ok(Layer::from_table(LayerSource::SessionFlags, table))
    }

    fn layers_below_projects(&self) -> Result<Vec<Layer>, ConfigError> {
        let system = self.options.system.config.clone();
        let mut layers = vec![self.read(LayerSource::System { file: system.clone() }, &system)?];
        if self.options.ignore_user_config {
            return Ok(layers);
        }
        let file = self.options.home.config_file();
        let user = self.read(LayerSource::User { file: file.clone(), profile: None }, &file)?;
        if let Some(profile) = &self.options.profile {
            self.refuse_old_profile(profile, &user)?;
        }
        layers.push(user);
        if let Some(profile) = &self.options.profile {
            let file = self.options.home.profile_file(profile);
            if file.symlink_metadata().is_ok() {
                let source =
                    LayerSource::User { file: file.clone(), profile: Some(profile.as_str().to_owned()) };
                layers.push(self.read(source, &file)?);
            }
        }
        Ok(layers)
    }

    /// What an administrator fixed, if he did.
    fn managed_layer(&self) -> Result<Option<Layer>, ConfigError> {
        let file = &self.options.system.managed;
        if file.symlink_metadata().is_err() {
            return Ok(None);
        }
        self.read(LayerSource::LegacyManagedFile { file: file.clone() }, file).map(Some)
    }

    fn read(&self, source: LayerSource, file: &Path) -> Result<Layer, ConfigError> {
        Layer::read(source, file, FileKind::Config, &self.paths)
    }

    fn refuse_old_profile(&self, profile: &ProfileName, user: &Layer) -> Result<(), ConfigError> {
        let name = profile.as_str();
        let selected = user.table.get("profile").and_then(Value::as_str) == Some(name);
        let defined = user.table.get("profiles").and_then(|profiles| profiles.get(name)).is_some();
        if !selected && !defined {
            return Ok(());
        }
        Err(ConfigError::ProfileConflict {
            profile: name.to_owned(),
            config: self.options.home.config_file(),
            profile_file: self.options.home.profile_file(profile),
        })
    }

    fn project_layers(&mut self, trust: &TrustTable<'_>) -> Result<Vec<Layer>, ConfigError> {
        let mut layers = Vec::new();
        for folder in trust.config_folders(&self.options.cwd, self.options.home.as_path()) {
            let dot_codex_folder = folder.join(".codex");
            let file = dot_codex_folder.join("config.toml");
            let source = LayerSource::Project { dot_codex_folder };
            let reason = match trust.of(&folder) {
                Some(TrustLevel::Trusted) => None,
                Some(TrustLevel::Untrusted) => Some(DisabledReason::Untrusted),
                None => Some(DisabledReason::Undecided),
            };
            layers.push(match reason {
                Some(reason) => Layer::disabled(source, &file, &self.paths, reason),
                None => self.trusted_project_layer(source, &file)?,
            });
        }
        Ok(layers)
    }

    fn trusted_project_layer(&mut self, source: LayerSource, file: &Path) -> Result<Layer, ConfigError> {
        let mut layer = Layer::read(source, file, FileKind::Project, &self.paths)?;
        if self.options.strict {
            refuse_unknown_in_file(&layer)?;
        }
        let dropped: Vec<_> = NOT_FOR_PROJECTS.into_iter().filter(|key| layer.forget(key)).collect();
        if !dropped.is_empty() {
            self.warnings.push(format!(
                "Ignored unsupported project-local config keys in {}: {}. Only the user's own config.toml can set them.",
                file.display(),
                dropped.join(", ")
            ));
        }
        Ok(layer)
    }

    fn finish(
        self,
        stack: LayerStack,
        project: Project,
        requirements: Option<Requirements>,
    ) -> Result<Config, ConfigError> {
        let merged = stack.merged();
        let Decoded { mut value, unknown } = match decode::<ConfigToml>(&merged) {
            Ok(decoded) => decoded,
            Err(error) => return Err(value_error(&stack, error.path, error.message)),
        };
        if let Some(name) = value.profile {
            return Err(InvalidConfig::LegacyProfile(name).into());
        }
        if value.experimental_thread_store_endpoint.is_some() {
            return Err(InvalidConfig::ThreadStoreEndpoint.into());
        }
        for auth in value.model_providers.values_mut().filter_map(|provider| provider.auth.as_mut()) {
            auth.cwd.get_or_insert_with(|| self.options.cwd.clone());
        }
        let loaded = Loaded {
            written: value,
            merged,
            unknown,
            stack,
            project,
            paths: self.paths,
            warnings: self.warnings,
            requirements: requirements.map(Arc::new),
        };
        Ok(loaded.assemble(self.options)?)
    }
}

/// Strict mode: the command line first, then the files from the lowest up.
fn refuse_unknown(session: &Layer, files: &[Layer]) -> Result<(), ConfigError> {
    // A wrong type on the command line is reported later, by its key.
    if let Ok(Decoded { unknown, .. }) = decode::<ConfigToml>(&session.table)
        && let Some(path) = unknown.into_iter().find(is_refused)
    {
        return Err(ConfigError::UnknownOverride { path });
    }
    files.iter().try_for_each(refuse_unknown_in_file)
}

/// Our own table is open in strict mode too: the reference's users may share a file with ours.
fn is_refused(path: &KeyPath) -> bool {
    !path.is_within("quire")
}

/// What decides about projects, from the layers below and above theirs. Nothing else of these layers is looked at yet. An
/// error is shown in the file it comes from.
fn project_settings<'a>(
    layers: impl Iterator<Item = &'a Layer> + Clone,
) -> Result<ProjectSettings, ConfigError> {
    let mut stack = LayerStack::default();
    layers.clone().for_each(|layer| stack.push(layer.only(&PROJECT_SETTINGS)));
    match decode::<ProjectSettings>(&stack.merged()) {
        Ok(decoded) => Ok(decoded.value),
        Err(error) => {
            for layer in layers {
                type_error_in_file(layer)?;
            }
            Err(value_error(&stack, error.path, error.message))
        }
    }
}

/// A value of the merged config that does not fit, with the file it was won from.
fn value_error(stack: &LayerStack, path: KeyPath, message: String) -> ConfigError {
    let location = stack
        .owner(&path)
        .and_then(Layer::text)
        .map(|(file, text)| Box::new(Location::of_path(file, text, &path, Part::Value)));
    ConfigError::Value { path: path.keys_only(), message, location }
}

/// The first thing in one file that does not fit.
fn type_error_in_file(layer: &Layer) -> Result<Vec<KeyPath>, ConfigError> {
    let Some((file, text)) = layer.text() else { return Ok(Vec::new()) };
    decode::<ConfigToml>(layer.shown()).map(|decoded| decoded.unknown).map_err(|error| ConfigError::InFile {
        location: Box::new(Location::of_path(file, text, &error.path, Part::Value)),
        path: Some(error.path),
        message: error.message,
    })
}

fn refuse_unknown_in_file(layer: &Layer) -> Result<(), ConfigError> {
    let unknown = type_error_in_file(layer)?;
    let (Some(path), Some((file, text))) = (unknown.into_iter().find(is_refused), layer.text()) else {
        return Ok(());
    };
    Err(ConfigError::InFile {
        location: Box::new(Location::of_path(file, text, &path, Part::Key)),
        message: format!("unknown configuration field `{path}`"),
        path: Some(path),
    })
}
