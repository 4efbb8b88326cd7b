//! What a `query` asks of a member (behaviour.md 4.1), as a pure question to one member: the same for those who are there
//! now and for those who were there at another time.

use std::collections::{BTreeMap, BTreeSet};

use muster_events::{
    id::{MemberId, UserId},
    member::MemberFlag,
    personal::{EmailAddress, KeyedHash, Personal},
    roles::{RoleId, Roles},
};

use super::MemberRow;
use crate::search::tokens;

/// A member with all that a query can ask about.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The member.
    pub row: MemberRow,
    /// All addresses of the account; none for a pending row.
    pub addresses: Vec<Personal<EmailAddress>>,
}

/// What is asked of a member. The default asks nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberFilter {
    /// All must hold.
    pub(super) conditions: Vec<Condition>,
    text: Option<String>,
}

/// One condition: the values of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Condition {
    /// Nobody is meant.
    Nobody,
    /// Has one of these addresses, as an invitation or by the account.
    Address(BTreeSet<KeyedHash>),
    /// Is one of these.
    Member(BTreeSet<MemberId>),
    /// Is one of these users.
    User(BTreeSet<UserId>),
    /// Has one of these roles.
    Role(BTreeSet<RoleId>),
    /// Whether it is an invitation still.
    Invited(bool),
    /// Whether the account is linked to the SSO provider.
    SsoLinked(bool),
    /// Whether the account has a second factor; an invitation has no account, so it is never meant.
    SecondFactor(bool),
}

impl MemberFilter {
    /// Reads a query. `roles` are those that were in force when the members were as they are asked about; `hash` is the
    /// keyed hash of an address. A key that is not known means nobody, as does one without any value that makes sense.
    pub fn parse(query: &str, roles: &Roles, hash: impl Fn(&str) -> Option<KeyedHash>) -> Self {
        let mut keyed: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut words = vec![];
        for token in tokens(query) {
            match token.key {
                Some(key) if key != "query" => keyed.entry(key).or_default().push(token.value),
                _ => words.push(token.value),
            }
        }
        let conditions = keyed.iter().filter_map(|(key, values)| condition(key, values, roles, &hash));
        let text = words.join(" ").trim().to_lowercase();
        Self { conditions: conditions.collect(), text: Some(text).filter(|text| !text.is_empty()) }
    }

    /// Whether texts have to be looked into.
    pub fn asks_for_text(&self) -> bool {
        self.text.is_some()
    }

    /// The addresses of which one is looked for; none where none is.
    pub fn addresses(&self) -> BTreeSet<&KeyedHash> {
        let mut addresses = BTreeSet::new();
        for condition in &self.conditions {
            if let Condition::Address(hashes) = condition {
                addresses.extend(hashes);
            }
        }
        addresses
    }

    /// Whether this one is meant. `texts` are the readable name, user name and addresses of the candidate; they are
    /// looked at only where [`MemberFilter::asks_for_text`].
    pub fn fits<T: AsRef<str>>(&self, candidate: &Candidate, texts: &[T]) -> bool {
        let contains = |text: &String| texts.iter().any(|own| own.as_ref().to_lowercase().contains(text));
        self.conditions.iter().all(|condition| condition.holds(candidate))
            && self.text.as_ref().is_none_or(contains)
    }
}

fn condition(
    key: &str,
    values: &[String],
    roles: &Roles,
    hash: impl Fn(&str) -> Option<KeyedHash>,
) -> Option<Condition> {
    let is_true = values.iter().any(|value| value == "true");
    Some(match key {
        "email" => Condition::Address(values.iter().filter_map(|value| hash(value)).collect()),
        "id" => Condition::Member(values.iter().filter_map(|value| value.parse().ok()).collect()),
        "user.id" => Condition::User(values.iter().filter_map(|value| value.parse().ok()).collect()),
        "role" => Condition::Role(values.iter().filter_map(|value| RoleId::new(value).ok()).collect()),
        "scope" => {
            let grants = |value: &String| {
                let has = roles.org_roles().iter().filter(|role| role.scopes.contains(value));
                has.map(|role| role.id.clone()).collect::<Vec<_>>()
            };
            Condition::Role(values.iter().flat_map(grants).collect())
        }
        "isInvited" => Condition::Invited(is_true),
        "ssoLinked" => Condition::SsoLinked(is_true),
        "has2fa" => Condition::SecondFactor(is_true),
        // Accounts of other services are not kept: nobody has one.
        "hasExternalUsers" if is_true => Condition::Nobody,
        "hasExternalUsers" => return None,
        _ => Condition::Nobody,
    })
}

impl Condition {
    fn holds(&self, candidate: &Candidate) -> bool {
        let row = &candidate.row;
        match self {
            Self::Nobody => false,
            Self::Address(hashes) => {
                let own = candidate.addresses.iter().chain(&row.email);
                own.filter_map(Personal::hash).any(|hash| hashes.contains(hash))
            }
            Self::Member(ids) => ids.contains(&row.id),
            Self::User(ids) => row.user.is_some_and(|user| ids.contains(&user)),
            Self::Role(roles) => roles.contains(&row.org_role),
            Self::Invited(wanted) => row.user.is_none() == *wanted,
            Self::SsoLinked(wanted) => row.flags.contains(&MemberFlag::SsoLinked) == *wanted,
            Self::SecondFactor(wanted) => {
                row.account.as_ref().is_some_and(|account| account.has_second_factor() == *wanted)
            }
        }
    }
}
