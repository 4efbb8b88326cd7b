//! The change of the organization role in a PUT (behaviour 2.3 step 9, D2, D4, D7).

use std::sync::Arc;

use super::{MemberEvent, put};
use crate::{
    member::{AssignedHow, Ownership, UnassignedHow},
    organization::Feature,
    refusal::Refusal,
    roles::RolesDefinition,
    specification::{
        SOMEBODY, admin, herself, invited, joined, legacy, manager, on, owner, requester, role,
        roles_with_billing, superuser, web,
    },
};

fn changed(from: &str, to: &str) -> MemberEvent {
    MemberEvent::OrgRoleChanged { from: role(from), to: role(to), ownership: None }
}

fn changed_and(from: &str, to: &str, ownership: Ownership) -> MemberEvent {
    MemberEvent::OrgRoleChanged { from: role(from), to: role(to), ownership: Some(ownership) }
}

#[test]
fn a_manager_promotes_a_member_and_leaves_the_teams_alone() {
    put([joined("member"), on(web())]).by(manager()).org_role("manager").then([changed("member", "manager")]);
}

#[test]
fn the_old_name_of_the_field_does_the_same() {
    put([joined("member")]).old_role("manager").then([changed("member", "manager")]);
}

#[test]
fn the_new_name_of_the_field_wins() {
    put([joined("member")]).org_role("manager").old_role("owner").then([changed("member", "manager")]);
    put([joined("member")]).org_role("member").old_role("owner").then_nothing();
}

#[test]
fn a_role_that_the_member_has_already_changes_nothing() {
    put([joined("manager"), on(web())]).org_role("manager").then_nothing();
}

#[test]
fn the_role_of_an_invitation_changes_like_any_other() {
    put([invited("member", SOMEBODY)]).org_role("manager").then([changed("member", "manager")]);
}

#[test]
fn who_becomes_owner_counts_among_the_owners() {
    put([joined("member")]).org_role("owner").then([changed_and("member", "owner", Ownership::Gained)]);
}

#[test]
fn an_invited_owner_does_not_count_among_the_owners() {
    put([invited("member", SOMEBODY)]).org_role("owner").then([changed("member", "owner")]);
}

#[test]
fn an_inactive_owner_does_not_count_among_the_owners() {
    put([joined("member")]).inactive().org_role("owner").then([changed("member", "owner")]);
}

#[test]
fn who_was_counted_among_the_owners_is_no_longer() {
    put([joined("owner")]).org_role("manager").then([changed_and("owner", "manager", Ownership::Lost)]);
    put([joined("owner")]).inactive().org_role("member").then([changed_and(
        "owner",
        "member",
        Ownership::Lost,
    )]);
}

#[test]
fn an_owner_who_was_not_counted_does_not_leave_the_owners() {
    put([invited("owner", SOMEBODY)]).org_role("member").then([changed("owner", "member")]);
}

#[test]
fn a_manager_does_not_change_the_role_of_an_owner() {
    put([joined("owner")]).by(manager()).org_role("member").then_refused("role_not_changeable");
}

#[test]
fn a_manager_may_send_an_owners_teams() {
    put([joined("owner"), on(web())]).by(manager()).teams(&[]).then([MemberEvent::TeamUnassigned {
        team: web(),
        role: None,
        how: UnassignedHow::Replaced,
    }]);
}

#[test]
fn nobody_changes_his_own_role_not_even_downwards() {
    put([joined("owner")]).by(herself("owner")).org_role("member").then_refused("own_role");
    put([joined("manager")]).by(herself("manager")).org_role("member").then_refused("own_role");
}

#[test]
fn ones_own_role_may_be_sent_when_it_stays() {
    put([joined("owner")]).by(herself("owner")).org_role("owner").then_nothing();
}

#[test]
fn everybody_who_administers_members_may_change_his_own_teams() {
    put([joined("manager")]).by(herself("manager")).teams(&["web"]).then([MemberEvent::TeamAssigned {
        team: web(),
        role: None,
        how: AssignedHow::Replaced,
    }]);
}

#[test]
fn a_retired_role_is_no_longer_given() {
    put([joined("member")]).org_role("admin").then_refused_as(Refusal::RoleRetired { role: role("admin") });
    put([joined("member")]).by(superuser()).org_role("admin").then_refused("role_retired");
}

