//! `quire debug models`: the catalog of models.

use clap::Args;
use quire_models::Catalog;

use crate::commands::Outer;
use crate::exit::{Exit, print};
use crate::startup::Startup;
use crate::voice::Voice;

/// Arguments of `debug models`.
#[derive(Debug, Args)]
pub(crate) struct ModelsArgs {
    /// Only what is built in.
    #[arg(long)]
    pub(crate) bundled: bool,
}

/// Runs the command. The built-in catalog needs neither home nor configuration; no catalog is fetched.
pub(crate) fn run(args: &ModelsArgs, outer: &Outer) -> Exit {
    if args.bundled {
        return print_catalog(Catalog::bundled());
    }
    let startup = match Startup::begin(Voice::Plain) {
        Ok(startup) => startup,
        Err(exit) => return exit,
    };
    let config = match quire_config::load(startup.options_with(&outer.overrides)) {
        Ok(config) => config,
        Err(error) => return Voice::Plain.config(&error),
    };
    let Some(file) = &config.model_catalog_json else { return print_catalog(Catalog::bundled()) };
    let catalog = std::fs::read_to_string(file)
        .map_err(|error| error.to_string())
        .and_then(|text| Catalog::from_json(&text).map_err(|error| error.to_string()));
    match catalog {
        Ok(catalog) => print_catalog(&catalog),
        Err(error) => Exit::error(format_args!(
            "`model_catalog_json` names {}, which cannot be used: {error}",
            file.display()
        )),
    }
}

/// One line of JSON, entries as they came, with the system text each model gets.
fn print_catalog(catalog: &Catalog) -> Exit {
    let models: Vec<_> =
        catalog.models().iter().map(|model| quire_engine::with_instructions(model)).collect();
    match serde_json::to_string(&serde_json::json!({ "models": models })) {
        Ok(text) => print(&(text + "\n")),
        Err(error) => Exit::error(format_args!("the catalog cannot be written as JSON: {error}")),
    }
}
