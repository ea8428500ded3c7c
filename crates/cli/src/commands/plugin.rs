//! `quire plugin`: plugins, and the marketplaces they come from.

use clap::{Args, Subcommand};

use super::Outer;
use crate::exit::Exit;

/// Arguments of `plugin`.
#[derive(Debug, Args)]
pub(crate) struct PluginArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: PluginCommand,
}

/// Commands below `plugin`.
#[derive(Debug, Subcommand)]
pub(crate) enum PluginCommand {
    /// Install a plugin.
    Add(SelectorArgs),
    /// List plugins.
    List(ListArgs),
    /// Where plugins come from.
    Marketplace(MarketplaceArgs),
    /// Remove a plugin.
    Remove(SelectorArgs),
}

/// One plugin.
#[derive(Debug, Args)]
pub(crate) struct SelectorArgs {
    /// The plugin, with or without its marketplace.
    #[arg(value_name = "PLUGIN[@MARKETPLACE]")]
    pub(crate) plugin: String,
    /// Its marketplace.
    #[arg(short = 'm', long = "marketplace", value_name = "MARKETPLACE")]
    pub(crate) marketplace: Option<String>,
}

/// Arguments of `plugin list`.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only those of this marketplace.
    #[arg(short = 'm', long = "marketplace", value_name = "MARKETPLACE")]
    pub(crate) marketplace: Option<String>,
}

/// Arguments of `plugin marketplace`.
#[derive(Debug, Args)]
pub(crate) struct MarketplaceArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: MarketplaceCommand,
}

/// Commands below `plugin marketplace`.
#[derive(Debug, Subcommand)]
pub(crate) enum MarketplaceCommand {
    /// Add a marketplace.
    Add(AddArgs),
    /// List the marketplaces.
    List,
    /// Fetch what is new in one marketplace, or in all.
    Upgrade(UpgradeArgs),
    /// Remove a marketplace.
    Remove(RemoveArgs),
}

/// Arguments of `plugin marketplace add`.
#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// A git repository or a folder.
    #[arg(value_name = "SOURCE")]
    pub(crate) source: String,
    /// Branch, tag or commit of the repository.
    #[arg(long = "ref", value_name = "REF")]
    pub(crate) reference: Option<String>,
    /// Check out only this path. Repeatable.
    #[arg(long, value_name = "PATH")]
    pub(crate) sparse: Vec<String>,
}

/// Arguments of `plugin marketplace upgrade`.
#[derive(Debug, Args)]
pub(crate) struct UpgradeArgs {
    /// The marketplace. Left out: all.
    #[arg(value_name = "MARKETPLACE_NAME")]
    pub(crate) marketplace_name: Option<String>,
}

/// Arguments of `plugin marketplace remove`.
#[derive(Debug, Args)]
pub(crate) struct RemoveArgs {
    /// The marketplace.
    #[arg(value_name = "MARKETPLACE_NAME")]
    pub(crate) marketplace_name: String,
}

/// Runs the command.
pub(crate) fn run(args: &PluginArgs, outer: &Outer) -> Exit {
    let words = match &args.command {
        PluginCommand::Add(_) => "add",
        PluginCommand::List(_) => "list",
        PluginCommand::Remove(_) => "remove",
        PluginCommand::Marketplace(MarketplaceArgs { command }) => match command {
            MarketplaceCommand::Add(_) => "marketplace add",
            MarketplaceCommand::List => "marketplace list",
            MarketplaceCommand::Upgrade(_) => "marketplace upgrade",
            MarketplaceCommand::Remove(_) => "marketplace remove",
        },
    };
    outer.not_there(&format!("plugin {words}"), "")
}