#[test]
fn a_retired_role_may_be_sent_for_those_who_have_it_and_be_taken_away() {
    put([joined("admin")]).org_role("admin").then_nothing();
    put([joined("admin")]).org_role("member").then([changed("admin", "member")]);
}

#[test]
fn where_team_roles_are_off_the_retired_role_is_given_as_usual() {
    put([joined("member")]).without(Feature::TeamRoles).org_role("admin").then([changed("member", "admin")]);
}

#[test]
fn ones_own_role_comes_before_the_retired_role() {
    put([joined("owner")]).by(herself("owner")).org_role("admin").then_refused("own_role");
}

#[test]
fn a_role_that_may_not_be_changed_comes_before_the_retired_role() {
    put([joined("owner")]).by(manager()).org_role("admin").then_refused("role_not_changeable");
}

#[test]
fn a_role_without_teams_is_refused_to_somebody_with_teams() {
    put([joined("member"), on(web())])
        .with_roles(roles_with_billing())
        .org_role("billing")
        .then_refused_as(Refusal::TeamRolesNotAllowed { role: role("billing") });
}

#[test]
fn a_role_without_teams_is_given_when_the_same_request_clears_the_teams() {
    let left = MemberEvent::TeamUnassigned { team: web(), role: None, how: UnassignedHow::Replaced };
    put([joined("member"), on(web())])
        .with_roles(roles_with_billing())
        .org_role("billing")
        .team_roles(&[])
        .then([changed("member", "billing"), left.clone()]);
    put([joined("member"), on(web())])
        .with_roles(roles_with_billing())
        .org_role("billing")
        .teams(&[])
        .then([changed("member", "billing"), left]);
}

#[test]
fn a_team_that_is_being_deleted_does_not_stand_in_the_way_of_a_role_without_teams() {
    put([joined("member"), on(legacy())])
        .with_roles(roles_with_billing())
        .org_role("billing")
        .then([changed("member", "billing")]);
}

#[test]
fn a_role_without_teams_gets_none() {
    put([joined("billing")])
        .with_roles(roles_with_billing())
        .teams(&["web"])
        .then_refused("team_roles_not_allowed");
    put([joined("billing")]).with_roles(roles_with_billing()).teams(&[]).then_nothing();
}

#[test]
fn a_role_with_teams_may_come_with_teams() {
    put([joined("billing")]).with_roles(roles_with_billing()).org_role("member").teams(&["web"]).then([
        changed("billing", "member"),
        MemberEvent::TeamAssigned { team: web(), role: None, how: AssignedHow::Replaced },
    ]);
}

#[test]
fn teams_come_before_the_right_to_change_the_role() {
    put([joined("owner"), on(web())])
        .with_roles(roles_with_billing())
        .by(manager())
        .org_role("billing")
        .then_refused("team_roles_not_allowed");
}

#[test]
fn what_the_requester_may_give_is_a_matter_of_scopes() {
    let text = r#"
        default_org_role = "bob"
        [[org_role]]
        id = "bob"
        name = "Bob"
        scopes = ["project:read", "member:admin", "member:invite"]
        [[org_role]]
        id = "carol"
        name = "Carol"
        scopes = ["project:write", "member:admin", "member:invite"]
        [[org_role]]
        id = "alice"
        name = "Alice"
        scopes = ["project:read", "project:write", "member:admin", "member:invite"]
        [[team_role]]
        id = "contributor"
        name = "Contributor"
        scopes = []
    "#;
    let roles = Arc::new(RolesDefinition::from_toml(text).unwrap().into());
    let by = |asking: &str, from: &str, to: &str| {
        put([joined(from)]).with_roles(Arc::clone(&roles)).by(requester(asking)).org_role(to)
    };
    by("alice", "bob", "carol").then([changed("bob", "carol")]);
    by("carol", "carol", "bob").then_refused("invalid_fields");
    by("carol", "bob", "carol").then_refused("role_not_changeable");
}

#[test]
fn a_refused_role_leaves_the_teams_as_they_were() {
    put([joined("owner")])
        .by(manager())
        .org_role("member")
        .teams(&["web"])
        .then_refused("role_not_changeable");
}

#[test]
fn admins_change_nobody() {
    put([joined("member")]).by(admin()).teams(&[]).then_refused("no_permission");
    put([joined("member")]).by(owner()).teams(&[]).then_nothing();
}
