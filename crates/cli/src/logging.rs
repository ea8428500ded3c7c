//! Logs on standard error, for those who ask: `RUST_LOG`, errors only without it.

use std::ffi::OsStr;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// Switches logging on. `filter` is the value of `RUST_LOG`; one that cannot be read counts as none.
pub(crate) fn start(filter: Option<&OsStr>) {
    let filter = filter.and_then(OsStr::to_str).filter(|text| !text.is_empty());
    let logs =
        tracing_subscriber::fmt().with_writer(std::io::stderr).log_internal_errors(false).with_ansi(false);
    // A second start would be refused; there is none.
    let _started = match filter.and_then(|text| EnvFilter::try_new(text).ok()) {
        Some(filter) => logs.with_env_filter(filter).try_init(),
        None => logs.with_max_level(LevelFilter::ERROR).try_init(),
    };
}
