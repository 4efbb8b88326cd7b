//! What follows for Mia from what happened elsewhere (D14, D16, D18, D27, behaviour 7.5).

use crate::{
    member::{
        Consequence, InviteStatus, Member, MemberCommand, MemberEvent, MemberFlag, Ownership, PendingReason,
        RemovalReason, ReturnToPending, RevocationReason, UnassignedHow,
    },
    specification::{
        Decided, MIA, REQUESTER, SOMEBODY, docs, earlier, email, given, hash, in_thirty_days,
        invite_requested, invited, join_requested, joined, on, on_as, role, user, web,
    },
    time::Timestamp,
};

fn follow(events: impl IntoIterator<Item = MemberEvent>, cause: Consequence) -> Decided {
    given::<Member>(events).when(MemberCommand::Follow(cause))
}

fn later() -> Timestamp {
    earlier().plus_days(1)
}

fn removed(inviter: u64) -> Consequence {
    Consequence::InviterRemoved { inviter: user(inviter), at: later() }
}

fn mias() -> Vec<crate::personal::KeyedHash> {
    vec![hash("mia@acme.example")]
}

fn accepted() -> MemberEvent {
    MemberEvent::InviteAccepted {
        user: user(MIA),
        email_matches: true,
        addresses: mias(),
        released: vec![],
        ownership: None,
    }
}

#[test]
fn what_somebody_sent_ends_when_he_is_removed() {
    follow([invited("manager", SOMEBODY), on(web())], removed(SOMEBODY)).then([MemberEvent::InviteRevoked {
        reason: RevocationReason::InviterRemoved,
        role: role("manager"),
        teams: vec![web()],
        addresses: mias(),
    }]);
    follow([invite_requested()], removed(SOMEBODY)).then([MemberEvent::InviteRequestRejected {
        status: InviteStatus::RequestedToBeInvited,
        role: role("member"),
        teams: vec![],
        addresses: mias(),
    }]);
}

#[test]
fn who_is_linked_to_a_provider_that_is_gone_is_linked_no_more() {
    let gone = || Consequence::SsoDisabled { provider: "okta".into() };
    let flagged = |flag| MemberEvent::MemberFlagSet { flag };
    let unlinked = MemberEvent::SsoUnlinked { provider: "okta".into() };
    let valid = MemberEvent::MemberFlagCleared { flag: MemberFlag::SsoInvalid };
    let both = [joined("member"), flagged(MemberFlag::SsoLinked), flagged(MemberFlag::SsoInvalid)];
    follow(both.clone(), gone()).then([unlinked.clone(), valid.clone()]);
    follow(both.into_iter().chain([unlinked, valid]), gone()).then_nothing();
    follow([joined("member"), flagged(MemberFlag::IdpProvisioned)], gone()).then_nothing();
    follow([], gone()).then_nothing();
}

#[test]
fn what_he_did_not_send_or_was_taken_already_stays() {
    follow([invited("member", REQUESTER)], removed(SOMEBODY)).then_nothing();
    follow([join_requested()], removed(SOMEBODY)).then_nothing();
    follow([invited("member", SOMEBODY), accepted()], removed(SOMEBODY)).then_nothing();
}

#[test]
fn what_he_sends_after_he_came_back_stays() {
    let before = Consequence::InviterRemoved { inviter: user(SOMEBODY), at: earlier().plus_days(-1) };
    follow([invited("member", SOMEBODY)], before).then_nothing();
}

#[test]
fn nothing_follows_for_who_is_gone() {
    let gone = MemberEvent::InviteRevoked {
        reason: RevocationReason::Revoked,
        role: role("member"),
        teams: vec![],
        addresses: mias(),
    };
    let gone = || [invited("member", SOMEBODY), gone.clone()];
    follow(gone(), removed(SOMEBODY)).then_nothing();
    follow(gone(), Consequence::TeamDeleted { team: web() }).then_nothing();
    follow(gone(), lacks(SOMEBODY)).then_nothing();
    follow(gone(), Consequence::OrganizationDeleted { addresses: vec![] }).then_nothing();
    given::<Member>(gone())
        .when(MemberCommand::ExpireInvite { now: in_thirty_days() })
        .then_refused("not_found");
    follow([], removed(SOMEBODY)).then_nothing();
}

#[test]
fn nobody_is_on_a_team_that_is_gone_or_asks_for_it() {
    let deleted = || Consequence::TeamDeleted { team: web() };
    let off = |explicit: Option<&str>| MemberEvent::TeamUnassigned {
        team: web(),
        role: explicit.map(role),
        how: UnassignedHow::TeamDeleted,
    };
    follow([joined("member"), on(docs()), on_as(web(), "admin")], deleted()).then([off(Some("admin"))]);
    follow([invited("member", SOMEBODY), on(web())], deleted()).then([off(None)]);
    let asked = MemberEvent::TeamAccessRequested { team: web(), requester: None };
    follow([joined("member"), asked], deleted()).then([MemberEvent::TeamAccessDenied { team: web() }]);
    follow([joined("member"), on(docs())], deleted()).then_nothing();
    follow([joined("member"), on(web()), off(None)], deleted()).then_nothing();
}

