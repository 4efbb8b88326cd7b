//! What each event does to the claims.

use compact_str::ToCompactString;

use super::{Claim, ClaimChange, ClaimKind, Place};
use crate::{
    event::Event,
    id::OrganizationId,
    member::{InvitationCount, MemberEvent, Ownership},
    organization::{OrganizationEvent, SLUG_HELD_DAYS},
    personal::{Personal, UserName},
    stream::StreamId,
    team::TeamEvent,
    token::TokenEvent,
    user::UserEvent,
};

fn take(claim: Claim, holder: &str) -> ClaimChange {
    ClaimChange::Take { claim, holder: holder.into() }
}

fn release(claim: Claim, holder: &str) -> ClaimChange {
    ClaimChange::Release { claim, holder: holder.into() }
}

/// Invitations a UTC day (behaviour.md 2.5): by one sender, in one organization, to one address there.
const INVITATIONS_BY_SENDER: u32 = 100;
const INVITATIONS_IN_ORGANIZATION: u32 = 100;
const INVITATIONS_TO_ADDRESS: u32 = 10;

fn count_invitation(organization: OrganizationId, counted: &InvitationCount) -> [ClaimChange; 3] {
    let count = |scope: &str, name: &str, at_most| ClaimChange::Count {
        scope: scope.into(),
        name: name.into(),
        at_most,
    };
    let organization = organization.to_string();
    [
        count("", &format!("invitations-by-{}", counted.by), INVITATIONS_BY_SENDER),
        count(&organization, "invitations", INVITATIONS_IN_ORGANIZATION),
        count(&organization, &format!("invitations-to-{}", counted.address), INVITATIONS_TO_ADDRESS),
    ]
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
        (Event::Organization(event), Some(organization)) => of_organization(organization, holder, event),
        (Event::Team(event), Some(organization)) => of_team(organization, holder, event),
        (Event::Member(_) | Event::Organization(_) | Event::Team(_), None)
        | (Event::Roles(_) | Event::Letter(_), _) => vec![],
        (Event::User(event), _) => of_user(holder, event),
        (Event::Token(event), _) => of_token(holder, event),
    }
}

#[expect(clippy::too_many_lines, reason = "a table: one arm an event")]
fn of_member(organization: OrganizationId, holder: &str, event: &MemberEvent) -> Vec<ClaimChange> {
    match event {
        MemberEvent::MemberInvited { email, counted, .. } => {
            let address = email.hash().map(|hash| take(Claim::address(organization, hash), holder));
            let counts = counted.iter().flat_map(|counted| count_invitation(organization, counted));
            address.into_iter().chain(counts).collect()
        }
        MemberEvent::InviteResent { counted, .. } => {
            counted.iter().flat_map(|counted| count_invitation(organization, counted)).collect()
        }
        MemberEvent::InviteRequested { email, .. } | MemberEvent::JoinRequested { email, .. } => {
            email.hash().map(|hash| take(Claim::address(organization, hash), holder)).into_iter().collect()
        }
        MemberEvent::MemberAdded { user, addresses, ownership, .. } => {
            let addresses = addresses.iter().map(|hash| take(Claim::address(organization, hash), holder));
            let owner = ownership.map(|change| owner_change(organization, holder, change));
            [take(Claim::membership(organization, *user), holder)]
                .into_iter()
                .chain(addresses)
                .chain(owner)
                .collect()
        }
        MemberEvent::InviteAccepted { user, addresses, released, ownership, .. } => {
            let free = released.iter().map(|hash| release(Claim::address(organization, hash), holder));
            let taken = addresses.iter().map(|hash| take(Claim::address(organization, hash), holder));
            let owner = ownership.map(|change| owner_change(organization, holder, change));
            [take(Claim::membership(organization, *user), holder)]
                .into_iter()
                .chain(free)
                .chain(taken)
                .chain(owner)
                .collect()
        }
        MemberEvent::MemberReturnedToPending { user, email, released, ownership, .. } => {
            // Also where no event of his own says that he was an owner, as at his removal.
            let owner = ownership.or(Some(Ownership::Lost));
            let owner = owner.map(|change| owner_change(organization, holder, change));
            let free = released.iter().map(|hash| release(Claim::address(organization, hash), holder));
            let address = email.hash().map(|hash| take(Claim::address(organization, hash), holder));
            [release(Claim::membership(organization, *user), holder)]
                .into_iter()
                .chain(owner)
                .chain(free)
                .chain(address)
                .collect()
        }
        MemberEvent::InviteRevoked { addresses, .. }
        | MemberEvent::InviteRequestRejected { addresses, .. } => {
            addresses.iter().map(|hash| release(Claim::address(organization, hash), holder)).collect()
        }
        MemberEvent::OrgRoleChanged { ownership, .. } => {
            ownership.map(|change| owner_change(organization, holder, change)).into_iter().collect()
        }
        MemberEvent::MemberRemoved { user, addresses, ownership, .. } => {
            // Also where no event of his own says that he was an owner: his account may have made him one, when it could
            // be used again.
            let owner = ownership.or(user.map(|_| Ownership::Lost));
            let owner = owner.map(|change| owner_change(organization, holder, change));
            let user = user.map(|user| release(Claim::membership(organization, user), holder));
            let addresses = addresses.iter().map(|hash| release(Claim::address(organization, hash), holder));
            owner.into_iter().chain(user).chain(addresses).collect()
        }
        MemberEvent::TeamAssigned { .. }
        | MemberEvent::TeamUnassigned { .. }
        | MemberEvent::TeamRoleChanged { .. }
        | MemberEvent::TeamRoleCleared { .. }
        | MemberEvent::InviteApproved { .. }
        | MemberEvent::InviteTokenRegenerated { .. }
        | MemberEvent::InviteExpired { .. }
        | MemberEvent::SsoLinked { .. }
        | MemberEvent::SsoUnlinked { .. }
        | MemberEvent::SsoLinkRequested { .. }
        | MemberEvent::TeamAccessRequested { .. }
        | MemberEvent::TeamAccessApproved { .. }
        | MemberEvent::TeamAccessDenied { .. }
        | MemberEvent::MemberFlagSet { .. }
        | MemberEvent::MemberFlagCleared { .. }
        | MemberEvent::InviteeErased {} => vec![],
    }
}

