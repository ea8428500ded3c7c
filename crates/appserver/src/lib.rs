//! The one doorway: front ends ask here, and hear here what happens.
//!
//! In come requests of `quire-appserver-protocol`, out go results and notifications. [`AppServer::connect`] gives a
//! front end in this process a [`Client`] (requests) and a queue (notifications); the values travel as they are,
//! nothing is encoded. [`stdio`] does the same with lines of JSON for other processes.
//!
//! A newcomer's trap: a connection's queue is bounded and nothing is ever dropped from it. A front end that stops
//! reading stops its threads, so it must not wait for an answer without reading notifications meanwhile.

mod client;
mod config;
mod config_methods;
mod features;
mod handlers;
mod peers;
mod scope;
mod server;
pub mod stdio;
mod threads;
mod translate;
mod warnings;
mod wire;

pub use client::{Client, Notifications};
pub use server::{AppServer, AppServerOptions};
