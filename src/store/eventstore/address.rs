//! How a server, or a cluster, is named.

use std::{fmt, str::FromStr};

use eventstore::ClientSettings;
use thiserror::Error;

/// The schemes of a connection string.
const SCHEMES: [&str; 4] = ["esdb://", "esdb+discover://", "kurrentdb://", "kurrentdb+discover://"];

/// How long the client waits before each look for a node, the first one too: half a second where nothing is said.
const DISCOVERY: &str = "discoveryInterval";
/// In milliseconds.
const DISCOVERED_AT_ONCE: &str = "=20";

/// An `--event-store` that cannot be used.
#[derive(Debug, Error)]
#[error(
    "{0}: --event-store is to be like esdb://user:password@host:2113 or \
     esdb://user:password@one:2113,two:2113,three:2113?nodePreference=leader; ?tls=false for a server without TLS"
)]
pub struct EventStoreUrlError(String);

/// An EventStoreDB or KurrentDB server or cluster, not connected. Its password is not shown by `Debug`.
#[derive(Clone)]
pub struct EventStoreUrl {
    pub(super) settings: ClientSettings,
    /// What is shown: without user, password and parameters.
    shown: String,
}

impl FromStr for EventStoreUrl {
    type Err = EventStoreUrlError;

    /// Reads a connection string as the clients of EventStoreDB do.
    fn from_str(url: &str) -> Result<Self, Self::Err> {
        let scheme = SCHEMES.iter().find(|scheme| url.starts_with(**scheme));
        let Some(scheme) = scheme else {
            return Err(EventStoreUrlError("the URL of an EventStoreDB server is needed".into()));
        };
        let rest = &url[scheme.len()..];
        let hosts = rest.split(['/', '?']).next().unwrap_or_default();
        let hosts = hosts.rsplit('@').next().unwrap_or_default();
        // The client knows its own name for it only.
        let mut known = format!("{}{rest}", scheme.replace("kurrentdb", "esdb"));
        if !rest.to_lowercase().contains(&DISCOVERY.to_lowercase()) {
            known += if rest.contains('?') { "&" } else { "?" };
            known += DISCOVERY;
            known += DISCOVERED_AT_ONCE;
        }
        let settings: ClientSettings =
            known.parse().map_err(|error: eventstore::ClientSettingsParseError| {
                EventStoreUrlError(error.message().to_owned())
            })?;
        if hosts.is_empty() {
            return Err(EventStoreUrlError("the URL names no host".into()));
        }
        Ok(Self { settings, shown: format!("esdb://{hosts}") })
    }
}

impl fmt::Display for EventStoreUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.shown)
    }
}

impl fmt::Debug for EventStoreUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "EventStoreUrl({})", self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::EventStoreUrl;

    fn read(url: &str) -> Result<String, String> {
        url.parse::<EventStoreUrl>().map(|url| url.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_server_and_a_cluster_are_named_without_secrets() {
        assert_eq!(read("esdb://admin:secret@host:2113?tls=false").unwrap(), "esdb://host:2113");
        assert_eq!(read("kurrentdb://host:2113").unwrap(), "esdb://host:2113");
        assert_eq!(
            read("esdb://a:2113,b:2113,c:2113?nodePreference=leader").unwrap(),
            "esdb://a:2113,b:2113,c:2113"
        );
        let url: EventStoreUrl = "esdb://admin:secret@host:2113".parse().unwrap();
        assert!(!format!("{url:?}").contains("secret"));
    }

    #[test]
    fn what_is_no_address_is_refused_with_an_example() {
        for url in ["http://host:2113", "esdb://", "host:2113", ""] {
            assert!(read(url).unwrap_err().contains("esdb://user:password@host:2113"), "{url}");
        }
    }
}
