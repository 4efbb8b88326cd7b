//! Ids of organizations, teams, members, users and tokens: decimal strings of random, time-ordered 53-bit
//! integers, because clients of this wire format expect numbers that fit a double.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The largest id: 2^53 - 1, the largest integer that every JSON reader keeps exactly.
pub const MAX_ID: u64 = (1 << 53) - 1;

/// A text that is no id: not a decimal number from 1 to [`MAX_ID`] in its shortest form.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("\"{0}\" is not an id: a decimal number from 1 to 9007199254740991 is needed")]
pub struct NotAnId(pub String);

/// Reads the shortest decimal form only: `07`, `+7` and ` 7` are other texts, not other spellings of `7`.
fn parse(text: &str) -> Result<u64, NotAnId> {
    let refuse = || NotAnId(text.chars().take(40).collect());
    let shortest = !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    if !shortest || text.len() > 16 {
        return Err(refuse());
    }
    text.parse().ok().filter(|number| (1..=MAX_ID).contains(number)).ok_or_else(refuse)
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "std::borrow::Cow<'_, str>", into = "String")]
        pub struct $name(u64);

        impl $name {
            /// From a number; an error when it is outside 1 to [`MAX_ID`].
            pub fn new(number: u64) -> Result<Self, NotAnId> {
                if (1..=MAX_ID).contains(&number) { Ok(Self(number)) } else { Err(NotAnId(number.to_string())) }
            }

            /// The number itself.
            pub fn get(self) -> u64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(out)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                parse(text).map(Self)
            }
        }

        impl TryFrom<std::borrow::Cow<'_, str>> for $name {
            type Error = NotAnId;

            fn try_from(text: std::borrow::Cow<'_, str>) -> Result<Self, NotAnId> {
                parse(&text).map(Self)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.to_string()
            }
        }
    )*};
}

ids! {
    /// An organization.
    OrganizationId
    /// A team of an organization.
    TeamId
    /// One address or person in one organization; the row that an invitation becomes a membership in.
    MemberId
    /// A person's account.
    UserId
    /// A bearer token.
    TokenId
}

#[cfg(test)]
mod tests {
    use super::{MAX_ID, MemberId};

    #[test]
    fn an_id_is_its_shortest_decimal_form() {
        assert_eq!("42".parse::<MemberId>().map(MemberId::get), Ok(42));
        assert_eq!(MAX_ID.to_string().parse::<MemberId>().map(MemberId::get), Ok(MAX_ID));
        for text in [
            "",
            "0",
            "07",
            "+7",
            "-7",
            " 7",
            "7 ",
            "me",
            "9007199254740992",
            "99999999999999999999",
            "1e3",
            "\u{0}",
        ] {
            assert!(text.parse::<MemberId>().is_err(), "{text:?} was taken for an id");
        }
    }

    #[test]
    fn an_id_is_a_string_in_json() {
        let id: MemberId = serde_json::from_str("\"42\"").unwrap();
        assert_eq!(serde_json::to_string(&id).unwrap(), "\"42\"");
        assert!(serde_json::from_str::<MemberId>("42").is_err());
    }
}
