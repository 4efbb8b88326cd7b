//! What becomes of a letter.

use serde_json::json;
use uuid::Uuid;

use super::{
    About, DropReason, Failure, Letter, LetterCommand, LetterEvent, LetterId, LetterKind, LetterStatus,
    NewLetter, Recipient,
};
use crate::{
    id::{MemberId, UserId},
    personal::Personal,
    specification::{acme, earlier, email, given, in_thirty_days, state},
};

fn mia() -> Recipient {
    Recipient::User(UserId::new(7).unwrap())
}

fn queued() -> LetterEvent {
    let (kind, organization, about) = (LetterKind::Deletion, acme(), About::default());
    LetterEvent::LetterQueued { kind, organization, to: mia(), email: email("mia@acme.example"), about }
}

fn queue() -> LetterCommand {
    let (kind, organization, about) = (LetterKind::Deletion, acme(), About::default());
    let email = email("mia@acme.example");
    LetterCommand::Queue(Box::new(NewLetter { kind, organization, to: mia(), email, about }))
}

fn text() -> Personal<String> {
    Personal::open("no such user".into(), None)
}

fn failed(attempt: u32, again: bool) -> LetterEvent {
    let next_attempt_at = again.then(in_thirty_days);
    LetterEvent::LetterAttemptFailed { attempt, code: Some(451), text: text(), next_attempt_at }
}

fn fails(again: bool) -> LetterCommand {
    let next_attempt_at = again.then(in_thirty_days);
    LetterCommand::RecordFailure(Failure { code: Some(451), text: text(), next_attempt_at })
}

#[test]
fn a_letter_is_queued_once_whatever_becomes_of_it() {
    given::<Letter>([]).when(queue()).then([queued()]);
    for then in [
        vec![],
        vec![LetterEvent::LetterSent { attempt: 1 }],
        vec![LetterEvent::LetterDropped { why: DropReason::NotNeeded }],
        vec![failed(1, false), LetterEvent::LetterParked {}],
    ] {
        given::<Letter>([queued()].into_iter().chain(then)).when(queue()).then_nothing();
    }
}

#[test]
fn attempts_are_counted_until_one_succeeds() {
    given::<Letter>([queued()])
        .when(LetterCommand::RecordSent)
        .then([LetterEvent::LetterSent { attempt: 1 }]);
    given::<Letter>([queued()]).when(fails(true)).then([failed(1, true)]);
    given::<Letter>([queued(), failed(1, true)]).when(fails(true)).then([failed(2, true)]);
    let sent = LetterEvent::LetterSent { attempt: 3 };
    given::<Letter>([queued(), failed(1, true), failed(2, true)])
        .when(LetterCommand::RecordSent)
        .then([sent]);
    let waiting: Letter = state([queued(), failed(1, true)]);
    assert_eq!((waiting.status, waiting.next_attempt_at), (LetterStatus::Queued, in_thirty_days()));
}

#[test]
fn a_letter_that_is_of_no_use_to_try_again_is_parked_until_it_is_released() {
    let parked = [failed(1, false), LetterEvent::LetterParked {}];
    given::<Letter>([queued()]).when(fails(false)).then(parked.clone());
    let parked = || [queued()].into_iter().chain(parked.clone());
    given::<Letter>(parked()).when(LetterCommand::Release).then([LetterEvent::LetterReleased {}]);
    let released: Letter = state(parked().chain([LetterEvent::LetterReleased {}]));
    assert_eq!(
        (released.status, released.attempts, released.next_attempt_at),
        (LetterStatus::Queued, 0, earlier())
    );
    given::<Letter>([queued()]).when(LetterCommand::Release).then_nothing();
}

#[test]
fn nothing_becomes_of_what_is_over_or_never_was() {
    let over = [
        LetterEvent::LetterSent { attempt: 1 },
        LetterEvent::LetterDropped { why: DropReason::InvitationAccepted },
        LetterEvent::LetterParked {},
    ];
    let commands = || [LetterCommand::RecordSent, fails(true), LetterCommand::Drop(DropReason::NotNeeded)];
    for end in over {
        for command in commands() {
            given::<Letter>([queued(), end.clone()]).when(command).then_nothing();
        }
    }
    for command in commands().into_iter().chain([LetterCommand::Release]) {
        given::<Letter>([]).when(command).then_refused("not_found");
    }
    let why = DropReason::RecipientLeft;
    given::<Letter>([queued()]).when(LetterCommand::Drop(why)).then([LetterEvent::LetterDropped { why }]);
}

#[test]
fn the_id_says_cause_kind_and_recipient_and_nothing_else() {
    let (cause, other) = (Uuid::from_u128(7), Uuid::from_u128(8));
    let id = |cause, kind, to| LetterId::derive(cause, kind, to).to_string();
    let of_mia = id(cause, LetterKind::Deletion, mia());
    assert_eq!(of_mia, id(cause, LetterKind::Deletion, mia()));
    assert_eq!(of_mia.parse::<LetterId>().unwrap().to_string(), of_mia);
    let invitee = Recipient::Invitee(MemberId::new(7).unwrap());
    for different in [
        id(other, LetterKind::Deletion, mia()),
        id(cause, LetterKind::SsoDisabled, mia()),
        id(cause, LetterKind::Deletion, invitee),
    ] {
        assert_ne!(of_mia, different);
    }
}

#[test]
fn names_are_what_is_stored() {
    for kind in LetterKind::ALL {
        assert_eq!(serde_json::to_value(kind).unwrap(), json!(kind.name()));
        assert_eq!(kind.name().parse(), Ok(kind));
    }
    for why in DropReason::ALL {
        assert_eq!(serde_json::to_value(why).unwrap(), json!(why.name()));
        assert_eq!(DropReason::by_name(why.name()), Some(why));
    }
    let error = "post.card".parse::<LetterKind>().unwrap_err().to_string();
    assert!(
        error.starts_with("\"post.card\" is no kind of letter; there are organization.invite, "),
        "{error}"
    );
}
