//! Wires: one module per protocol that providers speak.
//!
//! A wire turns a prompt into a request, and the data of its events into [`crate::ModelEvent`]s. It knows neither
//! sockets nor retries; those are the client's, the same for every wire.

pub(crate) mod responses;
