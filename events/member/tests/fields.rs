//! What is wrong with the body of a PUT (behaviour 2.2).

use super::put;
use crate::{
    organization::Feature,
    refusal::FieldError,
    refusal::Refusal,
    specification::{
        SOMEBODY, email, herself, invite_requested, invited, join_requested, joined, manager, on, owner,
        plain_member, requester, state, superuser, web,
    },
};

const NOT_ALLOWED: &str = "You do not have permission to set that org-level role";

#[test]
fn a_role_that_is_not_defined_is_no_choice() {
    put([joined("member")])
        .org_role("emperor")
        .then_invalid([("orgRole", "\"emperor\" is not a valid choice.")]);
    put([joined("member")]).old_role("").then_invalid([("role", "\"\" is not a valid choice.")]);
    put([joined("member")])
        .org_role("billing")
        .then_invalid([("orgRole", "\"billing\" is not a valid choice.")]);
}

#[test]
fn nobody_gives_a_role_above_his_own() {
    put([joined("member")]).by(manager()).org_role("owner").then_invalid([("orgRole", NOT_ALLOWED)]);
    put([joined("member")]).by(manager()).old_role("owner").then_invalid([("role", NOT_ALLOWED)]);
}

#[test]
fn promoting_oneself_is_an_invalid_field_rather_than_a_missing_permission() {
    put([joined("manager")])
        .by(herself("manager"))
        .org_role("owner")
        .then_invalid([("orgRole", NOT_ALLOWED)]);
}

#[test]
fn without_the_right_to_administer_members_no_role_may_be_sent() {
    let plain = [plain_member(), requester("admin"), owner().limited_to(&["member:write"])];
    for requester in plain {
        put([joined("member")]).by(requester).org_role("member").then_invalid([("orgRole", NOT_ALLOWED)]);
    }
}

#[test]
fn a_role_that_stays_is_checked_all_the_same() {
    put([joined("owner")]).by(manager()).org_role("owner").then_invalid([("orgRole", NOT_ALLOWED)]);
}

#[test]
fn a_superuser_may_send_every_role() {
    put([joined("owner")])
        .by(superuser().limited_to(&["member:invite"]))
        .org_role("owner")
        .then_refused("no_permission");
    put([joined("owner")]).by(superuser()).org_role("owner").then_nothing();
}

#[test]
fn a_team_that_does_not_exist_is_invalid() {
    put([joined("member")]).teams(&["web", "nowhere"]).then_invalid([("teams", "Invalid teams")]);
    put([joined("member")]).team_roles(&[("nowhere", None)]).then_invalid([("teamRoles", "Invalid teams")]);
}

#[test]
fn a_team_of_another_organization_is_invalid() {
    put([joined("member")]).teams(&["sales"]).then_invalid([("teams", "Invalid teams")]);
}

#[test]
fn a_team_that_is_being_deleted_is_invalid() {
    put([joined("member")]).teams(&["legacy"]).then_invalid([("teams", "Invalid teams")]);
}

#[test]
fn a_team_that_is_named_twice_is_invalid() {
    put([joined("member")]).teams(&["web", "web"]).then_invalid([("teams", "Invalid teams")]);
    put([joined("member")])
        .team_roles(&[("web", Some("admin")), ("web", None)])
        .then_invalid([("teamRoles", "Invalid teams")]);
}

#[test]
fn a_slug_is_matched_as_it_is_written() {
    put([joined("member")]).teams(&["Web"]).then_invalid([("teams", "Invalid teams")]);
}

#[test]
fn a_team_role_that_is_not_defined_is_invalid() {
    put([joined("member")])
        .team_roles(&[("web", Some("owner"))])
        .then_invalid([("teamRoles", "Invalid team-role")]);
}

#[test]
fn a_team_role_is_checked_before_the_teams_are() {
    put([joined("member")])
        .team_roles(&[("nowhere", None), ("web", Some("captain"))])
        .then_invalid([("teamRoles", "Invalid team-role")]);
}

#[test]
fn a_team_role_is_checked_where_team_roles_are_off_too() {
    put([joined("member")])
        .without(Feature::TeamRoles)
        .team_roles(&[("web", Some("captain"))])
        .then_invalid([("teamRoles", "Invalid team-role")]);
}

#[test]
fn teams_are_ignored_beside_team_roles() {
    put([joined("member"), on(web())]).teams(&["nowhere"]).team_roles(&[("web", None)]).then_nothing();
}

#[test]
fn the_address_of_a_member_is_refused() {
    put([joined("member")])
        .email_of("Mia@Acme.example", state([joined("member")]))
        .then_invalid([("email", "The user Mia@Acme.example is already a member")]);
}

#[test]
fn the_address_of_an_invitation_is_refused() {
    put([joined("member")])
        .email_of("mia@acme.example", state([invited("member", SOMEBODY)]))
        .then_invalid([("email", "The user mia@acme.example has already been invited")]);
}

#[test]
fn the_address_of_a_request_is_none_of_a_members() {
    put([joined("member")]).email_of("mia@acme.example", state([invite_requested()])).then_nothing();
    put([joined("member")]).email_of("mia@acme.example", state([join_requested()])).then_nothing();
}

#[test]
fn an_address_that_nobody_has_is_ignored() {
    put([joined("member")]).change(|changes| changes.email = Some(email("x@y.example"))).then_nothing();
}

#[test]
fn everything_that_is_wrong_is_said_together() {
    let invalid = put([joined("member")])
        .malformed("sendInvite", "Must be a valid boolean.")
        .org_role("emperor")
        .old_role("pope")
        .team_roles(&[("nowhere", None)])
        .email_of("mia@acme.example", state([joined("member")]));
    invalid.then_invalid([
        ("sendInvite", "Must be a valid boolean."),
        ("orgRole", "\"emperor\" is not a valid choice."),
        ("role", "\"pope\" is not a valid choice."),
        ("teamRoles", "Invalid teams"),
        ("email", "The user mia@acme.example is already a member"),
    ]);
}

#[test]
fn what_is_wrong_with_the_form_alone_is_a_refusal() {
    let errors = vec![FieldError::new("teamRoles", "This field may not be null.")];
    put([joined("member")])
        .malformed("teamRoles", "This field may not be null.")
        .then_refused_as(Refusal::InvalidFields { errors });
}
