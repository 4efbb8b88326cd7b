//! Why a command is refused. The code is contract; what people read is made from it in one table at the edge.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    claims::{BrokenBecause, BrokenClaim, ClaimKind},
    event::Event,
    member::{MemberEvent, Ownership},
    roles::RoleId,
};

/// What is wrong with one field of a request; several messages when several things are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// The field as the request names it.
    pub field: String,
    /// What is wrong, each in the words of behaviour.md.
    pub messages: Vec<String>,
}

impl FieldError {
    /// One thing wrong with one field.
    pub fn new(field: &str, message: impl Into<String>) -> Self {
        Self { field: field.into(), messages: vec![message.into()] }
    }
}

macro_rules! refusals {
    ($($(#[$doc:meta])* $code:literal $variant:ident $({ $($field:ident: $type:ty),* $(,)? })?)*) => {
        /// The domain said no. Serializable, so that a repeated request is refused in the same words.
        #[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
        #[serde(tag = "refusal", rename_all = "snake_case")]
        #[error("refused: {}", self.code())]
        pub enum Refusal {
            $(
                $(#[$doc])*
                #[serde(rename = $code)]
                $variant $({ $(#[doc = "What it is about."] $field: $type),* })?
            ),*
        }

        impl Refusal {
            /// The stable code.
            pub fn code(&self) -> &'static str {
                match self { $(Self::$variant { .. } => $code),* }
            }

            /// Every code.
            pub const CODES: &'static [&'static str] = &[$($code),*];
        }
    };
}

refusals! {
    /// It has changed since the requester read it.
    "stale" Stale
    /// The requester lacks the permission.
    "no_permission" NoPermission
    /// There is no such thing, or not for this requester.
    "not_found" NotFound
    /// The organization requires a second factor that the requester does not have.
    "two_factor_required" TwoFactorRequired
    /// The requester's membership is suspended because the organization is over its member limit.
    "member_over_limit" MemberOverLimit
    /// Only a person's token may do this (behaviour.md D13).
    "user_token_required" UserTokenRequired
    /// One or more fields are not valid.
    "invalid_fields" InvalidFields { errors: Vec<FieldError> }
    /// The member is managed by an active partnership.
    "partnership_restricted" PartnershipRestricted
    /// The member is managed through the identity provider.
    "identity_provider_managed" IdentityProviderManaged
    /// Somebody without `member:admin` would change an invitation that someone else sent.
    "invitation_of_another" InvitationOfAnother
    /// Somebody without `member:admin` would remove an invitation that someone else sent.
    "removal_of_anothers_invitation" RemovalOfAnothersInvitation
    /// A re-invitation may not change anything else in the same request.
    "reinvite_with_changes" ReinviteWithChanges
    /// Invitations cannot be sent again or deleted in this version.
    "invitations_not_available" InvitationsNotAvailable
    /// The role does not go together with teams.
    "team_roles_not_allowed" TeamRolesNotAllowed { role: RoleId }
    /// The requester may not give this role.
    "role_not_assignable" RoleNotAssignable
    /// The requester may not change the role of somebody who has this role.
    "role_not_changeable" RoleNotChangeable
    /// Nobody changes his own role.
    "own_role" OwnRole
    /// The role is retired.
    "role_retired" RoleRetired { role: RoleId }
    /// The role is not defined.
    "role_unknown" RoleUnknown { role: RoleId }
    /// An organization keeps at least one owner: he cannot be demoted.
    "last_owner_demoted" LastOwnerDemoted
    /// An organization keeps at least one owner: he cannot be removed.
    "last_owner_removed" LastOwnerRemoved
    /// The requester lacks `member:admin`.
    "removal_without_scope" RemovalWithoutScope
    /// The member has a higher role than the requester.
    "removal_of_higher" RemovalOfHigher
    /// The slug is in use.
    "slug_taken" SlugTaken { slug: String }
    /// The slug has a form that is not allowed.
    "slug_malformed" SlugMalformed { slug: String, why: String }
    /// A member, an invitation or a request with this address is in the organization already.
    "address_in_organization" AddressInOrganization
    /// The user is a member already.
    "already_member" AlreadyMember
    /// An account keeps a primary address.
    "primary_address" PrimaryAddress
    /// Another account has this address.
    "address_taken" AddressTaken
    /// Another account has this user name.
    "user_name_taken" UserNameTaken
    /// There is a token with this secret already.
    "token_taken" TokenTaken
    /// It exists already.
    "already_exists" AlreadyExists
    /// It happens too often.
    "limit_reached" LimitReached { what: String }
    /// A new definition of roles leaves out roles that somebody holds.
    "roles_in_use" RolesInUse { roles: Vec<RoleId> }
    /// A new definition of roles would make another role the top one while organizations have owners.
    "top_role_fixed" TopRoleFixed { role: RoleId }
}

impl Refusal {
    /// Why an append of `events` that broke a claim is refused. Says what the claim alone does not: whether the last
    /// owner would have been demoted or removed.
    pub fn of_append<'events>(broken: BrokenClaim, events: impl IntoIterator<Item = &'events Event>) -> Self {
        let demotes = |event: &Event| {
            matches!(
                event,
                Event::Member(MemberEvent::OrgRoleChanged { ownership: Some(Ownership::Lost), .. })
            )
        };
        match Self::from(broken) {
            Self::LastOwnerRemoved if events.into_iter().any(demotes) => Self::LastOwnerDemoted,
            refusal => refusal,
        }
    }
}

/// Takes the loss of the last owner for a removal; [`Refusal::of_append`] knows better.
impl From<BrokenClaim> for Refusal {
    fn from(broken: BrokenClaim) -> Self {
        match (broken.claim.kind, broken.why) {
            (ClaimKind::OrganizationSlug | ClaimKind::TeamSlug, _) => {
                Self::SlugTaken { slug: broken.claim.key.into() }
            }
            (ClaimKind::Address, _) => Self::AddressInOrganization,
            (ClaimKind::Membership, _) => Self::AlreadyMember,
            (ClaimKind::UserAddress, _) => Self::AddressTaken,
            (ClaimKind::UserName, _) => Self::UserNameTaken,
            (ClaimKind::Token, _) => Self::TokenTaken,
            (ClaimKind::Owner, BrokenBecause::LastInGroup) => Self::LastOwnerRemoved,
            (ClaimKind::Owner | ClaimKind::Counter, _) => {
                Self::LimitReached { what: broken.claim.key.into() }
            }
        }
    }
}

#[cfg(test)]
#[path = "refusal_tests.rs"]
mod tests;
