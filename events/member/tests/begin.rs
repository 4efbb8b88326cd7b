//! How a row comes to be.

use std::sync::Arc;

use crate::{
    id::TeamId,
    member::{
        AssignedHow, Assignment, Member, MemberCommand, MemberEvent, MemberFlag, NewInvitation, NewMember,
        RemovalReason, TeamNames,
    },
    refusal::Refusal,
    roles::Roles,
    specification::{
        MIA, SOMEBODY, acme, docs, email, given, hash, in_thirty_days, invite_requested, invited,
        join_requested, joined, role, roles_with_billing, user, web,
    },
};

fn invitation(org_role: &str) -> NewInvitation {
    NewInvitation {
        organization: acme(),
        email: email("mia@acme.example"),
        org_role: role(org_role),
        teams: vec![],
        inviter: Some(user(SOMEBODY)),
        imported: false,
        roles: Arc::new(Roles::bundled()),
    }
}

fn new_member(org_role: &str) -> NewMember {
    NewMember {
        organization: acme(),
        user: user(MIA),
        active: true,
        addresses: vec![hash("mia@acme.example")],
        org_role: role(org_role),
        teams: vec![],
        imported: false,
        roles: Arc::new(Roles::bundled()),
    }
}

fn invite(new: NewInvitation) -> MemberCommand {
    MemberCommand::Invite(new, in_thirty_days())
}

fn assigned(team: TeamId, team_role: Option<&str>, how: AssignedHow) -> MemberEvent {
    MemberEvent::TeamAssigned { team, role: team_role.map(role), how }
}

#[test]
fn an_invitation_names_its_address_its_role_its_inviter_and_its_token() {
    given::<Member>([]).when(invite(invitation("manager"))).then([invited("manager", SOMEBODY)]);
}

#[test]
fn an_invitation_names_its_teams_in_the_order_in_which_they_are_given() {
    let teams =
        vec![Assignment { team: web(), role: Some(role("admin")) }, Assignment { team: docs(), role: None }];
    given::<Member>([]).when(invite(NewInvitation { teams, ..invitation("member") })).then([
        invited("member", SOMEBODY),
        assigned(web(), Some("admin"), AssignedHow::Invited),
        assigned(docs(), None, AssignedHow::Invited),
    ]);
}

#[test]
fn a_team_that_is_named_twice_is_joined_once() {
    let teams =
        vec![Assignment { team: web(), role: Some(role("admin")) }, Assignment { team: web(), role: None }];
    given::<Member>([])
        .when(invite(NewInvitation { teams, ..invitation("member") }))
        .then([invited("member", SOMEBODY), assigned(web(), Some("admin"), AssignedHow::Invited)]);
}

#[test]
fn what_an_import_states_says_so() {
    let teams = vec![Assignment { team: web(), role: None }];
    let new = NewMember { teams, imported: true, ..new_member("member") };
    given::<Member>([])
        .when(MemberCommand::AddMember(new))
        .then([joined("member"), assigned(web(), None, AssignedHow::Imported)]);
}

#[test]
fn an_import_may_state_a_retired_role() {
    given::<Member>([]).when(MemberCommand::AddMember(new_member("admin"))).then([joined("admin")]);
}

#[test]
fn a_user_who_is_added_as_owner_counts_among_the_owners() {
    given::<Member>([]).when(MemberCommand::AddMember(new_member("owner"))).then([joined("owner")]);
}

#[test]
fn an_owner_with_an_inactive_account_does_not_count_among_the_owners() {
    let MemberEvent::MemberAdded { organization, user, org_role, addresses, .. } = joined("owner") else {
        unreachable!()
    };
    let uncounted = MemberEvent::MemberAdded { organization, user, org_role, addresses, ownership: None };
    let new = NewMember { active: false, ..new_member("owner") };
    given::<Member>([]).when(MemberCommand::AddMember(new)).then([uncounted]);
}

#[test]
fn somebody_proposes_to_invite_an_address() {
    let command = MemberCommand::RequestInvite(invitation("member"));
    given::<Member>([]).when(command).then([invite_requested()]);
}

#[test]
fn somebody_asks_to_be_let_in() {
    let command = MemberCommand::RequestToJoin(invitation("member"));
    given::<Member>([]).when(command).then([join_requested()]);
}

#[test]
fn nothing_begins_twice() {
    let commands = [
        invite(invitation("member")),
        MemberCommand::AddMember(new_member("member")),
        MemberCommand::RequestInvite(invitation("member")),
        MemberCommand::RequestToJoin(invitation("member")),
    ];
    for command in commands {
        given::<Member>([joined("member")]).when(command).then_refused("already_exists");
    }
}

#[test]
fn a_removed_row_does_not_begin_again() {
    let removed = MemberEvent::MemberRemoved {
        reason: RemovalReason::Left,
        role: role("member"),
        teams: vec![],
        user: Some(user(MIA)),
        addresses: vec![],
        ownership: None,
    };
    given::<Member>([joined("member"), removed])
        .when(MemberCommand::AddMember(new_member("member")))
        .then_refused("already_exists");
}

#[test]
fn an_organization_role_that_is_not_defined_is_refused() {
    let unknown = Refusal::RoleUnknown { role: role("viewer") };
    given::<Member>([]).when(invite(invitation("viewer"))).then_refused_as(unknown.clone());
    given::<Member>([]).when(MemberCommand::AddMember(new_member("viewer"))).then_refused_as(unknown);
}

#[test]
fn a_team_role_that_is_not_defined_is_refused() {
    let teams = vec![Assignment { team: web(), role: Some(role("captain")) }];
    given::<Member>([])
        .when(invite(NewInvitation { teams, ..invitation("member") }))
        .then_refused_as(Refusal::RoleUnknown { role: role("captain") });
}

#[test]
fn a_role_without_teams_does_not_begin_with_teams() {
    let teams = vec![Assignment { team: web(), role: None }];
    let roles = roles_with_billing();
    let with_teams = NewInvitation { teams, roles: roles.clone(), ..invitation("billing") };
    given::<Member>([])
        .when(invite(with_teams))
        .then_refused_as(Refusal::TeamRolesNotAllowed { role: role("billing") });
    let without = NewInvitation { roles, ..invitation("billing") };
    given::<Member>([]).when(invite(without)).then([invited("billing", SOMEBODY)]);
}

#[test]
fn nothing_is_asked_of_a_member_who_is_not_there() {
    let roles = Arc::new(Roles::bundled());
    let commands = [
        MemberCommand::ChangeOrgRole {
            to: role("member"),
            active: true,
            roles: roles.clone(),
            names: TeamNames::new(),
        },
        MemberCommand::AssignTeams { teams: vec![], names: TeamNames::new() },
        MemberCommand::JoinTeam { team: web(), roles: roles.clone() },
        MemberCommand::LeaveTeam { team: web() },
        MemberCommand::ChangeTeamRole { team: web(), role: role("admin"), roles },
        MemberCommand::LinkSso { provider: "okta".into() },
        MemberCommand::SetFlag(MemberFlag::SsoInvalid),
        MemberCommand::ClearFlag(MemberFlag::SsoInvalid),
        MemberCommand::Remove { reason: RemovalReason::Removed, addresses: vec![] },
    ];
    for command in commands {
        given::<Member>([]).when(command).then_refused("not_found");
    }
}
