//! The re-invite branch of PUT member (behaviour 2.3 step 7, 2.5).

use super::{MemberEvent, put};
use crate::{
    member::{InvitationCount, MemberFlag},
    organization::{Feature, OrganizationEvent},
    specification::{
        REQUESTER, SOMEBODY, World, flagged, hash, herself, in_thirty_days, invited, joined, manager, now,
        on, owner, plain_member, web,
    },
};

fn resent(generation: u32) -> MemberEvent {
    let counted =
        InvitationCount { by: format!("user:{REQUESTER}").into(), address: hash("mia@acme.example") };
    MemberEvent::InviteResent { generation, counted: Some(counted) }
}

fn with_provider(world: World) -> World {
    let (provider, name) = ("okta".to_owned(), "Okta".to_owned());
    world.after(&OrganizationEvent::SsoEnabled { provider, name, allow_unlinked: true })
}

#[test]
fn an_invitation_is_sent_again_with_the_token_that_it_has() {
    put([invited("member", SOMEBODY), on(web())]).reinvite().then([resent(1)]);
    put([invited("member", REQUESTER)]).by(plain_member()).reinvite().then([resent(1)]);
}

#[test]
fn a_new_token_makes_the_old_one_invalid_and_is_valid_for_thirty_days() {
    let regenerated = MemberEvent::InviteTokenRegenerated { generation: 2, expires_at: now().plus_days(30) };
    put([invited("member", SOMEBODY)]).reinvite().regenerate().then([regenerated, resent(2)]);
}

#[test]
fn a_new_token_is_for_those_with_the_admin_scope() {
    put([invited("member", REQUESTER)])
        .by(plain_member())
        .reinvite()
        .regenerate()
        .then_refused("regeneration_without_scope");
}

#[test]
fn a_new_token_without_sending_it_is_nothing() {
    put([invited("member", SOMEBODY)]).regenerate().then_nothing();
}

#[test]
fn an_expired_invitation_is_not_sent_again_without_a_new_token() {
    let mut late = put([invited("member", SOMEBODY)]).reinvite();
    late.at = in_thirty_days();
    late.then_refused("invitation_expired");
    let mut late = put([invited("member", SOMEBODY)]).reinvite().regenerate();
    late.at = in_thirty_days();
    let expires_at = in_thirty_days().plus_days(30);
    late.then([MemberEvent::InviteTokenRegenerated { generation: 2, expires_at }, resent(2)]);
}

#[test]
fn the_missing_scope_is_said_before_the_expiry() {
    let mut late = put([invited("member", REQUESTER)]).by(plain_member()).reinvite().regenerate();
    late.at = in_thirty_days();
    late.then_refused("regeneration_without_scope");
}

#[test]
fn nothing_is_counted_where_there_are_no_limits() {
    put([invited("member", SOMEBODY)])
        .without(Feature::InviteMembersRateLimits)
        .reinvite()
        .then([MemberEvent::InviteResent { generation: 1, counted: None }]);
}

#[test]
fn a_member_who_is_not_linked_is_asked_to_where_there_is_a_provider() {
    let requested = MemberEvent::SsoLinkRequested { provider: "okta".into() };
    put([joined("member")]).within(with_provider).reinvite().then([requested.clone()]);
    put([joined("owner")]).by(herself("owner")).within(with_provider).reinvite().then([requested]);
    put([joined("member"), flagged(MemberFlag::SsoLinked)])
        .within(with_provider)
        .reinvite()
        .then_refused("full_member");
}

#[test]
fn a_full_member_is_not_invited() {
    for requester in [owner(), manager()] {
        put([joined("member")]).by(requester).reinvite().then_refused("full_member");
    }
}
