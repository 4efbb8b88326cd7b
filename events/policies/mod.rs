//! What an event has as its consequence for other aggregates (design.md section 5). Pure: [`react`] says what has to be
//! done about it; the shell finds whom it concerns, and carries it out as commands that name the event as their cause.
//!
//! A reaction may be carried out more than once, and long after its event. So each command looks again whether the cause
//! still holds, and appends nothing where everything is done already.

mod enforcement;

pub use enforcement::{OwnerStanding, who_stays};

use crate::{
    event::Event,
    id::{OrganizationId, TeamId, UserId},
    member::{MemberEvent, PendingReason, RemovalReason},
    organization::OrganizationEvent,
    recorded::{Actor, ActorKind, RecordedEvent},
    stream::StreamId,
    team::TeamEvent,
    user::UserEvent,
};

/// What has to be done about an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reaction {
    /// The invitations and requests that somebody sent end, because he is no member any more (behaviour.md D14).
    RevokeSent {
        /// Where.
        organization: OrganizationId,
        /// Who sent them.
        inviter: UserId,
    },
    /// A team that is gone has nobody on it, and nobody who asks for it.
    ClearTeam {
        /// Of which organization.
        organization: OrganizationId,
        /// Which team.
        team: TeamId,
    },
    /// Members whose accounts do not meet a new requirement become invitations again (behaviour.md 7.5, D16, D35).
    Enforce {
        /// Where.
        organization: OrganizationId,
        /// What they lack.
        lack: PendingReason,
        /// The person who made the requirement.
        requester: Option<UserId>,
    },
    /// Nobody is linked to an identity at a provider that members log in through no more (behaviour.md 10).
    UnlinkSso {
        /// Where.
        organization: OrganizationId,
        /// The provider.
        provider: String,
    },
    /// Nobody is in an organization that is gone (behaviour.md D27).
    RemoveEveryone {
        /// Which organization.
        organization: OrganizationId,
    },
    /// The keys of whoever was erased are destroyed. Before anything else that follows.
    DestroyKeys,
    /// Whoever was erased is in no organization.
    RemoveErased {
        /// His account.
        user: UserId,
    },
}

impl Reaction {
    /// Its name in logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::RevokeSent { .. } => "revoke_sent",
            Self::ClearTeam { .. } => "clear_team",
            Self::Enforce { lack: PendingReason::NoSecondFactor, .. } => "enforce_second_factor",
            Self::Enforce { lack: PendingReason::EmailNotVerified, .. } => "enforce_verified_email",
            Self::UnlinkSso { .. } => "unlink_sso",
            Self::RemoveEveryone { .. } => "remove_everyone",
            Self::DestroyKeys => "destroy_keys",
            Self::RemoveErased { .. } => "remove_erased",
        }
    }
}

/// What has to be done about `recorded`. Nothing that an import states has consequences (behaviour.md D32).
pub fn react(recorded: &RecordedEvent) -> Vec<Reaction> {
    if recorded.metadata.actor.kind == ActorKind::Import {
        return vec![];
    }
    if let Event::User(event) = &recorded.event {
        return of_user(&recorded.stream, event);
    }
    let Some(organization) = recorded.organization else { return vec![] };
    let reaction = match &recorded.event {
        Event::Member(event) => of_member(organization, event),
        Event::Organization(event) => of_organization(organization, event, &recorded.metadata.actor),
        Event::Team(event) => of_team(organization, recorded, event),
        Event::User(_) | Event::Token(_) | Event::Roles(_) | Event::Letter(_) => None,
    };
    reaction.into_iter().collect()
}

fn of_user(stream: &StreamId, event: &UserEvent) -> Vec<Reaction> {
    match event {
        UserEvent::UserErased { .. } => {
            let removed = stream.aggregate_id.parse().ok().map(|user| Reaction::RemoveErased { user });
            [Reaction::DestroyKeys].into_iter().chain(removed).collect()
        }
        UserEvent::UserRegistered { .. }
        | UserEvent::UserRenamed { .. }
        | UserEvent::EmailAdded { .. }
        | UserEvent::EmailVerified { .. }
        | UserEvent::EmailRemoved { .. }
        | UserEvent::PrimaryEmailChanged { .. }
        | UserEvent::AuthenticatorEnrolled { .. }
        | UserEvent::AuthenticatorRemoved { .. }
        | UserEvent::UserDeactivated { .. }
        | UserEvent::UserReactivated { .. }
        | UserEvent::SuperuserGranted {}
        | UserEvent::SuperuserRevoked {} => vec![],
    }
}

