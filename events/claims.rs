//! What each event claims: uniqueness and counts that hold across aggregates, checked by the store in the append.
//!
//! [`claims_of`] is pure and needs nothing but the recorded event, so `doctor` and `copy` recompute all claims from
//! the log. An event therefore says what its claims need, such as the hashes of a joining user's addresses.

mod of_event;

use compact_str::{CompactString, ToCompactString, format_compact};
use serde::{Deserialize, Serialize};

pub use of_event::claims_of;

use crate::{
    id::{MemberId, OrganizationId, UserId},
    personal::KeyedHash,
};

/// How the names of counters begin that count attempts.
const ATTEMPTS: &str = "attempts-";

/// What kind of thing is claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimKind {
    /// A keyed address hash within an organization; held by a member.
    Address,
    /// A user within an organization; held by a member.
    Membership,
    /// One of an organization's owners (claimed and active); at least one is always left.
    Owner,
    /// A slug among all organizations.
    OrganizationSlug,
    /// A slug among the teams of an organization.
    TeamSlug,
    /// A keyed address hash among all users.
    UserAddress,
    /// A keyed user name hash among all users.
    UserName,
    /// The digest of a bearer token among all tokens.
    Token,
    /// How often something happened in a window, with a maximum.
    Counter,
}

impl ClaimKind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Address,
        Self::Membership,
        Self::Owner,
        Self::OrganizationSlug,
        Self::TeamSlug,
        Self::UserAddress,
        Self::UserName,
        Self::Token,
        Self::Counter,
    ];

    /// The stored name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Membership => "membership",
            Self::Owner => "owner",
            Self::OrganizationSlug => "organization_slug",
            Self::TeamSlug => "team_slug",
            Self::UserAddress => "user_address",
            Self::UserName => "user_name",
            Self::Token => "token",
            Self::Counter => "counter",
        }
    }

    /// From the stored name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// One thing that can be claimed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Claim {
    /// What kind of thing.
    pub kind: ClaimKind,
    /// Within which organization; empty for the whole deployment.
    pub scope: CompactString,
    /// Which one.
    pub key: CompactString,
}

impl Claim {
    /// The address of `hash` within an organization.
    pub fn address(organization: OrganizationId, hash: &KeyedHash) -> Self {
        Self { kind: ClaimKind::Address, scope: organization.to_compact_string(), key: hash.0.clone() }
    }

    /// A user's membership of an organization.
    pub fn membership(organization: OrganizationId, user: UserId) -> Self {
        let key = user.to_compact_string();
        Self { kind: ClaimKind::Membership, scope: organization.to_compact_string(), key }
    }

    /// A member's place among the owners of an organization.
    pub fn owner(organization: OrganizationId, member: &str) -> Self {
        Self { kind: ClaimKind::Owner, scope: organization.to_compact_string(), key: member.into() }
    }

    /// A slug among all organizations.
    pub fn organization_slug(slug: &str) -> Self {
        Self { kind: ClaimKind::OrganizationSlug, scope: CompactString::default(), key: slug.into() }
    }

    /// A slug among the teams of an organization.
    pub fn team_slug(organization: OrganizationId, slug: &str) -> Self {
        Self { kind: ClaimKind::TeamSlug, scope: organization.to_compact_string(), key: slug.into() }
    }

    /// An address among all users.
    pub fn user_address(hash: &KeyedHash) -> Self {
        Self { kind: ClaimKind::UserAddress, scope: CompactString::default(), key: hash.0.clone() }
    }

    /// A user name among all users.
    pub fn user_name(hash: &KeyedHash) -> Self {
        Self { kind: ClaimKind::UserName, scope: CompactString::default(), key: hash.0.clone() }
    }

    /// A bearer token by its digest.
    pub fn token(digest: &str) -> Self {
        Self { kind: ClaimKind::Token, scope: CompactString::default(), key: digest.into() }
    }

    /// A counter of one UTC day: `name` says what is counted, `day` is [`crate::time::Timestamp::day`].
    pub fn counter(scope: &str, name: &str, day: i64) -> Self {
        Self { kind: ClaimKind::Counter, scope: scope.into(), key: format_compact!("{name}@{day}") }
    }

    /// The counter of [`ClaimChange::attempt`] on a UTC day.
    pub fn attempts(what: &str, day: i64) -> Self {
        Self::counter("", &format_compact!("{ATTEMPTS}{what}"), day)
    }

    /// Whether this counts attempts, which are no events: the log says nothing of them.
    pub fn counts_attempts(&self) -> bool {
        self.kind == ClaimKind::Counter && self.key.starts_with(ATTEMPTS)
    }
}

/// What an append does to the claims; refused as a whole when one of them cannot be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimChange {
    /// Takes it for `holder`; refused while another holds it.
    Take {
        /// What is taken.
        claim: Claim,
        /// Id of the aggregate that holds it from now on.
        holder: CompactString,
    },
    /// Gives it back; nothing happens when `holder` does not hold it.
    Release {
        /// What is given back.
        claim: Claim,
        /// Who gives it back.
        holder: CompactString,
    },
    /// Keeps it for `holder`, who may take it back; free for all that many days after the event is recorded.
    Hold {
        /// What is held.
        claim: Claim,
        /// Who holds it.
        holder: CompactString,
        /// For how many days of 24 hours.
        days: i64,
    },
    /// Joins the counted group of `claim.kind` in `claim.scope`.
    Join {
        /// The place in the group.
        claim: Claim,
    },
    /// Leaves the counted group; refused when nobody would be left in it, nothing when he is not in it.
    Leave {
        /// The place in the group.
        claim: Claim,
    },
    /// Ends the whole counted group.
    Disband {
        /// Which kind of group.
        kind: ClaimKind,
        /// Of which organization.
        scope: CompactString,
    },
    /// Counts one more on the UTC day on which the event is recorded; refused when that would be more than
    /// `at_most`.
    Count {
        /// Within which organization; empty for the whole deployment.
        scope: CompactString,
        /// What is counted.
        name: CompactString,
        /// The largest count of one day that is allowed.
        at_most: u32,
    },
}

impl ClaimChange {
    /// Counts one more attempt of `what`, whether or not anything comes of it. No event makes this change: it stands in
    /// the store alone, as idempotency keys do, and is gone with its day.
    pub fn attempt(what: &str, at_most: u32) -> Self {
        Self::Count { scope: CompactString::default(), name: format_compact!("{ATTEMPTS}{what}"), at_most }
    }
}

/// Why a claim could not be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenClaim {
    /// Which claim.
    pub claim: Claim,
    /// What stands against it.
    pub why: BrokenBecause,
}

/// What stands against a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BrokenBecause {
    /// Somebody else holds it.
    HeldBy(CompactString),
    /// Nobody would be left in the counted group.
    LastInGroup,
    /// The counter is at its maximum.
    Exhausted,
}

/// A membership that an event of another aggregate names, so that its claims are complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The organization.
    pub organization: OrganizationId,
    /// The member there.
    pub member: MemberId,
}

#[cfg(test)]
#[path = "claims_tests.rs"]
mod tests;
