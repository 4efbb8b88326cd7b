//! The address to listen on.

use std::{fmt, net::SocketAddr, str::FromStr};

use serde::Deserialize;

/// An IP address or the name of a host, with a port. What a name means is looked up when it is listened at.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(in crate::cli) struct Address(String);

impl Address {
    /// As it was written.
    pub(in crate::cli) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.parse::<SocketAddr>().is_ok() || is_host_with_port(text) {
            return Ok(Self(text.into()));
        }
        Err(format!("\"{text}\" is no address with a port, such as 127.0.0.1:8484 or localhost:0"))
    }
}

impl TryFrom<String> for Address {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

fn is_host_with_port(text: &str) -> bool {
    let Some((host, port)) = text.split_once(':') else { return false };
    let is_of_a_name = |character: char| character.is_ascii_alphanumeric() || "-._".contains(character);
    // Digits and dots alone are meant as an IP address, and were none.
    host.contains(|character: char| character.is_ascii_alphabetic())
        && host.chars().all(is_of_a_name)
        && port.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn an_address_has_a_host_and_a_port() {
        for text in ["127.0.0.1:0", "[::1]:8484", "0.0.0.0:80", "localhost:0", "ledger-1.example.org:8484"] {
            assert_eq!(text.parse::<Address>().unwrap().as_str(), text);
        }
        for text in [
            "",
            "nonsense",
            "localhost",
            "8484",
            ":8484",
            "::1",
            "127.0.0.1:x",
            "1.2.3:80",
            "a:65536",
            "a b:1",
        ] {
            assert!(text.parse::<Address>().unwrap_err().contains("127.0.0.1:8484"), "{text:?} passed");
        }
    }
}
