//! Which letters an event asks for, and to whom (behaviour.md 10). Who that is, is looked up outside and handed in.

use super::{About, Audience, LetterId, LetterKind, NewLetter, Recipient};
use crate::{
    event::Event,
    id::{MemberId, OrganizationId, UserId},
    member::{MemberEvent, PendingReason},
    organization::OrganizationEvent,
    personal::{EmailAddress, Personal},
    recorded::{Actor, ActorKind, RecordedEvent},
};

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
    let notice = notice.and_then(|(kind, about)| {
        let about = About { actor: about.actor.or(actor), ..about };
        Some(Notice { kind, organization, audience: Audience::of(kind, &about)?, about })
    });
    notice.into_iter().collect()
}

/// The person who acted, or on whose behalf a policy did.
fn person(actor: &Actor) -> Option<UserId> {
    let actor = actor.on_behalf_of.as_deref().unwrap_or(actor);
    actor.id.as_ref().filter(|_| actor.kind == ActorKind::User).and_then(|id| id.parse().ok())
}

type Asked = (LetterKind, About);

fn of_member(member: MemberId, event: &MemberEvent) -> Option<Asked> {
    let about = About { member: Some(member), ..About::default() };
    let invitation = |generation: u32, referrer: Option<String>| {
        let about = About { generation: Some(generation), referrer, ..about.clone() };
        Some((LetterKind::Invitation, about))
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
            Some((kind, about))
        }
        MemberEvent::SsoLinkRequested { provider } => {
            let about = About { provider: Some(provider.clone()), ..about };
            Some((LetterKind::SsoLink, about))
        }
        MemberEvent::TeamAccessRequested { team, requester } => {
            let about = About { team: Some(*team), actor: *requester, ..about };
            Some((LetterKind::TeamAccessRequest, about))
        }
        MemberEvent::TeamAccessApproved { team } => {
            let about = About { team: Some(*team), ..about };
            Some((LetterKind::TeamAccessApproved, about))
        }
        MemberEvent::InviteRequested { .. } => Some((LetterKind::InviteRequest, about)),
        MemberEvent::JoinRequested { .. } => Some((LetterKind::JoinRequest, about)),
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
        | MemberEvent::MemberRemoved { .. }
        | MemberEvent::InviteeErased {} => None,
    }
}

fn of_organization(event: &OrganizationEvent) -> Option<Asked> {
    match event {
        OrganizationEvent::SsoDisabled { provider } => {
            let about = About { provider: Some(provider.clone()), ..About::default() };
            Some((LetterKind::SsoDisabled, about))
        }
        OrganizationEvent::DeletionScheduled { .. } => Some((LetterKind::Deletion, About::default())),
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
            // Whether the row has an account may change before the same event is answered once more.
            let key =
                if let Audience::Of(member) = notice.audience { Recipient::Invitee(member) } else { to };
            let id = LetterId::derive(recorded.event_id, notice.kind, key);
            let Notice { kind, organization, about, .. } = notice.clone();
            letters.push((id, NewLetter { kind, organization, to, email, about }));
        }
    }
    letters
}