fn lacks(account: u64) -> Consequence {
    Consequence::RequirementNotMet(ReturnToPending {
        reason: PendingReason::NoSecondFactor,
        since: later(),
        user: user(account),
        email: email("mia@home.example"),
        addresses: vec![hash("mia@home.example"), hash("mia@work.example")],
        expires_at: in_thirty_days(),
    })
}

fn returned(generation: u32, ownership: Option<Ownership>) -> MemberEvent {
    MemberEvent::MemberReturnedToPending {
        reason: PendingReason::NoSecondFactor,
        user: user(MIA),
        email: email("mia@home.example"),
        generation,
        expires_at: in_thirty_days(),
        released: vec![hash("mia@acme.example"), hash("mia@work.example")],
        ownership,
    }
}

#[test]
fn a_member_returns_to_pending_with_his_primary_address_and_gives_the_others_back() {
    follow([joined("member"), on(web())], lacks(MIA)).then([returned(1, None)]);
    follow([joined("owner")], lacks(MIA)).then([returned(1, Some(Ownership::Lost))]);
}

/// The link by which he came must not work again.
#[test]
fn the_token_of_his_return_is_another_than_that_of_his_invitation() {
    follow([invited("member", SOMEBODY), accepted()], lacks(MIA)).then([returned(2, None)]);
}

#[test]
fn who_is_somebody_else_by_now_or_came_later_is_not_returned() {
    follow([joined("member")], lacks(SOMEBODY)).then_nothing();
    follow([joined("member"), returned(1, None)], lacks(MIA)).then_nothing();
    let Consequence::RequirementNotMet(back) = lacks(MIA) else { unreachable!() };
    let before = ReturnToPending { since: earlier().plus_days(-1), ..back };
    follow([joined("member")], Consequence::RequirementNotMet(before)).then_nothing();
}

#[test]
fn nobody_is_in_an_organization_that_is_gone_not_even_its_last_owner() {
    let deleted = || Consequence::OrganizationDeleted { addresses: vec![hash("mia@work.example")] };
    follow([joined("owner"), on(web())], deleted()).then([MemberEvent::MemberRemoved {
        reason: RemovalReason::OrganizationDeleted,
        role: role("owner"),
        teams: vec![web()],
        user: Some(user(MIA)),
        addresses: vec![hash("mia@acme.example"), hash("mia@work.example")],
        ownership: None,
    }]);
    follow([invited("member", SOMEBODY)], deleted()).then([MemberEvent::InviteRevoked {
        reason: RevocationReason::OrganizationDeleted,
        role: role("member"),
        teams: vec![],
        addresses: mias(),
    }]);
    follow([join_requested()], deleted()).then([MemberEvent::InviteRequestRejected {
        status: InviteStatus::RequestedToJoin,
        role: role("member"),
        teams: vec![],
        addresses: mias(),
    }]);
}

#[test]
fn who_was_erased_is_removed_and_another_who_has_his_row_by_now_is_not() {
    let erased =
        |number| Consequence::AccountErased { user: user(number), addresses: vec![hash("mia@work.example")] };
    follow([joined("member"), on(web())], erased(MIA)).then([MemberEvent::MemberRemoved {
        reason: RemovalReason::AccountErased,
        role: role("member"),
        teams: vec![web()],
        user: Some(user(MIA)),
        addresses: vec![hash("mia@acme.example"), hash("mia@work.example")],
        ownership: None,
    }]);
    follow([joined("member")], erased(SOMEBODY)).then_nothing();
    follow([invited("member", SOMEBODY)], erased(MIA)).then_nothing();
}

#[test]
fn an_invitee_is_erased_once_and_what_is_open_ends() {
    let erased = || MemberEvent::InviteeErased {};
    let revoked = MemberEvent::InviteRevoked {
        reason: RevocationReason::Erased,
        role: role("member"),
        teams: vec![],
        addresses: mias(),
    };
    let invited = invited("member", SOMEBODY);
    follow([invited.clone()], Consequence::InviteeErased).then([revoked.clone(), erased()]);
    follow([invited.clone(), revoked.clone()], Consequence::InviteeErased).then([erased()]);
    follow([invited.clone(), revoked, erased()], Consequence::InviteeErased).then_nothing();
    let rejected = MemberEvent::InviteRequestRejected {
        status: InviteStatus::RequestedToJoin,
        role: role("member"),
        teams: vec![],
        addresses: mias(),
    };
    follow([join_requested()], Consequence::InviteeErased).then([rejected, erased()]);
    // Who took the invitation with another account stays, and is there to be erased if he is invited again.
    let taken = [invited, accepted(), erased()];
    follow(taken[..2].to_vec(), Consequence::InviteeErased).then([erased()]);
    follow(taken.clone(), Consequence::InviteeErased).then_nothing();
    let again = taken.into_iter().chain([returned(2, None)]);
    assert!(!crate::specification::state::<Member>(again).invitee_erased);
    follow([], Consequence::InviteeErased).then_nothing();
}
