//! `quire config`: what the configuration comes to, and why. Our own command.
//!
//! A newcomer's trap: what is printed is what the *layers* say (files, profile, `-c`, `--enable`). Flags with a key of
//! their own, such as `-m`, stand above all layers and belong to the command that gets them.

mod secrets;
mod show;

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};
use quire_config::describe::{self, KeyDoc};
use quire_config::{Config, KeyPath, write};

use super::Outer;
use crate::exit::{Exit, print};
use crate::startup::Startup;
use crate::voice::Voice;

/// Arguments of `config`.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

/// Commands below `config`.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print the configuration as it would be used.
    Show(ShowArgs),
    /// Say what a key means, what it is set to, and where.
    Explain(ExplainArgs),
    /// Print the JSON Schema of config.toml, for editors.
    Schema,
}

/// Arguments of `config show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Say of every value where it was set.
    #[arg(long)]
    pub(crate) origins: bool,
    /// As JSON, with defaults.
    #[arg(long)]
    pub(crate) json: bool,
    /// Print tokens, headers and variables in full.
    #[arg(long)]
    pub(crate) secrets: bool,
    /// As seen from this folder.
    #[arg(short = 'C', long = "cd", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) cd: Option<PathBuf>,
}

/// Arguments of `config explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// The key, dotted. A name with dots in it goes in double quotes.
    #[arg(value_name = "KEY")]
    pub(crate) key: String,
    /// As seen from this folder.
    #[arg(short = 'C', long = "cd", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) cd: Option<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(args: &ConfigArgs, outer: &Outer) -> Exit {
    match &args.command {
        ConfigCommand::Show(args) => match load(args.cd.as_ref(), outer) {
            Ok(config) if args.json => match show::json(&config, args) {
                Ok(text) => print(&text),
                Err(error) => {
                    Exit::error(format_args!("the configuration cannot be written as JSON: {error}"))
                }
            },
            Ok(config) => print(&show::toml(&config, args)),
            Err(exit) => exit,
        },
        ConfigCommand::Explain(args) => explain(args, outer),
        ConfigCommand::Schema => print(&format!("{:#}\n", describe::schema_json())),
    }
}

fn load(folder: Option<&PathBuf>, outer: &Outer) -> Result<Config, Exit> {
    let startup = Startup::begin(Voice::Plain)?;
    let mut options = startup.options_with(&outer.overrides);
    let mut flags = outer.flags.shared.clone();
    if folder.is_some() {
        flags.cd = folder.cloned();
    }
    flags.apply(&mut options).map_err(Exit::error)?;
    quire_config::load(options).map_err(|error| Voice::Plain.config(&error))
}

fn explain(args: &ExplainArgs, outer: &Outer) -> Exit {
    let path = match write::parse_key_path(&args.key) {
        Ok(path) => path,
        Err(error) => return Exit::error(format_args!("`{}` is no key: {error}", args.key)),
    };
    let doc = match describe::explain(&path) {
        Ok(doc) => doc,
        Err(error) => return Exit::error(error),
    };
    match load(args.cd.as_ref(), outer) {
        Ok(config) => print(&explanation(&doc, &config, &KeyPath::of(path))),
        Err(exit) => exit,
    }
}

/// What the key means, then what it is set to, the deciding place first.
fn explanation(doc: &KeyDoc, config: &Config, path: &KeyPath) -> String {
    let mut text = format!("{}\n  {}\n\n  holds:    {}\n", doc.path, doc.description, doc.kind);
    let mut line = |label: &str, value: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {label:<10}{value}");
    };
    for (value, meaning) in &doc.values {
        line("", format!("\"{value}\"  {meaning}").trim_end());
    }
    if let Some(default) = &doc.default {
        line("default:", &default.to_string());
    }
    let settings = config.layers.settings(path);
    if settings.is_empty() {
        line("set to:", "nothing");
    }
    for (place, setting) in settings.iter().enumerate() {
        let value = secrets::masked(path, setting.value.clone());
        line(if place == 0 { "set to:" } else { "hidden:" }, &value.to_string());
        let at =
            setting.location.as_ref().map_or_else(|| setting.layer.source.to_string(), ToString::to_string);
        line("", &format!("by {at}"));
    }
    for (place, (member, description)) in doc.members.iter().enumerate() {
        line(if place == 0 { "keys:" } else { "" }, &format!("{member}  {description}"));
    }
    text
}
