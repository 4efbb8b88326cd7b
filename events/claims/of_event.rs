//! What each event does to the claims.

use super::{Claim, ClaimChange, Place};
use crate::{
    event::Event,
    id::OrganizationId,
    member::{MemberEvent, Ownership},
    organization::OrganizationEvent,
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
            [take(Claim::membership(organization, *user), holder)]
                .into_iter()
                .chain(addresses)
                .chain(owner)
                .collect()
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
        | MemberEvent::SsoLinked { .. }
        | MemberEvent::MemberFlagSet { .. }
        | MemberEvent::MemberFlagCleared { .. } => vec![],
    }
}

fn of_organization(holder: &str, event: &OrganizationEvent) -> Vec<ClaimChange> {
    match event {
        OrganizationEvent::OrganizationCreated { slug, .. } => {
            vec![take(Claim::organization_slug(slug), holder)]
        }
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
