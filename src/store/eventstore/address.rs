//! How a server, or a cluster, is named.

use std::{borrow::Cow, fmt, fs::File, str::FromStr};

use eventstore::{
    AppendToStreamOptions, ClientSettings, Credentials, ReadStreamOptions, SubscribeToStreamOptions,
};
use percent_encoding::percent_decode_str;
use thiserror::Error;
use url::Url;

/// The schemes of a connection string.
const SCHEMES: [&str; 4] = ["esdb://", "esdb+discover://", "kurrentdb://", "kurrentdb+discover://"];

/// How long the client waits before each look for a node, the first one too: half a second where nothing is said.
const DISCOVERY: &str = "discoveryInterval";
/// In milliseconds.
const DISCOVERED_AT_ONCE: &str = "=20";

/// The parameters that name files.
const FILES: [&str; 3] = ["tlsCaFile", "userCertFile", "userKeyFile"];
/// Our own parameter.
const PREFIX: &str = "prefix";
const DEFAULT_PREFIX: &str = "muster";

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
    /// User and password, where the client would send others. Gossip is asked without them then.
    credentials: Option<Credentials>,
    /// How the names of its streams begin.
    pub(super) prefix: String,
    /// What is shown: without user, password and the server's parameters.
    shown: String,
}

impl EventStoreUrl {
    /// Whether a URL is that of an event store, by its beginning.
    pub fn names_one(url: &str) -> bool {
        SCHEMES.iter().any(|scheme| url.starts_with(scheme))
    }

    /// For appends, which only a leader takes, as who is named here.
    pub(super) fn appending(&self) -> AppendToStreamOptions {
        let options = AppendToStreamOptions::default().requires_leader(true);
        match self.credentials.clone() {
            Some(credentials) => options.authenticated(credentials),
            None => options,
        }
    }

    /// For reads, which see whatever was acknowledged, as who is named here.
    pub(super) fn reading(&self) -> ReadStreamOptions {
        let options = ReadStreamOptions::default().requires_leader(true);
        match self.credentials.clone() {
            Some(credentials) => options.authenticated(credentials),
            None => options,
        }
    }

    /// For subscriptions, as who is named here.
    pub(super) fn subscribing(&self) -> SubscribeToStreamOptions {
        let options = SubscribeToStreamOptions::default();
        match self.credentials.clone() {
            Some(credentials) => options.authenticated(credentials),
            None => options,
        }
    }
}

impl FromStr for EventStoreUrl {
    type Err = EventStoreUrlError;

    /// Reads a connection string as the clients of EventStoreDB do. One parameter is ours: `prefix`, by which the names of
    /// the ledger's streams begin, where a server has more than one.
    fn from_str(url: &str) -> Result<Self, Self::Err> {
        let scheme = SCHEMES.iter().find(|scheme| url.starts_with(**scheme));
        let Some(scheme) = scheme else {
            return Err(EventStoreUrlError("the URL of an EventStoreDB server is needed".into()));
        };
        let (rest, prefix) = without_prefix(&url[scheme.len()..])?;
        let (rest, credentials) = without_encoded_credentials(rest)?;
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
                // Its message may be the whole URL, with the password.
                EventStoreUrlError(error.error().map_or_else(
                    || "its parameters cannot be read".to_owned(),
                    |error| {
                        format!("it cannot be read ({error}; in a password, / is %2F, ? is %3F, # is %23)")
                    },
                ))
            })?;
        look_at_files(&rest)?;
        if hosts.is_empty() {
            return Err(EventStoreUrlError("the URL names no host".into()));
        }
        let named = prefix.as_ref().map(|prefix| format!("?{PREFIX}={prefix}")).unwrap_or_default();
        let shown = format!("esdb://{hosts}{named}");
        Ok(Self { settings, credentials, prefix: prefix.unwrap_or_else(|| DEFAULT_PREFIX.to_owned()), shown })
    }
}

/// The client ends where a file that it is given cannot be read, without a word.
fn look_at_files(rest: &str) -> Result<(), EventStoreUrlError> {
    let parameters = rest.split_once('?').map_or("", |(_, parameters)| parameters);
    for (name, file) in parameters.split('&').filter_map(|parameter| parameter.split_once('=')) {
        if FILES.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            File::open(file).map_err(|error| EventStoreUrlError(format!("{name}: {file}: {error}")))?;
        }
    }
    Ok(())
}

