//! Where people find this deployment.

use std::str::FromStr;

use serde::{Deserialize, Deserializer, de};

/// The URL that links in letters and on the command line begin with, without a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct BaseUrl(String);

impl BaseUrl {
    /// As text.
    pub(in crate::cli) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BaseUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let place = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let is_plain = |place: &&str| {
            let host = place.split('/').next().unwrap_or_default();
            !host.is_empty()
                && place.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#\"<>".contains(&byte))
        };
        match place.filter(is_plain) {
            Some(_) => Ok(Self(text.trim_end_matches('/').to_owned())),
            None => Err(format!("\"{text}\" is no URL such as https://members.example.com")),
        }
    }
}

impl<'de> Deserialize<'de> for BaseUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::BaseUrl;

    #[test]
    fn a_base_url_has_a_host_and_nothing_behind_its_path() {
        let base = |text: &str| text.parse::<BaseUrl>().map(|base| base.as_str().to_owned());
        assert_eq!(base("https://members.example.com/").unwrap(), "https://members.example.com");
        assert_eq!(base("http://[::1]:8484/muster").unwrap(), "http://[::1]:8484/muster");
        for text in
            ["", "members.example.com", "https://", "https:///x", "ftp://x", "https://x?y", "https://a b"]
        {
            assert!(base(text).unwrap_err().contains("is no URL"), "{text}");
        }
    }
}
