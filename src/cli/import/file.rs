//! The import file as it is written: what may stand in it, and nothing else.

use std::{fmt, marker::PhantomData};

use muster_events::{
    member::{InviteStatus, MemberFlag},
    organization::Feature,
    time::Timestamp,
    user::Authenticator,
};
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::Value;

use crate::ledger::operations::Secret;

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default, deserialize_with = "objects")]
    pub(super) users: Vec<UserRow>,
    #[serde(default, deserialize_with = "objects")]
    pub(super) organizations: Vec<OrganizationRow>,
    #[serde(default, deserialize_with = "objects")]
    pub(super) tokens: Vec<TokenRow>,
}

/// A person's account.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UserRow {
    pub(super) key: String,
    pub(super) email: String,
    pub(super) name: Option<String>,
    pub(super) username: Option<String>,
    #[serde(default)]
    pub(super) verified: bool,
    #[serde(default, deserialize_with = "objects")]
    pub(super) emails: Vec<EmailRow>,
    #[serde(default)]
    pub(super) authenticators: Vec<Authenticator>,
    #[serde(default)]
    pub(super) superuser: bool,
    #[serde(default = "yes")]
    pub(super) active: bool,
}

/// A further address.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EmailRow {
    pub(super) email: String,
    #[serde(default)]
    pub(super) verified: bool,
}

/// An organization with its teams and members.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct OrganizationRow {
    pub(super) slug: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) features: Entries<FeatureName, bool>,
    #[serde(default)]
    pub(super) settings: Entries<String, Value>,
    pub(super) default_role: Option<String>,
    #[serde(default, deserialize_with = "object")]
    pub(super) sso: Option<SsoRow>,
    #[serde(default, deserialize_with = "objects")]
    pub(super) teams: Vec<TeamRow>,
    #[serde(deserialize_with = "objects")]
    pub(super) members: Vec<MemberRow>,
}

/// A provider that members log in through.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct SsoRow {
    pub(super) provider: String,
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) allow_unlinked: bool,
}

/// A team.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct TeamRow {
    pub(super) slug: String,
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) idp_provisioned: bool,
    #[serde(default = "yes")]
    pub(super) active: bool,
}

/// A member, an invitation or a request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct MemberRow {
    pub(super) key: String,
    pub(super) user: Option<String>,
    pub(super) email: Option<String>,
    pub(super) role: String,
    #[serde(default, deserialize_with = "objects")]
    pub(super) teams: Vec<AssignmentRow>,
    #[serde(default)]
    pub(super) flags: Vec<MemberFlag>,
    pub(super) inviter: Option<String>,
    pub(super) invite_status: Option<InviteStatus>,
    pub(super) expires_at: Option<Timestamp>,
}

/// A place on a team.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AssignmentRow {
    pub(super) team: String,
    pub(super) role: Option<String>,
}

/// A token whose secret is known already.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenRow {
    #[serde(deserialize_with = "secret")]
    pub(super) token: Secret,
    pub(super) user: Option<String>,
    pub(super) organization: Option<String>,
    pub(super) scopes: Option<Vec<String>>,
}

impl File {
    /// Reads the text of a file; an error says where, and which key.
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(text).map(|Object(file)| file).map_err(|error| {
            let text = error.to_string().replace("unknown field", "unknown key");
            let (line, column) = (error.line(), error.column());
            let said = text.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&text);
            format!("line {line}, column {column}: {said}")
        })
    }
}

/// A row that is written as an object; serde would take an array too, and its values for the fields in their order.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reader<T> {
            type Value = Object<T>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(Reader(PhantomData))
    }
}

fn objects<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let rows = Vec::<Object<T>>::deserialize(deserializer)?;
    Ok(rows.into_iter().map(|Object(row)| row).collect())
}

fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Ok(Option::<Object<T>>::deserialize(deserializer)?.map(|Object(row)| row))
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    String::deserialize(deserializer).map(Secret)
}

fn yes() -> bool {
    true
}

/// The name of a feature, as the key of an object.
#[derive(Debug, PartialEq)]
pub(super) struct FeatureName(pub(super) Feature);

impl<'de> Deserialize<'de> for FeatureName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Feature::by_name(&name).map(Self).ok_or_else(|| {
            let known: Vec<_> = Feature::all().iter().map(|feature| feature.name()).collect();
            de::Error::custom(format!("there is no feature `{name}`; there are {}", known.join(", ")))
        })
    }
}

/// The entries of an object in their order; a key that stands twice is an error.
#[derive(Debug)]
pub(super) struct Entries<K, V>(pub(super) Vec<(K, V)>);

impl<K, V> Default for Entries<K, V> {
    fn default() -> Self {
        Self(vec![])
    }
}

impl<'de, K, V> Deserialize<'de> for Entries<K, V>
where
    K: Deserialize<'de> + PartialEq + fmt::Debug,
    V: Deserialize<'de>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<K, V>(PhantomData<(K, V)>);

        impl<'de, K, V> Visitor<'de> for Reader<K, V>
        where
            K: Deserialize<'de> + PartialEq + fmt::Debug,
            V: Deserialize<'de>,
        {
            type Value = Entries<K, V>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries: Vec<(K, V)> = vec![];
                while let Some(key) = map.next_key::<K>()? {
                    if entries.iter().any(|(known, _)| *known == key) {
                        return Err(de::Error::custom(format!("the key {key:?} stands twice")));
                    }
                    let value = map.next_value()?;
                    entries.push((key, value));
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(Reader(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::File;

    const EXAMPLE: &str = include_str!("../../../tests/fixtures/organization.json");

    fn refused(text: &str) -> String {
        File::parse(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn the_example_is_read() {
        let file = File::parse(EXAMPLE.as_bytes()).unwrap();
        assert!(file.users.len() > 150 && file.organizations.len() > 1 && file.tokens.len() > 1);
    }

    #[test]
    fn an_unknown_key_is_named_with_its_place() {
        let text = "{\"users\": [\n  {\"key\": \"a\", \"email\": \"a@example.com\", \"roles\": []}]}";
        let error = refused(text);
        assert!(error.starts_with("line 2, column "), "{error}");
        assert!(error.contains("unknown key `roles`, expected one of `key`"), "{error}");
    }

    #[test]
    fn whatever_cannot_be_meant_is_refused_with_its_place() {
        for (text, says) in [
            ("", "EOF while parsing"),
            ("[]", "invalid type: sequence, expected an object"),
            (
                "{\"users\": [[\"alice\", \"alice@example.com\"]]}",
                "invalid type: sequence, expected an object",
            ),
            ("{\"users\": [{\"email\": \"a@example.com\"}]}", "missing field `key`"),
            ("{\"users\": [], \"users\": []}", "duplicate field `users`"),
            ("{\"users\": [{\"key\": 7}]}", "invalid type: integer `7`, expected a string"),
            (
                "{\"organizations\": [{\"features\": {\"teleport\": true}}]}",
                "no feature `teleport`; there are",
            ),
            ("{\"organizations\": [{\"settings\": {\"a\": 1, \"a\": 2}}]}", "the key \"a\" stands twice"),
            ("{\"organizations\": [{\"members\": [{\"flags\": [\"sso\"]}]}]}", "unknown variant `sso`"),
            ("{\"organizations\": [{\"members\": [{\"expiresAt\": \"soon\"}]}]}", "line 1, column"),
        ] {
            let error = refused(text);
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
