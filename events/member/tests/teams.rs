//! The replacement of all teams in a PUT (behaviour 2.3 step 8, 6.1, D3), and `AssignTeams`.

use super::{Member, MemberCommand, MemberEvent, put};
use crate::{
    id::TeamId,
    member::{AssignedHow, Assignment, UnassignedHow},
    organization::Feature,
    specification::{SOMEBODY, api, docs, given, invited, joined, legacy, on, on_as, role, web},
};

fn assigned(team: TeamId, team_role: Option<&str>) -> MemberEvent {
    MemberEvent::TeamAssigned { team, role: team_role.map(role), how: AssignedHow::Replaced }
}

fn unassigned(team: TeamId, team_role: Option<&str>) -> MemberEvent {
    MemberEvent::TeamUnassigned { team, role: team_role.map(role), how: UnassignedHow::Replaced }
}

fn changed(team: TeamId, from: Option<&str>, to: Option<&str>) -> MemberEvent {
    MemberEvent::TeamRoleChanged { team, from: from.map(role), to: to.map(role) }
}

#[test]
fn teams_that_are_not_sent_stay_as_they_are() {
    put([joined("member"), on(web()), on_as(docs(), "admin")]).change(|_| ()).then_nothing();
}

#[test]
fn an_empty_list_takes_the_member_off_all_teams() {
    let on_two = [joined("member"), on(web()), on_as(docs(), "admin")];
    let off_two = [unassigned(docs(), Some("admin")), unassigned(web(), None)];
    put(on_two.clone()).teams(&[]).then(off_two.clone());
    put(on_two).team_roles(&[]).then(off_two);
}

#[test]
fn a_list_replaces_the_teams_those_left_first() {
    put([joined("member"), on(web()), on(docs())])
        .teams(&["web", "api"])
        .then([unassigned(docs(), None), assigned(api(), None)]);
}

#[test]
fn teams_left_and_joined_are_in_the_order_of_their_slugs() {
    put([joined("member"), on(web()), on(docs()), on(api())]).teams(&[]).then([
        unassigned(api(), None),
        unassigned(docs(), None),
        unassigned(web(), None),
    ]);
    put([joined("member")]).teams(&["web", "docs", "api"]).then([
        assigned(api(), None),
        assigned(docs(), None),
        assigned(web(), None),
    ]);
}

#[test]
fn the_same_list_again_changes_nothing() {
    put([joined("member"), on(web()), on(docs())]).teams(&["docs", "web"]).then_nothing();
    put([joined("member"), on_as(web(), "admin")]).team_roles(&[("web", Some("admin"))]).then_nothing();
}

#[test]
fn a_list_of_plain_teams_takes_explicit_roles_away() {
    put([joined("member"), on_as(web(), "admin")]).teams(&["web"]).then([changed(
        web(),
        Some("admin"),
        None,
    )]);
}

#[test]
fn roles_on_kept_teams_change_last() {
    put([joined("member"), on(web()), on_as(docs(), "admin")])
        .team_roles(&[("web", Some("admin")), ("api", Some("contributor"))])
        .then([
            unassigned(docs(), Some("admin")),
            assigned(api(), Some("contributor")),
            changed(web(), None, Some("admin")),
        ]);
}

#[test]
fn roles_are_stored_as_they_are_given_even_where_they_say_nothing() {
    put([joined("owner")])
        .team_roles(&[("web", Some("contributor"))])
        .then([assigned(web(), Some("contributor"))]);
    put([joined("manager"), on(web())]).team_roles(&[("web", Some("admin"))]).then([changed(
        web(),
        None,
        Some("admin"),
    )]);
}

#[test]
fn where_team_roles_are_off_the_teams_count_without_their_roles() {
    put([joined("member"), on_as(docs(), "admin")])
        .without(Feature::TeamRoles)
        .team_roles(&[("web", Some("admin")), ("docs", Some("admin"))])
        .then([assigned(web(), None), changed(docs(), Some("admin"), None)]);
}

#[test]
fn the_teams_of_an_invitation_change_like_any_others() {
    put([invited("member", SOMEBODY)])
        .team_roles(&[("web", Some("admin"))])
        .then([assigned(web(), Some("admin"))]);
}

#[test]
fn a_replacement_takes_the_member_off_a_team_that_is_being_deleted() {
    put([joined("member"), on(legacy())])
        .teams(&["web"])
        .then([unassigned(legacy(), None), assigned(web(), None)]);
}

#[test]
fn a_team_whose_slug_is_not_known_comes_last() {
    let teams = vec![Assignment { team: web(), role: None }, Assignment { team: docs(), role: None }];
    let names = [(docs(), "docs".to_owned())].into();
    given::<Member>([joined("member")])
        .when(MemberCommand::AssignTeams { teams, names })
        .then([assigned(docs(), None), assigned(web(), None)]);
}

#[test]
fn the_command_alone_replaces_all_teams_too() {
    let teams = vec![Assignment { team: api(), role: Some(role("admin")) }];
    let names = [(web(), "web".to_owned()), (api(), "api".to_owned())].into();
    given::<Member>([joined("member"), on(web())])
        .when(MemberCommand::AssignTeams { teams, names })
        .then([unassigned(web(), None), assigned(api(), Some("admin"))]);
}