/// What follows the scheme without user and password, and these, where the client would send others: it sends them as they
/// stand in a URL, where many letters are encoded.
fn without_encoded_credentials(rest: String) -> Result<(String, Option<Credentials>), EventStoreUrlError> {
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let Some((named, hosts)) = authority.rsplit_once('@') else { return Ok((rest, None)) };
    let (user, password) = named.split_once(':').unwrap_or((named, ""));
    let decoded = |text: &str| {
        let decoded = percent_decode_str(text).decode_utf8().map(Cow::into_owned);
        decoded.map_err(|_| EventStoreUrlError("user or password are no text".into()))
    };
    let (user, password) = (decoded(user)?, decoded(password)?);
    let is_sent_so = Url::parse(&format!("esdb://{named}@host"))
        .is_ok_and(|url| (url.username(), url.password().unwrap_or_default()) == (&*user, &*password));
    if is_sent_so {
        return Ok((rest, None));
    }
    Ok((format!("{hosts}{}", &rest[authority.len()..]), Some(Credentials::new(user, password))))
}

/// What follows the scheme without our own parameter, and that.
fn without_prefix(rest: &str) -> Result<(String, Option<String>), EventStoreUrlError> {
    let Some((hosts, parameters)) = rest.split_once('?') else { return Ok((rest.to_owned(), None)) };
    let is_prefix = |parameter: &&str| parameter.split('=').next() == Some(PREFIX);
    let (ours, others): (Vec<_>, Vec<_>) = parameters.split('&').partition(is_prefix);
    let prefix = ours.last().map(|parameter| parameter[PREFIX.len()..].trim_start_matches('=').to_owned());
    let may = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '.';
    if prefix.as_ref().is_some_and(|prefix| prefix.is_empty() || !prefix.chars().all(may)) {
        return Err(EventStoreUrlError(format!("{PREFIX} may have letters, digits, _ and points")));
    }
    let rest = if others.is_empty() { hosts.to_owned() } else { format!("{hosts}?{}", others.join("&")) };
    Ok((rest, prefix))
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
    use eventstore::Credentials;

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
        assert_eq!(read("esdb://host:2113?tls=false&prefix=acme").unwrap(), "esdb://host:2113?prefix=acme");
        let url: EventStoreUrl = "esdb://admin:secret@host:2113".parse().unwrap();
        assert_eq!(url.prefix, "muster");
        assert!(!format!("{url:?}").contains("secret"));
    }

    /// What a URL would encode is sent as it was written.
    #[test]
    fn credentials_are_left_to_the_client_where_it_sends_them_so() {
        let credentials = |url: &str| url.parse::<EventStoreUrl>().unwrap().credentials;
        assert_eq!(credentials("esdb://host"), None);
        assert_eq!(credentials("esdb://admin:changeit@host"), None);
        assert_eq!(credentials("esdb://admin:50%@host"), None);
        for (named, user, password) in [("a%40b:c", "a@b", "c"), ("a:b=c^", "a", "b=c^"), ("%61", "a", "")] {
            let expected = Some(Credentials::new(user.to_owned(), password.to_owned()));
            assert_eq!(credentials(&format!("esdb://{named}@host?tls=false")), expected, "{named}");
        }
    }

    #[test]
    fn what_is_refused_shows_no_password() {
        for url in [
            "esdb://admin:secret@host:port",
            "esdb://admin:secret/x@host:2113",
            "esdb://a:secret@[h",
            "esdb://a:secret%FF@host",
        ] {
            let refused = read(url).unwrap_err();
            assert!(!refused.contains("secret"), "{refused}");
        }
        assert!(read("esdb://host:2113?tlsCaFile=/nowhere/ca.pem").unwrap_err().contains("tlsCaFile"));
    }

    #[test]
    fn what_is_no_address_is_refused_with_an_example() {
        for url in
            ["http://host:2113", "esdb://", "host:2113", "", "esdb://host?prefix=", "esdb://host?prefix=a-b"]
        {
            assert!(read(url).unwrap_err().contains("esdb://user:password@host:2113"), "{url}");
        }
    }
}
