//! Which letters an event asks for, and to whom (behaviour.md 10). Who that is, is looked up outside and handed in.

use super::{About, LetterId, LetterKind, NewLetter, Recipient};
use crate::{
    event::Event,
    id::{MemberId, OrganizationId, TeamId, UserId},
    member::{MemberEvent, PendingReason},
    organization::OrganizationEvent,
    personal::{EmailAddress, Personal},
    recorded::{Actor, ActorKind, RecordedEvent},
};

/// Who is to get a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Whoever this row is for: the invited address, or the person who is the member.
    Of(MemberId),
    /// Everybody with an account in the organization.
    Everybody,
    /// The owners.
    Owners,
    /// Whoever may let somebody in: whose role has `member:write`.
    WhoMayLetIn,
    /// Whoever may put somebody on this team: owners and managers, and on the team its admins and those whose role has
    /// `team:write`.
    WhoMayPutOn(TeamId),
}

/// What an event asks for: letters of one kind to an audience.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The kind of the letters.
    pub kind: LetterKind,
    /// The organization.
    pub organization: OrganizationId,
    /// Who gets one.
    pub audience: Audience,
    /// What they are about.
    pub about: About,
}

/// The letters that an event asks for. None for what an import states (behaviour.md D32).
pub fn notices(recorded: &RecordedEvent) -> Vec<Notice> {
    let Some(organization) = recorded.organization else { return vec![] };
    if recorded.metadata.actor.kind == ActorKind::Import {
        return vec![];
    }
    let notice = match &recorded.event {
        Event::Member(event) => {
            let member = recorded.stream.aggregate_id.parse().ok();
            member.and_then(|member| of_member(member, event))
        }
        Event::Organization(event) => of_organization(event),
        Event::Team(_) | Event::User(_) | Event::Token(_) | Event::Roles(_) | Event::Letter(_) => None,
    };
    let actor = person(&recorded.metadata.actor);
    let notice = notice.map(|(kind, audience, about)| {
        let actor = about.actor.or(actor);
        Notice { kind, organization, audience, about: About { actor, ..about } }
    });
    notice.into_iter().collect()
}

/// The person who acted, or on whose behalf a policy did.
fn person(actor: &Actor) -> Option<UserId> {
    let actor = actor.on_behalf_of.as_deref().unwrap_or(actor);
    actor.id.as_ref().filter(|_| actor.kind == ActorKind::User).and_then(|id| id.parse().ok())
}

type Asked = (LetterKind, Audience, About);

fn of_member(member: MemberId, event: &MemberEvent) -> Option<Asked> {
    let about = About { member: Some(member), ..About::default() };
    let invitation = |generation: u32, referrer: Option<String>| {
        let about = About { generation: Some(generation), referrer, ..about.clone() };
        Some((LetterKind::Invitation, Audience::Of(member), about))
    };
    match event {
        MemberEvent::MemberInvited {
            without_letter: false, imported: false, generation, referrer, ..
        } => invitation(*generation, referrer.as_ref().map(ToString::to_string)),
        MemberEvent::InviteApproved { generation, .. } | MemberEvent::InviteResent { generation, .. } => {
            invitation(*generation, None)
        }
        MemberEvent::MemberReturnedToPending { reason, generation, .. } => {
            let kind = match reason {
                PendingReason::NoSecondFactor => LetterKind::SecondFactor,
                PendingReason::EmailNotVerified => LetterKind::VerifyEmail,
            };
            let about = About { generation: Some(*generation), ..about };
            Some((kind, Audience::Of(member), about))
        }
        MemberEvent::SsoLinkRequested { provider } => {
            let about = About { provider: Some(provider.clone()), ..about };
            Some((LetterKind::SsoLink, Audience::Of(member), about))
        }
        MemberEvent::TeamAccessRequested { team, requester } => {
            let about = About { team: Some(*team), actor: *requester, ..about };
            Some((LetterKind::TeamAccessRequest, Audience::WhoMayPutOn(*team), about))
        }
        MemberEvent::TeamAccessApproved { team } => {
            let about = About { team: Some(*team), ..about };
            Some((LetterKind::TeamAccessApproved, Audience::Of(member), about))
        }
        MemberEvent::InviteRequested { .. } => {
            Some((LetterKind::InviteRequest, Audience::WhoMayLetIn, about))
        }
        MemberEvent::JoinRequested { .. } => Some((LetterKind::JoinRequest, Audience::WhoMayLetIn, about)),
        // A new token goes out with the letter that is sent again. No letter tells of a change of role or teams, or of an
        // end.
        MemberEvent::InviteTokenRegenerated { .. }
        | MemberEvent::MemberInvited { .. }
        | MemberEvent::MemberAdded { .. }
        | MemberEvent::InviteRequestRejected { .. }
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
        | MemberEvent::TeamAccessDenied { .. }
        | MemberEvent::MemberFlagSet { .. }
        | MemberEvent::MemberFlagCleared { .. }
        | MemberEvent::MemberRemoved { .. } => None,
    }
}

fn of_organization(event: &OrganizationEvent) -> Option<Asked> {
    match event {
        OrganizationEvent::SsoDisabled { provider } => {
            let about = About { provider: Some(provider.clone()), ..About::default() };
            Some((LetterKind::SsoDisabled, Audience::Everybody, about))
        }
        OrganizationEvent::DeletionScheduled { .. } => {
            Some((LetterKind::Deletion, Audience::Owners, About::default()))
        }
        OrganizationEvent::OrganizationCreated { .. }
        | OrganizationEvent::OrganizationRenamed { .. }
        | OrganizationEvent::OrganizationSlugChanged { .. }
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
        | OrganizationEvent::DeletionCancelled {}
        | OrganizationEvent::OrganizationDeleted { .. }
        | OrganizationEvent::FeatureSet { .. } => None,
    }
}

/// The letters of a notice, one for each recipient and each address (behaviour.md 10).
pub fn letters(
    recorded: &RecordedEvent,
    notice: &Notice,
    recipients: Vec<(Recipient, Personal<EmailAddress>)>,
) -> Vec<(LetterId, NewLetter)> {
    let mut letters: Vec<(LetterId, NewLetter)> = vec![];
    for (to, email) in recipients {
        let same_address = |told: &NewLetter| email.hash().is_some() && told.email.hash() == email.hash();
        let is_told = letters.iter().any(|(_, told)| told.to == to || same_address(told));
        if !is_told {
            let id = LetterId::derive(recorded.event_id, notice.kind, to);
            let Notice { kind, organization, about, .. } = notice.clone();
            letters.push((id, NewLetter { kind, organization, to, email, about }));
        }
    }
    letters
}
