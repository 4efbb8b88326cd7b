//! What each event claims: uniqueness and counts that hold across aggregates, checked by the store in the append.
//!
//! [`claims_of`] is pure and needs nothing but the recorded event, so `doctor` and `copy` recompute all claims from
//! the log. An event therefore says what its claims need, such as the hashes of a joining user's addresses.

use compact_str::{CompactString, ToCompactString, format_compact};
use serde::{Deserialize, Serialize};

use crate::{
    event::Event,
    id::{MemberId, OrganizationId, UserId},
    member::{MemberEvent, Ownership},
    organization::OrganizationEvent,
    personal::KeyedHash,
    stream::StreamId,
    team::TeamEvent,
    token::TokenEvent,
    user::UserEvent,
};

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
}

/// What an append does to the claims; refused as a whole when one of them cannot be done.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// Leaves the counted group; refused when nobody would be left in it.
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

fn take(claim: Claim, holder: &str) -> ClaimChange {
    ClaimChange::Take { claim, holder: holder.into() }
}

fn release(claim: Claim, holder: &str) -> ClaimChange {
    ClaimChange::Release { claim, holder: holder.into() }
}

fn owner_change(organization: OrganizationId, member: &str, change: Ownership) -> ClaimChange {
    let claim = Claim::owner(organization, member);
    match change {
        Ownership::Gained => ClaimChange::Join { claim },
        Ownership::Lost => ClaimChange::Leave { claim },
    }
}

/// What `event` does to the claims.
pub fn claims_of(stream: &StreamId, organization: Option<OrganizationId>, event: &Event) -> Vec<ClaimChange> {
    let holder = stream.aggregate_id.as_str();
    match (event, organization) {
        (Event::Member(event), Some(organization)) => of_member(organization, holder, event),
        (Event::Organization(event), Some(_)) => of_organization(holder, event),
        (Event::Team(event), Some(organization)) => of_team(organization, holder, event),
        (Event::Member(_) | Event::Organization(_) | Event::Team(_), None) | (Event::Roles(_), _) => vec![],
        (Event::User(event), _) => of_user(holder, event),
        (Event::Token(event), _) => of_token(holder, event),
    }
}

fn of_member(organization: OrganizationId, holder: &str, event: &MemberEvent) -> Vec<ClaimChange> {
    match event {
        MemberEvent::MemberInvited { email, .. }
        | MemberEvent::InviteRequested { email, .. }
        | MemberEvent::JoinRequested { email, .. } => {
            email.hash().map(|hash| take(Claim::address(organization, hash), holder)).into_iter().collect()
        }
        MemberEvent::MemberAdded { user, addresses, ownership, .. } => {
            let addresses = addresses.iter().map(|hash| take(Claim::address(organization, hash), holder));
            let owner = ownership.map(|change| owner_change(organization, holder, change));
            [take(Claim::membership(organization, *user), holder)].into_iter().chain(addresses).chain(owner).collect()
        }
        MemberEvent::OrgRoleChanged { ownership, .. } => {
            ownership.map(|change| owner_change(organization, holder, change)).into_iter().collect()
        }
        MemberEvent::MemberRemoved { user, addresses, ownership, .. } => {
            let owner = ownership.map(|change| owner_change(organization, holder, change));
            let user = user.map(|user| release(Claim::membership(organization, user), holder));
            let addresses = addresses.iter().map(|hash| release(Claim::address(organization, hash), holder));
            owner.into_iter().chain(user).chain(addresses).collect()
        }
        MemberEvent::TeamAssigned { .. }
        | MemberEvent::TeamUnassigned { .. }
        | MemberEvent::TeamRoleChanged { .. }
        | MemberEvent::TeamRoleCleared { .. }
        | MemberEvent::SsoLinked { .. }
        | MemberEvent::MemberFlagSet { .. }
        | MemberEvent::MemberFlagCleared { .. } => vec![],
    }
}

fn of_organization(holder: &str, event: &OrganizationEvent) -> Vec<ClaimChange> {
    match event {
        OrganizationEvent::OrganizationCreated { slug, .. } => vec![take(Claim::organization_slug(slug), holder)],
        OrganizationEvent::OrganizationOptionChanged { .. }
        | OrganizationEvent::OrganizationFlagChanged { .. }
        | OrganizationEvent::DefaultRoleChanged { .. }
        | OrganizationEvent::TwoFactorRequired {}
        | OrganizationEvent::TwoFactorRequirementLifted {}
        | OrganizationEvent::SsoEnabled { .. }
        | OrganizationEvent::FeatureSet { .. } => vec![],
    }
}

fn of_team(organization: OrganizationId, holder: &str, event: &TeamEvent) -> Vec<ClaimChange> {
    match event {
        TeamEvent::TeamCreated { slug, .. } => vec![take(Claim::team_slug(organization, slug), holder)],
        TeamEvent::TeamFlagged { .. } => vec![],
    }
}

fn of_user(holder: &str, event: &UserEvent) -> Vec<ClaimChange> {
    match event {
        UserEvent::UserRegistered { username, email, .. } => {
            let name = username.hash().map(|hash| take(Claim::user_name(hash), holder));
            let address = email.hash().map(|hash| take(Claim::user_address(hash), holder));
            name.into_iter().chain(address).collect()
        }
        UserEvent::EmailAdded { email, memberships, .. } => {
            let Some(hash) = email.hash() else { return vec![] };
            let everywhere = memberships
                .iter()
                .map(|place| take(Claim::address(place.organization, hash), &String::from(place.member)));
            [take(Claim::user_address(hash), holder)].into_iter().chain(everywhere).collect()
        }
        UserEvent::UserDeactivated { owns } => owns
            .iter()
            .map(|place| owner_change(place.organization, &String::from(place.member), Ownership::Lost))
            .collect(),
        UserEvent::EmailVerified { .. }
        | UserEvent::AuthenticatorEnrolled { .. }
        | UserEvent::SuperuserGranted {} => vec![],
    }
}

fn of_token(holder: &str, event: &TokenEvent) -> Vec<ClaimChange> {
    match event {
        TokenEvent::TokenIssued { digest, .. } => vec![take(Claim::token(digest), holder)],
        TokenEvent::TokenRevoked { digest } => vec![release(Claim::token(digest), holder)],
    }
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
