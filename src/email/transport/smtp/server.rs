//! Which mail server, as its URL names it.

use std::borrow::Cow;

use lettre::transport::smtp::{authentication::Credentials, client::TlsParameters, extension::ClientId};
use percent_encoding::percent_decode_str;
use url::{Host, Url};

use crate::email::TransportError;

/// Ports of RFC 5321 (relay), RFC 6409 (submission) and RFC 8314 (submission with TLS from the beginning).
const RELAY: u16 = 25;
const SUBMISSION: u16 = 587;
const SUBMISSIONS: u16 = 465;

const WANTED: &str = "smtp://HOST:PORT or smtps://HOST is needed; STARTTLS by ?tls=required behind it";

/// When the connection is encrypted.
pub(super) enum Encrypted {
    /// Never.
    No,
    /// By STARTTLS, where the server offers it.
    IfOffered(TlsParameters),
    /// By STARTTLS; else nothing is sent.
    ByCommand(TlsParameters),
    /// From the beginning.
    FromTheBeginning(TlsParameters),
}

/// A mail server and how to talk to it.
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) encrypted: Encrypted,
    pub(super) credentials: Option<Credentials>,
    /// What this end calls itself.
    pub(super) name: ClientId,
}

impl Server {
    /// `smtp://` and `smtps://` as [`super::super::Transport::Smtp`] says. A password goes over the net encrypted, or not at
    /// all.
    pub(super) fn at(url: &str) -> Result<Self, TransportError> {
        let url = Url::parse(url).map_err(|_| cannot(WANTED))?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| cannot(WANTED))?;
        let tls = url.query_pairs().find(|(key, _)| key == "tls").map(|(_, value)| value.into_owned());
        let parameters = || TlsParameters::new(host.to_owned()).map_err(|error| cannot(&error.to_string()));
        let (port, encrypted) = match (url.scheme(), tls.as_deref()) {
            ("smtp", None) => (RELAY, Encrypted::No),
            ("smtp", Some("opportunistic")) => (SUBMISSION, Encrypted::IfOffered(parameters()?)),
            ("smtp", Some("required")) => (SUBMISSION, Encrypted::ByCommand(parameters()?)),
            ("smtps", None) => (SUBMISSIONS, Encrypted::FromTheBeginning(parameters()?)),
            _ => {
                return Err(cannot(
                    "smtp://HOST:PORT or smtps://HOST is needed; STARTTLS by ?tls=required behind it",
                ));
            }
        };
        let decoded = |text: &str| {
            let text = percent_decode_str(text).decode_utf8();
            text.map(Cow::into_owned).map_err(|error| cannot(&error.to_string()))
        };
        let credentials = match url.password() {
            Some(password) => Some(Credentials::new(decoded(url.username())?, decoded(password)?)),
            None => None,
        };
        let in_the_clear = matches!(encrypted, Encrypted::No | Encrypted::IfOffered(_));
        if credentials.is_some() && in_the_clear && !is_this_machine(&url) {
            return Err(cannot(
                "the password would go over the net for all to read: add ?tls=required, or use smtps://",
            ));
        }
        let name = match url.path().trim_matches('/') {
            "" => ClientId::default(),
            name => ClientId::Domain(name.to_owned()),
        };
        let port = url.port().unwrap_or(port);
        // Brackets are how an address of IPv6 is written in a URL, not part of it.
        let host = host.trim_matches(['[', ']']).to_owned();
        Ok(Self { host, port, encrypted, credentials, name })
    }
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        // The schemes of mail are not known to be of the web, and so their hosts are not parsed.
        Some(Host::Domain(name)) => {
            name == "localhost" || name.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
        }
        None => false,
    }
}

fn cannot(why: &str) -> TransportError {
    TransportError(why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Encrypted, Server};

    #[test]
    fn a_url_names_the_server_its_port_and_how_to_talk_to_it() {
        let server = Server::at("smtp://a%40b:s%3Acret@mail.example?tls=required").unwrap();
        assert_eq!((server.host.as_str(), server.port), ("mail.example", 587));
        assert!(matches!(server.encrypted, Encrypted::ByCommand(_)));
        let of_credentials =
            lettre::transport::smtp::authentication::Credentials::new("a@b".into(), "s:cret".into());
        assert_eq!(server.credentials, Some(of_credentials));
        for (url, host, port) in [
            ("smtp://mail.example", "mail.example", 25),
            ("smtp://mail.example:2525/", "mail.example", 2525),
            ("smtps://mail.example", "mail.example", 465),
            ("smtp://[::1]:2525", "::1", 2525),
        ] {
            let server = Server::at(url).unwrap();
            assert_eq!((server.host.as_str(), server.port), (host, port), "{url}");
        }
    }

    #[test]
    fn a_password_goes_encrypted_or_stays_on_this_machine() {
        for url in
            ["smtp://u:p@mail.example", "smtp://u:p@mail.example?tls=opportunistic", "smtp://u:p@192.0.2.1"]
        {
            let Err(error) = Server::at(url) else { panic!("{url} is taken") };
            assert!(error.0.contains("?tls=required"), "{url}: {error}");
        }
        for url in [
            "smtp://u:p@127.0.0.1:25",
            "smtp://u:p@localhost",
            "smtp://u:p@[::1]",
            "smtps://u:p@mail.example",
        ] {
            assert!(Server::at(url).is_ok(), "{url}");
        }
    }
}
