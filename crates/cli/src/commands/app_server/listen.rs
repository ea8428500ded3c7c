//! Where an app server listens.
//!
//! A newcomer's trap: a websocket is bound to a numeric address; names, `localhost` too, are refused.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// A value of `--listen`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Listen {
    /// Standard input and output.
    Stdio,
    /// A Unix socket; `None` is the home's own.
    Unix(Option<PathBuf>),
    /// A websocket.
    WebSocket(SocketAddr),
    /// Nowhere.
    Off,
}

/// Why a value of `--listen` is none.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not one of stdio://, unix://, unix://PATH, ws://IP:PORT, off")]
pub(crate) struct ListenError(String);

impl FromStr for Listen {
    type Err = ListenError;

    fn from_str(text: &str) -> Result<Self, ListenError> {
        let refused = || ListenError(text.to_owned());
        if let Some(path) = text.strip_prefix("unix://") {
            return Ok(Self::Unix((!path.is_empty()).then(|| path.into())));
        }
        match text {
            "stdio://" => Ok(Self::Stdio),
            "off" => Ok(Self::Off),
            _ => {
                let address = text.strip_prefix("ws://").ok_or_else(refused)?;
                address.parse().map(Self::WebSocket).map_err(|_| refused())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listens_where_it_is_told() {
        assert_eq!("stdio://".parse(), Ok(Listen::Stdio));
        assert_eq!("off".parse(), Ok(Listen::Off));
        assert_eq!("unix://".parse(), Ok(Listen::Unix(None)));
        assert_eq!("unix:///run/x".parse(), Ok(Listen::Unix(Some("/run/x".into()))));
        assert_eq!("ws://127.0.0.1:0".parse(), Ok(Listen::WebSocket(([127, 0, 0, 1], 0).into())));
        for bad in ["stdio", "ws://localhost:1", "ws://127.0.0.1", "http://127.0.0.1:1", ""] {
            assert_eq!(bad.parse::<Listen>(), Err(ListenError(bad.to_owned())));
        }
    }
}