/// Nobody else can pass for the organization that had the slug until now.
fn hold_slug(slug: &str, holder: &str) -> ClaimChange {
    let claim = Claim::organization_slug(slug);
    ClaimChange::Hold { claim, holder: holder.into(), days: SLUG_HELD_DAYS }
}

fn of_organization(
    organization: OrganizationId,
    holder: &str,
    event: &OrganizationEvent,
) -> Vec<ClaimChange> {
    match event {
        OrganizationEvent::OrganizationCreated { slug, .. } => {
            vec![take(Claim::organization_slug(slug), holder)]
        }
        OrganizationEvent::OrganizationSlugChanged { from, to } => {
            vec![hold_slug(from, holder), take(Claim::organization_slug(to), holder)]
        }
        OrganizationEvent::OrganizationDeleted { slug, .. } => {
            let scope = organization.to_compact_string();
            vec![hold_slug(slug, holder), ClaimChange::Disband { kind: ClaimKind::Owner, scope }]
        }
        OrganizationEvent::OrganizationRenamed { .. }
        | OrganizationEvent::AvatarChanged { .. }
        | OrganizationEvent::OrganizationOptionChanged { .. }
        | OrganizationEvent::OrganizationFlagChanged { .. }
        | OrganizationEvent::DefaultRoleChanged { .. }
        | OrganizationEvent::TwoFactorRequired {}
        | OrganizationEvent::TwoFactorRequirementLifted {}
        | OrganizationEvent::EmailVerificationRequired {}
        | OrganizationEvent::EmailVerificationRequirementLifted {}
        | OrganizationEvent::SsoEnabled { .. }
        | OrganizationEvent::SsoChanged { .. }
        | OrganizationEvent::SsoDisabled { .. }
        | OrganizationEvent::DeletionScheduled { .. }
        | OrganizationEvent::DeletionCancelled {}
        | OrganizationEvent::FeatureSet { .. } => vec![],
    }
}

fn of_team(organization: OrganizationId, holder: &str, event: &TeamEvent) -> Vec<ClaimChange> {
    match event {
        TeamEvent::TeamCreated { slug, .. } => vec![take(Claim::team_slug(organization, slug), holder)],
        TeamEvent::TeamSlugChanged { from, to } => vec![
            take(Claim::team_slug(organization, to), holder),
            release(Claim::team_slug(organization, from), holder),
        ],
        TeamEvent::TeamDeleted { slug } => vec![release(Claim::team_slug(organization, slug), holder)],
        TeamEvent::TeamRenamed { .. } | TeamEvent::TeamFlagged { .. } => vec![],
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
        UserEvent::EmailRemoved { email, memberships } => {
            let everywhere = memberships
                .iter()
                .map(|place| release(Claim::address(place.organization, email), &String::from(place.member)));
            [release(Claim::user_address(email), holder)].into_iter().chain(everywhere).collect()
        }
        UserEvent::UserRenamed { username: Some(renamed), .. } => {
            let hash = |name: &Option<Personal<UserName>>| name.as_ref().and_then(Personal::hash).cloned();
            let (from, to) = (hash(&renamed.from), hash(&renamed.to));
            // In another case it is the same name, and stays claimed.
            if from == to {
                return vec![];
            }
            let released = from.map(|hash| release(Claim::user_name(&hash), holder));
            released.into_iter().chain(to.map(|hash| take(Claim::user_name(&hash), holder))).collect()
        }
        UserEvent::UserDeactivated { owns } => owner_changes(owns, Ownership::Lost),
        UserEvent::UserReactivated { owns } => owner_changes(owns, Ownership::Gained),
        // His places in organizations, and his addresses there, are free once he is removed from them.
        UserEvent::UserErased { owns, username, addresses, .. } => {
            let name = username.iter().map(|hash| release(Claim::user_name(hash), holder));
            let addresses = addresses.iter().map(|hash| release(Claim::user_address(hash), holder));
            owner_changes(owns, Ownership::Lost).into_iter().chain(name).chain(addresses).collect()
        }
        UserEvent::UserRenamed { username: None, .. }
        | UserEvent::EmailVerified { .. }
        | UserEvent::PrimaryEmailChanged { .. }
        | UserEvent::AuthenticatorEnrolled { .. }
        | UserEvent::AuthenticatorRemoved { .. }
        | UserEvent::SuperuserGranted {}
        | UserEvent::SuperuserRevoked {} => vec![],
    }
}

fn owner_changes(owns: &[Place], change: Ownership) -> Vec<ClaimChange> {
    owns.iter().map(|place| owner_change(place.organization, &String::from(place.member), change)).collect()
}

fn of_token(holder: &str, event: &TokenEvent) -> Vec<ClaimChange> {
    match event {
        TokenEvent::TokenIssued { digest, .. } => vec![take(Claim::token(digest), holder)],
        TokenEvent::TokenRevoked {} => vec![],
    }
}
