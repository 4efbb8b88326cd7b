//! Who may ask for a PUT at all, and on whom (behaviour 2.1, 2.3 steps 1, 5, 6 and 7).

use super::{MemberEvent, put};
use crate::{
    member::{AssignedHow, MemberFlag},
    organization::OrganizationEvent,
    specification::{
        REQUESTER, SOMEBODY, acme, admin, flagged, globex, integration, invite_requested, invited,
        join_requested, joined, manager, on, owner, plain_member, stranger, superuser, web,
    },
    user::Authenticator,
};

#[test]
fn an_empty_body_changes_nothing() {
    put([joined("member"), on(web())]).then_nothing();
}

#[test]
fn a_user_who_is_no_member_has_no_permission() {
    put([joined("member")]).by(stranger()).then_refused("no_permission");
}

#[test]
fn any_one_of_the_three_member_scopes_passes_the_gate() {
    for scope in ["member:invite", "member:write", "member:admin"] {
        put([joined("member")])
            .by(owner().limited_to(&["org:read", scope]))
            .malformed("x", "y")
            .then_refused("invalid_fields");
    }
    for scope in ["member:read", "org:admin", "team:admin"] {
        put([joined("member")])
            .by(owner().limited_to(&[scope]))
            .malformed("x", "y")
            .then_refused("no_permission");
    }
}

#[test]
fn a_member_who_is_suspended_over_the_limit_still_passes_the_gate() {
    let suspended = flagged(MemberFlag::MemberLimitRestricted);
    put([joined("member")]).by(owner().after(&suspended)).then_nothing();
}

#[test]
fn a_second_factor_is_asked_for_before_everything_else() {
    let required = OrganizationEvent::TwoFactorRequired {};
    let asked = || put([]).within(|world| world.after(&required)).malformed("orgRole", "x");
    asked().then_refused("two_factor_required");
    asked().by(owner().with(Authenticator::Recovery)).then_refused("two_factor_required");
    asked().by(owner().with(Authenticator::Totp)).then_refused("not_found");
    asked().by(superuser()).then_refused("not_found");
}

#[test]
fn a_member_who_is_not_there_is_not_found() {
    put([]).then_refused("not_found");
    put([]).by(superuser()).malformed("orgRole", "x").then_refused("not_found");
}

#[test]
fn a_member_of_another_organization_is_not_found() {
    let MemberEvent::MemberAdded { user, org_role, addresses, ownership, .. } = joined("member") else {
        unreachable!()
    };
    let elsewhere = MemberEvent::MemberAdded { organization: globex(), user, org_role, addresses, ownership };
    put([elsewhere]).then_refused("not_found");
}

#[test]
fn requests_are_not_found() {
    put([invite_requested()]).then_refused("not_found");
    put([join_requested()]).then_refused("not_found");
}

#[test]
fn an_integration_token_is_told_that_only_users_may() {
    put([joined("member")])
        .by(integration(acme()))
        .malformed("orgRole", "x")
        .then_refused("user_token_required");
}

#[test]
fn an_integration_token_learns_nothing_about_who_is_there() {
    put([]).by(integration(acme())).then_refused("not_found");
    put([joined("member")]).by(integration(globex())).then_refused("no_permission");
    put([joined("member")]).by(integration(acme()).limited_to(&["org:admin"])).then_refused("no_permission");
}

#[test]
fn a_member_of_a_partnership_is_left_alone_by_everybody() {
    let managed = || put([joined("member"), flagged(MemberFlag::PartnershipRestricted)]);
    managed().then_refused("partnership_restricted");
    managed().by(superuser()).then_refused("partnership_restricted");
    managed().org_role("manager").then_refused("partnership_restricted");
}

#[test]
fn what_is_wrong_with_the_body_is_said_before_the_partnership() {
    put([joined("member"), flagged(MemberFlag::PartnershipRestricted)])
        .org_role("emperor")
        .then_refused("invalid_fields");
}

#[test]
fn the_partnership_is_said_before_the_right_to_change_invitations() {
    put([joined("member"), flagged(MemberFlag::PartnershipRestricted)])
        .by(plain_member())
        .then_refused("partnership_restricted");
}

#[test]
fn a_plain_requester_changes_no_member() {
    for requester in [plain_member(), admin(), manager().limited_to(&["member:invite"])] {
        put([joined("member")]).by(requester).teams(&["web"]).then_refused("no_permission");
    }
}

#[test]
fn a_plain_requester_does_not_even_ask_for_nothing_of_a_member() {
    put([joined("member")]).by(plain_member()).then_refused("no_permission");
    put([joined("member")]).by(plain_member()).reinvite().then_refused("no_permission");
}

#[test]
fn a_plain_requester_may_send_nothing_for_an_invitation_of_his_own() {
    put([invited("member", REQUESTER), on(web())]).by(plain_member()).then_nothing();
}

#[test]
fn a_plain_requester_changes_nothing_about_an_invitation_of_his_own() {
    put([invited("member", REQUESTER)]).by(plain_member()).teams(&["web"]).then_refused("no_permission");
}

#[test]
fn a_plain_requester_does_nothing_with_the_invitation_of_somebody_else() {
    put([invited("member", SOMEBODY)]).by(plain_member()).then_refused("invitation_of_another");
    put([invited("member", SOMEBODY)]).by(plain_member()).reinvite().then_refused("invitation_of_another");
}

#[test]
fn an_invitation_without_an_inviter_is_nobodys_own() {
    let MemberEvent::MemberInvited {
        organization,
        email,
        org_role,
        generation,
        expires_at,
        imported,
        counted,
        ..
    } = invited("member", SOMEBODY)
    else {
        unreachable!()
    };
    let inviter = None;
    let anonymous = MemberEvent::MemberInvited {
        organization,
        email,
        org_role,
        inviter,
        generation,
        expires_at,
        imported,
        counted,
        without_letter: false,
        referrer: None,
    };
    put([anonymous]).by(plain_member()).then_refused("invitation_of_another");
}

#[test]
fn the_generic_refusal_comes_before_the_inviter() {
    put([invited("member", SOMEBODY)]).by(plain_member()).teams(&["web"]).then_refused("no_permission");
    put([invited("member", SOMEBODY)])
        .within(|world| world.with_flag("disable_member_invite"))
        .by(plain_member())
        .then_refused("no_permission");
}

#[test]
fn where_members_do_not_invite_a_plain_requester_may_nothing() {
    put([invited("member", REQUESTER)])
        .within(|world| world.with_flag("disable_member_invite"))
        .by(plain_member())
        .then_refused("no_permission");
}

#[test]
fn a_token_that_gives_the_right_to_write_but_not_to_administer_makes_its_user_plain() {
    put([joined("member")])
        .by(owner().limited_to(&["member:write"]))
        .teams(&["web"])
        .then_refused("no_permission");
    put([joined("member")])
        .by(owner().limited_to(&["member:admin"]))
        .teams(&["web"])
        .then([MemberEvent::TeamAssigned { team: web(), role: None, how: AssignedHow::Replaced }]);
}

#[test]
fn an_invitation_is_not_sent_again_together_with_a_change() {
    put([invited("member", SOMEBODY)]).reinvite().teams(&["web"]).then_refused("reinvite_with_changes");
    put([joined("member")]).reinvite().org_role("manager").then_refused("reinvite_with_changes");
}

#[test]
fn what_is_wrong_with_the_body_is_said_before_the_reinvitation() {
    put([invited("member", SOMEBODY)]).reinvite().teams(&["nowhere"]).then_refused("invalid_fields");
}