fn of_member(organization: OrganizationId, event: &MemberEvent) -> Option<Reaction> {
    match event {
        // An invitation that is removed has sent nothing, and what was sent in an organization that is gone ends with it.
        MemberEvent::MemberRemoved { user: Some(inviter), reason, .. }
            if *reason != RemovalReason::OrganizationDeleted =>
        {
            Some(Reaction::RevokeSent { organization, inviter: *inviter })
        }
        MemberEvent::InviteeErased {} => Some(Reaction::DestroyKeys),
        MemberEvent::MemberRemoved { .. }
        | MemberEvent::MemberInvited { .. }
        | MemberEvent::MemberAdded { .. }
        | MemberEvent::InviteRequested { .. }
        | MemberEvent::JoinRequested { .. }
        | MemberEvent::InviteApproved { .. }
        | MemberEvent::InviteRequestRejected { .. }
        | MemberEvent::InviteResent { .. }
        | MemberEvent::InviteTokenRegenerated { .. }
        | MemberEvent::InviteExpired { .. }
        | MemberEvent::InviteRevoked { .. }
        | MemberEvent::InviteAccepted { .. }
        | MemberEvent::OrgRoleChanged { .. }
        | MemberEvent::TeamAssigned { .. }
        | MemberEvent::TeamUnassigned { .. }
        | MemberEvent::TeamRoleChanged { .. }
        | MemberEvent::TeamRoleCleared { .. }
        | MemberEvent::SsoLinked { .. }
        | MemberEvent::SsoUnlinked { .. }
        | MemberEvent::SsoLinkRequested { .. }
        | MemberEvent::TeamAccessRequested { .. }
        | MemberEvent::TeamAccessApproved { .. }
        | MemberEvent::TeamAccessDenied { .. }
        | MemberEvent::MemberFlagSet { .. }
        | MemberEvent::MemberFlagCleared { .. }
        | MemberEvent::MemberReturnedToPending { .. } => None,
    }
}

fn of_organization(
    organization: OrganizationId,
    event: &OrganizationEvent,
    actor: &Actor,
) -> Option<Reaction> {
    match event {
        OrganizationEvent::TwoFactorRequired {} => {
            Some(enforce(organization, PendingReason::NoSecondFactor, actor))
        }
        OrganizationEvent::EmailVerificationRequired {} => {
            Some(enforce(organization, PendingReason::EmailNotVerified, actor))
        }
        OrganizationEvent::SsoDisabled { provider } => {
            Some(Reaction::UnlinkSso { organization, provider: provider.clone() })
        }
        OrganizationEvent::OrganizationDeleted { .. } => Some(Reaction::RemoveEveryone { organization }),
        OrganizationEvent::OrganizationCreated { .. }
        | OrganizationEvent::OrganizationRenamed { .. }
        | OrganizationEvent::OrganizationSlugChanged { .. }
        | OrganizationEvent::AvatarChanged { .. }
        | OrganizationEvent::OrganizationOptionChanged { .. }
        | OrganizationEvent::OrganizationFlagChanged { .. }
        | OrganizationEvent::DefaultRoleChanged { .. }
        | OrganizationEvent::TwoFactorRequirementLifted {}
        | OrganizationEvent::EmailVerificationRequirementLifted {}
        | OrganizationEvent::SsoEnabled { .. }
        | OrganizationEvent::SsoChanged { .. }
        | OrganizationEvent::DeletionScheduled { .. }
        | OrganizationEvent::DeletionCancelled {}
        | OrganizationEvent::FeatureSet { .. } => None,
    }
}

fn enforce(organization: OrganizationId, lack: PendingReason, actor: &Actor) -> Reaction {
    let person = actor.id.as_ref().filter(|_| actor.kind == ActorKind::User);
    Reaction::Enforce { organization, lack, requester: person.and_then(|id| id.parse().ok()) }
}

fn of_team(organization: OrganizationId, recorded: &RecordedEvent, event: &TeamEvent) -> Option<Reaction> {
    match event {
        TeamEvent::TeamDeleted { .. } => {
            let team = recorded.stream.aggregate_id.parse().ok()?;
            Some(Reaction::ClearTeam { organization, team })
        }
        TeamEvent::TeamCreated { .. }
        | TeamEvent::TeamRenamed { .. }
        | TeamEvent::TeamSlugChanged { .. }
        | TeamEvent::TeamFlagged { .. } => None,
    }
}

#[cfg(test)]
mod tests;
