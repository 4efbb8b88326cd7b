//! Team roles that a change of the organization role makes redundant (behaviour 6.2, D5).

use std::sync::Arc;

use super::{Member, MemberCommand, MemberEvent, put};
use crate::{
    id::TeamId,
    member::{AssignedHow, TeamNames, UnassignedHow},
    organization::Feature,
    roles::{Roles, RolesDefinition},
    specification::{
        SOMEBODY, api, docs, given, invited, joined, on, on_as, requester, role, roles_with_billing, web,
    },
};

fn changed(from: &str, to: &str) -> MemberEvent {
    MemberEvent::OrgRoleChanged { from: role(from), to: role(to), ownership: None }
}

fn cleared(team: TeamId, was: &str, because_of_org_role: &str) -> MemberEvent {
    MemberEvent::TeamRoleCleared { team, was: role(was), because_of_org_role: role(because_of_org_role) }
}

#[test]
fn a_promotion_clears_every_explicit_role_by_slug() {
    put([joined("member"), on_as(web(), "admin"), on_as(docs(), "contributor"), on(api())])
        .org_role("manager")
        .then([
            changed("member", "manager"),
            cleared(docs(), "contributor", "manager"),
            cleared(web(), "admin", "manager"),
        ]);
}

#[test]
fn the_same_promotion_again_changes_nothing() {
    put([
        joined("member"),
        on_as(web(), "admin"),
        changed("member", "manager"),
        cleared(web(), "admin", "manager"),
    ])
    .org_role("manager")
    .then_nothing();
}

#[test]
fn no_leftover_appears_after_the_demotion_back() {
    put([
        joined("member"),
        on_as(web(), "admin"),
        on_as(docs(), "contributor"),
        on(api()),
        changed("member", "manager"),
        cleared(docs(), "contributor", "manager"),
        cleared(web(), "admin", "manager"),
    ])
    .org_role("member")
    .then([changed("manager", "member")]);
}

#[test]
fn a_manager_with_explicit_rows_becomes_a_member_who_is_team_admin_there() {
    put([joined("manager"), on_as(web(), "admin"), on_as(docs(), "contributor"), on_as(api(), "admin")])
        .org_role("member")
        .then([changed("manager", "member"), cleared(docs(), "contributor", "member")]);
}

#[test]
fn teams_without_an_explicit_role_are_left_alone() {
    put([joined("member"), on(web()), on(docs())]).org_role("manager").then([changed("member", "manager")]);
}

#[test]
fn explicit_roles_are_cleared_where_team_roles_are_off_too() {
    put([joined("member"), on_as(web(), "admin")])
        .without(Feature::TeamRoles)
        .org_role("manager")
        .then([changed("member", "manager"), cleared(web(), "admin", "manager")]);
}

#[test]
fn the_explicit_roles_of_an_invitation_are_cleared_too() {
    put([invited("member", SOMEBODY), on_as(web(), "admin")])
        .org_role("manager")
        .then([changed("member", "manager"), cleared(web(), "admin", "manager")]);
}

#[test]
fn a_role_that_stays_clears_nothing() {
    put([joined("manager"), on_as(web(), "contributor")]).org_role("manager").then_nothing();
}

#[test]
fn a_request_with_role_and_teams_is_one_change_in_a_fixed_order() {
    put([joined("member"), on_as(web(), "contributor"), on_as(docs(), "admin")])
        .org_role("manager")
        .team_roles(&[("web", Some("contributor")), ("api", Some("admin"))])
        .then([
            changed("member", "manager"),
            cleared(web(), "contributor", "manager"),
            MemberEvent::TeamUnassigned {
                team: docs(),
                role: Some(role("admin")),
                how: UnassignedHow::Replaced,
            },
            MemberEvent::TeamAssigned { team: api(), role: None, how: AssignedHow::Replaced },
        ]);
}

#[test]
fn a_demotion_with_teams_keeps_the_roles_that_say_something() {
    put([joined("manager"), on_as(web(), "contributor"), on(docs())])
        .org_role("member")
        .team_roles(&[("web", Some("admin")), ("docs", None), ("api", Some("admin"))])
        .then([
            changed("manager", "member"),
            MemberEvent::TeamAssigned { team: api(), role: Some(role("admin")), how: AssignedHow::Replaced },
            MemberEvent::TeamRoleChanged {
                team: web(),
                from: Some(role("contributor")),
                to: Some(role("admin")),
            },
        ]);
}

#[test]
fn a_role_that_the_request_takes_away_is_changed_not_cleared() {
    put([joined("manager"), on_as(web(), "admin")]).org_role("member").teams(&["web"]).then([
        changed("manager", "member"),
        MemberEvent::TeamRoleChanged { team: web(), from: Some(role("admin")), to: None },
    ]);
}

/// Peasant < baron < earl < duke < monarch; private <- peasant, sergeant <- earl, lieutenant, captain <- monarch.
fn feudal() -> Arc<Roles> {
    let org_role =
        |id: &&str| format!("[[org_role]]\nid = \"{id}\"\nname = \"N\"\nscopes = [\"member:admin\"]\n");
    let team_role = |(id, minimum): &(&str, &str)| {
        let minimum =
            if minimum.is_empty() { String::new() } else { format!("minimum_role_for = \"{minimum}\"\n") };
        format!("[[team_role]]\nid = \"{id}\"\nname = \"N\"\nscopes = []\n{minimum}")
    };
    let org_roles: String = ["peasant", "baron", "earl", "duke", "monarch"].iter().map(org_role).collect();
    let team_roles =
        [("private", "peasant"), ("sergeant", "earl"), ("lieutenant", ""), ("captain", "monarch")];
    let team_roles: String = team_roles.iter().map(team_role).collect();
    let text = format!("default_org_role = \"peasant\"\n{org_roles}{team_roles}");
    Arc::new(RolesDefinition::from_toml(&text).unwrap().into())
}

#[test]
fn how_much_is_redundant_depends_on_the_minimum_of_the_new_role() {
    let soldier = || {
        put([
            joined("peasant"),
            on_as(api(), "lieutenant"),
            on_as(docs(), "sergeant"),
            on_as(web(), "private"),
        ])
        .with_roles(feudal())
        .by(requester("monarch"))
    };
    soldier().org_role("baron").then([changed("peasant", "baron"), cleared(web(), "private", "baron")]);
    soldier().org_role("duke").then([
        changed("peasant", "duke"),
        cleared(docs(), "sergeant", "duke"),
        cleared(web(), "private", "duke"),
    ]);
}

#[test]
fn the_command_alone_clears_too() {
    let names = [(web(), "web".to_owned()), (docs(), "docs".to_owned())].into();
    let command = MemberCommand::ChangeOrgRole {
        to: role("manager"),
        active: true,
        roles: Arc::new(Roles::bundled()),
        names,
    };
    given::<Member>([joined("member"), on_as(web(), "admin"), on_as(docs(), "admin")]).when(command).then([
        changed("member", "manager"),
        cleared(docs(), "admin", "manager"),
        cleared(web(), "admin", "manager"),
    ]);
}

#[test]
fn the_command_alone_refuses_what_makes_no_sense() {
    let to = |text: &str| MemberCommand::ChangeOrgRole {
        to: role(text),
        active: true,
        roles: roles_with_billing(),
        names: TeamNames::new(),
    };
    given::<Member>([joined("member")]).when(to("viewer")).then_refused("role_unknown");
    given::<Member>([joined("member"), on(web())]).when(to("billing")).then_refused("team_roles_not_allowed");
    given::<Member>([joined("member")]).when(to("member")).then_nothing();
}
