//! Given an event, then these letters.

use uuid::Uuid;

use super::{About, Audience, LetterKind, Notice, Recipient, letters, notices};
use crate::{
    event::Event,
    id::UserId,
    member::{MemberEvent, PendingReason},
    organization::OrganizationEvent,
    recorded::{Actor, ActorKind, Metadata, RecordedEvent},
    specification::{
        MIA, SOMEBODY, acme, earlier, email, in_thirty_days, invite_requested, invited, join_requested,
        joined, member, user, web,
    },
    stream::{Position, Sequence, StreamId},
};

fn recorded(stream: impl Into<StreamId>, event: impl Into<Event>, actor: Actor) -> RecordedEvent {
    RecordedEvent {
        position: Position(7),
        event_id: Uuid::from_u128(7),
        stream: stream.into(),
        sequence: Sequence(1),
        recorded_at: earlier(),
        organization: Some(acme()),
        event: event.into(),
        metadata: Metadata::by(actor),
    }
}

fn by_somebody() -> Actor {
    Actor::user(user(SOMEBODY), None)
}

/// Kind and audience of what an event of Mia's row asks for, and what it is about.
fn of_mia(event: MemberEvent) -> Vec<(LetterKind, Audience, About)> {
    let asked = notices(&recorded(member(MIA), event, by_somebody()));
    asked.into_iter().map(|notice| (notice.kind, notice.audience, notice.about)).collect()
}

fn about() -> About {
    About { member: Some(member(MIA)), actor: Some(user(SOMEBODY)), ..About::default() }
}

#[test]
fn an_invitation_goes_to_who_is_invited_each_time_that_it_is_sent() {
    let expected = |generation| {
        let about = About { generation: Some(generation), ..about() };
        vec![(LetterKind::Invitation, Audience::Of(member(MIA)), about)]
    };
    assert_eq!(of_mia(invited("member", SOMEBODY)), expected(1));
    assert_eq!(of_mia(MemberEvent::InviteResent { generation: 3, counted: None }), expected(3));
    let approved = MemberEvent::InviteApproved { generation: 2, expires_at: in_thirty_days() };
    assert_eq!(of_mia(approved), expected(2));
    // The new token goes out with the letter that is sent in the same append.
    let regenerated = MemberEvent::InviteTokenRegenerated { generation: 2, expires_at: in_thirty_days() };
    assert_eq!(of_mia(regenerated), []);
}

#[test]
fn nothing_is_sent_that_nobody_wants_or_that_an_import_states() {
    let with = |change: fn(&mut bool, &mut bool)| {
        let mut event = invited("member", SOMEBODY);
        if let MemberEvent::MemberInvited { without_letter, imported, .. } = &mut event {
            change(without_letter, imported);
        }
        event
    };
    assert_eq!(of_mia(with(|without_letter, _| *without_letter = true)), []);
    assert_eq!(of_mia(with(|_, imported| *imported = true)), []);
    let import = Actor::only(ActorKind::Import);
    for event in [invited("member", SOMEBODY), join_requested()] {
        assert_eq!(notices(&recorded(member(MIA), event, import.clone())), []);
    }
    assert_eq!(of_mia(joined("member")), []);
}

#[test]
fn who_may_decide_is_told_of_requests() {
    assert_eq!(of_mia(invite_requested()), [(LetterKind::InviteRequest, Audience::WhoMayLetIn, about())]);
    assert_eq!(of_mia(join_requested()), [(LetterKind::JoinRequest, Audience::WhoMayLetIn, about())]);
    let on_web = About { team: Some(web()), ..about() };
    let asked = MemberEvent::TeamAccessRequested { team: web(), requester: None };
    assert_eq!(
        of_mia(asked),
        [(LetterKind::TeamAccessRequest, Audience::WhoMayPutOn(web()), on_web.clone())]
    );
    let granted = MemberEvent::TeamAccessApproved { team: web() };
    assert_eq!(of_mia(granted), [(LetterKind::TeamAccessApproved, Audience::Of(member(MIA)), on_web)]);
}

#[test]
fn who_returned_to_pending_is_told_what_he_lacks_on_behalf_of_who_required_it() {
    let returned = MemberEvent::MemberReturnedToPending {
        reason: PendingReason::NoSecondFactor,
        user: user(MIA),
        email: email("mia@acme.example"),
        generation: 2,
        expires_at: in_thirty_days(),
        released: vec![],
        ownership: None,
    };
    let policy = Actor { on_behalf_of: Some(Box::new(by_somebody())), ..Actor::only(ActorKind::Policy) };
    let asked = notices(&recorded(member(MIA), returned, policy));
    let about = About { generation: Some(2), ..about() };
    let (kind, audience) = (LetterKind::SecondFactor, Audience::Of(member(MIA)));
    assert_eq!(asked, [Notice { kind, organization: acme(), audience, about }]);
}

#[test]
fn an_organization_tells_everybody_of_its_provider_and_its_owners_of_its_end() {
    let of_acme = |event| {
        let asked = notices(&recorded(acme(), event, by_somebody()));
        asked.into_iter().map(|notice| (notice.kind, notice.audience)).collect::<Vec<_>>()
    };
    let disabled = OrganizationEvent::SsoDisabled { provider: "okta".into() };
    assert_eq!(of_acme(disabled), [(LetterKind::SsoDisabled, Audience::Everybody)]);
    let scheduled = OrganizationEvent::DeletionScheduled { due_at: in_thirty_days() };
    assert_eq!(of_acme(scheduled), [(LetterKind::Deletion, Audience::Owners)]);
    assert_eq!(of_acme(OrganizationEvent::DeletionCancelled {}), []);
}

#[test]
fn a_recipient_and_an_address_get_one_letter_each() {
    let cause = recorded(acme(), OrganizationEvent::DeletionCancelled {}, by_somebody());
    let (kind, organization, audience) = (LetterKind::Deletion, acme(), Audience::Owners);
    let notice = Notice { kind, organization, audience, about: About::default() };
    let person = |number, address| (Recipient::User(UserId::new(number).unwrap()), email(address));
    let recipients = vec![
        person(1, "a@acme.example"),
        person(2, "a@acme.example"),
        person(1, "b@acme.example"),
        person(3, "c@acme.example"),
    ];
    let queued = letters(&cause, &notice, recipients);
    let told: Vec<_> = queued.iter().map(|(_, letter)| letter.to).collect();
    assert_eq!(told, [Recipient::User(UserId::new(1).unwrap()), Recipient::User(UserId::new(3).unwrap())]);
    assert_ne!(queued[0].0, queued[1].0);
}
