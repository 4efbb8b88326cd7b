//! How an invitation ends without a member (behaviour 4.4, D14, D18).

use crate::{
    member::{Member, MemberCommand, MemberEvent},
    specification::{
        Decided, MIA, SOMEBODY, given, hash, in_thirty_days, invite_requested, invited, joined, state, user,
    },
    time::Timestamp,
};

fn expire(events: impl IntoIterator<Item = MemberEvent>, now: Timestamp) -> Decided {
    given::<Member>(events).when(MemberCommand::ExpireInvite { now })
}

fn accepted() -> MemberEvent {
    MemberEvent::InviteAccepted {
        user: user(MIA),
        email_matches: true,
        addresses: vec![hash("mia@acme.example")],
        released: vec![],
        ownership: None,
    }
}

#[test]
fn an_invitation_expires_at_its_time_and_not_before() {
    let before = Timestamp::from_micros(in_thirty_days().as_micros() - 1).unwrap();
    expire([invited("member", SOMEBODY)], before).then_nothing();
    expire([invited("member", SOMEBODY)], in_thirty_days())
        .then([MemberEvent::InviteExpired { generation: 1 }]);
}

#[test]
fn an_expiry_is_on_record_once_and_the_row_stays() {
    let expired = MemberEvent::InviteExpired { generation: 1 };
    expire([invited("member", SOMEBODY), expired.clone()], in_thirty_days()).then_nothing();
    let member: Member = state([invited("member", SOMEBODY), expired]);
    assert!(member.exists() && member.is_pending());
}

#[test]
fn a_new_token_expires_anew() {
    let expired = MemberEvent::InviteExpired { generation: 1 };
    let expires_at = in_thirty_days().plus_days(30);
    let again = MemberEvent::InviteTokenRegenerated { generation: 2, expires_at };
    let events = || [invited("member", SOMEBODY), expired.clone(), again.clone()];
    expire(events(), in_thirty_days()).then_nothing();
    expire(events(), expires_at).then([MemberEvent::InviteExpired { generation: 2 }]);
}

#[test]
fn nothing_expires_that_is_no_invitation() {
    expire([joined("member")], in_thirty_days()).then_nothing();
    expire([invited("member", SOMEBODY), accepted()], in_thirty_days()).then_nothing();
    expire([invite_requested()], in_thirty_days()).then_nothing();
    expire([], in_thirty_days()).then_refused("not_found");
}
