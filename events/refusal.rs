//! Why a command is refused. The code is contract; what people read is made from it in one table at the edge.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    claims::{BrokenBecause, BrokenClaim, ClaimKind},
    event::Event,
    member::{MemberEvent, Ownership},
    organization::OrganizationEvent,
    roles::RoleId,
    team::TeamEvent,
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
    ($($(#[$doc:meta])* $code:literal $variant:ident $({ $($(#[$of_field:meta])* $field:ident: $type:ty),* $(,)? })?)*) => {
        /// The domain said no. Serializable, so that a repeated request is refused in the same words.
        #[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
        #[serde(tag = "refusal", rename_all = "snake_case")]
        #[error("refused: {}", self.code())]
        pub enum Refusal {
            $(
                $(#[$doc])*
                #[serde(rename = $code)]
                $variant $({ $(#[doc = "What it is about."] $(#[$of_field])* $field: $type),* })?
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
    "member_over_limit" MemberOverLimit {
        // Rows of earlier versions do not name it.
        #[serde(default)]
        organization: String,
    }
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
    /// A version that could do nothing with invitations said so; its idempotency rows still do.
    "invitations_not_available" InvitationsNotAvailable
    /// The organization is not allowed to invite anybody.
    "invitations_not_allowed" InvitationsNotAllowed
    /// An organization's own token invites with the default role only.
    "integration_invites_default_role" IntegrationInvitesDefaultRole
    /// Somebody without `member:admin` would put somebody on teams that he is not on himself.
    "teams_of_others" TeamsOfOthers
    /// An invitation with a role that does not go together with teams.
    "invitation_with_teams" InvitationWithTeams { role: RoleId }
    /// Too many invitations in one day (behaviour.md 2.5).
    "invitation_limit" InvitationLimit
    /// A new token is made by somebody with `member:admin` only.
    "regeneration_without_scope" RegenerationWithoutScope
    /// The token of the invitation is not valid any more.
    "invitation_expired" InvitationExpired
    /// A full member is not invited.
    "full_member" FullMember
    /// What was to be revoked as an invitation was accepted meanwhile.
    "invitation_accepted" InvitationAccepted
    /// The link opens no invitation.
    "invite_code_invalid" InviteCodeInvalid
    /// The invitation cannot be accepted in this way.
    "invite_not_acceptable" InviteNotAcceptable
    /// Whoever accepts is a member already.
    "member_exists" MemberExists
    /// The organization lets nobody accept what was sent to an address of somebody else.
    "invite_to_another_address" InviteToAnotherAddress
    /// The role does not go together with teams.
    "team_roles_not_allowed" TeamRolesNotAllowed { role: RoleId }
    /// The role does not go together with being on a team.
    "team_membership_not_allowed" TeamMembershipNotAllowed { role: RoleId }
    /// The team is managed through the identity provider.
    "team_identity_provider_managed" TeamIdentityProviderManaged
    /// The requester may not change whether, and as what, the member is on the team.
    "team_membership_not_editable" TeamMembershipNotEditable
    /// The organization has a team with this slug.
    "team_slug_taken" TeamSlugTaken
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
    /// The organization takes no requests to join.
    "join_requests_not_taken" JoinRequestsNotTaken
    /// Who belongs to the organization joins it through its identity provider, and need not ask.
    "joined_through_provider" JoinedThroughProvider
    /// The organization's identity provider registers its members: nobody proposes them.
    "provider_registers" ProviderRegisters
    /// It was tried too often today.
    "too_many_attempts" TooManyAttempts
    /// The slug is in use.
    "slug_taken" SlugTaken { slug: String }
    /// The organization is not to be deleted, or not yet.
    "deletion_not_due" DeletionNotDue
    /// A picture is larger than is taken.
    "image_too_large" ImageTooLarge
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
    /// Whoever has this address has an account, and is erased with it.
    "has_account" HasAccount { account: String }
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
    /// owner would have been demoted or removed, whether somebody accepted an invitation or was added, what was counted,
    /// whether a team would have been created or changed.
    pub fn of_append<'events>(broken: BrokenClaim, events: impl IntoIterator<Item = &'events Event>) -> Self {
        if broken.claim.kind == ClaimKind::TeamSlug {
            let changes = |event: &Event| matches!(event, Event::Team(TeamEvent::TeamSlugChanged { .. }));
            if !events.into_iter().any(changes) {
                return Self::TeamSlugTaken;
            }
            let text = format!("The slug \"{}\" is already in use.", broken.claim.key);
            return Self::InvalidFields { errors: vec![FieldError::new("slug", text)] };
        }
        let (mut demotes, mut moves, mut accepts, mut invites) = (false, false, false, false);
        for event in events {
            match event {
                Event::Member(MemberEvent::OrgRoleChanged { ownership: Some(Ownership::Lost), .. }) => {
                    demotes = true;
                }
                Event::Member(MemberEvent::InviteAccepted { .. }) => accepts = true,
                Event::Member(MemberEvent::MemberInvited { .. } | MemberEvent::InviteResent { .. }) => {
                    invites = true;
                }
                Event::Organization(OrganizationEvent::OrganizationSlugChanged { .. }) => moves = true,
                _ => {}
            }
        }
        match Self::from(broken) {
            Self::LastOwnerRemoved if demotes => Self::LastOwnerDemoted,
            Self::AlreadyMember if accepts => Self::MemberExists,
            Self::LimitReached { .. } if invites => Self::InvitationLimit,
            Self::SlugTaken { slug } if moves => {
                let taken = format!("The slug \"{slug}\" is in use by another organization.");
                Self::InvalidFields { errors: vec![FieldError::new("slug", taken)] }
            }
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
            (ClaimKind::Counter, _) if broken.claim.counts_attempts() => Self::TooManyAttempts,
            (ClaimKind::Owner | ClaimKind::Counter, _) => {
                Self::LimitReached { what: broken.claim.key.into() }
            }
        }
    }
}

#[cfg(test)]
#[path = "refusal_tests.rs"]
mod tests;
