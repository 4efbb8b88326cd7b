//! The file that `--config` names.

use std::{
    fs,
    num::NonZeroU32,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{Address, BaseUrl, LogFormat, Network, SecretUrl, Usage, limits::Limits, mail::EmailFlags};

/// What may stand in it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    pub(super) data: Option<PathBuf>,
    pub(super) database_url: Option<SecretUrl>,
    pub(super) event_store: Option<SecretUrl>,
    pub(super) master_key_file: Option<PathBuf>,
    pub(super) base_url: Option<BaseUrl>,
    pub(super) log: Option<String>,
    pub(super) log_format: Option<LogFormat>,
    pub(super) listen: Option<Address>,
    pub(super) trusted_proxies: Option<Vec<Network>>,
    pub(super) verify_every: Option<NonZeroU32>,
    pub(super) limits: Option<Limits>,
    pub(super) mail: Option<EmailFlags>,
}

impl Written {
    /// Reads the file; an error names the line and the key.
    pub(super) fn read(path: &Path) -> Result<Self, Usage> {
        let shown = path.display();
        let text = fs::read_to_string(path)
            .map_err(|error| Usage(format!("--config: {shown} cannot be read: {error}")))?;
        let mut file = Self::parse(&text).map_err(|error| Usage(format!("--config: {shown}, {error}")))?;
        // A path in a file means the same wherever muster is started from.
        let beside = path.parent().unwrap_or(Path::new(""));
        for path in [&mut file.data, &mut file.master_key_file].into_iter().flatten() {
            *path = beside.join(&path);
        }
        Ok(file)
    }

    fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            let line = 1 + text.bytes().take(start).filter(|byte| *byte == b'\n').count();
            format!("line {line}: {}", error.message().trim_end().replace("unknown field", "unknown key"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Written;

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let error = Written::parse("data = \"x\"\nlissten = \"y\"\n").unwrap_err();
        assert!(error.starts_with("line 2: unknown key `lissten`"), "{error}");
        let error = Written::parse("[limits]\nmax_boddy = 1\n").unwrap_err();
        assert!(error.starts_with("line 2: unknown key `max_boddy`"), "{error}");
    }

    #[test]
    fn a_proxy_is_a_network_or_an_address_and_the_server_has_a_port() {
        let file = Written::parse("trusted_proxies = [\"10.0.0.0/8\", \"::1\"]").unwrap();
        let networks: Vec<_> =
            file.trusted_proxies.unwrap().iter().map(|network| network.0.to_string()).collect();
        assert_eq!(networks, ["10.0.0.0/8", "::1/128"]);
        let error = Written::parse("trusted_proxies = [\"everyone\"]").unwrap_err();
        assert!(error.contains("\"everyone\" is no network"), "{error}");
        let error = Written::parse("listen = \"nonsense\"").unwrap_err();
        assert!(error.starts_with("line 1: \"nonsense\" is no address"), "{error}");
    }
}
