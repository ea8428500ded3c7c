//! The checks, in the order of the report. One file each; this list registers them.

mod app_server;
mod auth;
mod config;
mod environment;
mod git;
mod home_size;
mod installation;
mod mcp;
mod network;
mod provenance;
mod provider;
mod provider_speed;
mod rollout_parity;
mod sandbox;
mod sandbox_enforcement;
mod search;
mod slow_files;
mod state;
mod terminal;
mod title;
mod updates;
mod websocket;

pub(crate) use network::CERTIFICATES;

use crate::context::Check;

/// Every check.
pub(crate) const ALL: &[Check] = &[
    environment::CHECK,
    provenance::CHECK,
    installation::CHECK,
    search::CHECK,
    git::CHECK,
    terminal::CHECK,
    title::CHECK,
    state::CHECK,
    rollout_parity::CHECK,
    home_size::CHECK,
    slow_files::CHECK,
    config::CHECK,
    auth::CHECK,
    mcp::CHECK,
    sandbox::CHECK,
    sandbox_enforcement::CHECK,
    updates::CHECK,
    network::CHECK,
    websocket::CHECK,
    provider::CHECK,
    provider_speed::CHECK,
    app_server::CHECK,
];
