//! Changes of one team or one flag: `JoinTeam`, `LeaveTeam`, `ChangeTeamRole` (behaviour 5.4), `LinkSso`, flags.

use std::sync::Arc;

use super::{Member, MemberCommand, MemberEvent};
use crate::{
    id::TeamId,
    member::{AssignedHow, InviteStatus, MemberFlag, UnassignedHow},
    roles::Roles,
    specification::{
        SOMEBODY, docs, flagged, given, in_thirty_days, invite_requested, invited, join_requested, joined,
        on, on_as, role, roles_with_billing, state, web,
    },
};

fn join(team: TeamId) -> MemberCommand {
    MemberCommand::JoinTeam { team, roles: roles_with_billing() }
}

fn change(team_role: &str) -> MemberCommand {
    MemberCommand::ChangeTeamRole { team: web(), role: role(team_role), roles: Arc::new(Roles::bundled()) }
}

fn changed(from: Option<&str>, to: Option<&str>) -> MemberEvent {
    MemberEvent::TeamRoleChanged { team: web(), from: from.map(role), to: to.map(role) }
}

#[test]
fn a_member_joins_a_team_without_an_explicit_role() {
    let joined_it = MemberEvent::TeamAssigned { team: web(), role: None, how: AssignedHow::Joined };
    given::<Member>([joined("member")]).when(join(web())).then([joined_it]);
}

#[test]
fn who_is_on_the_team_does_not_join_it_again() {
    given::<Member>([joined("member"), on_as(web(), "admin")]).when(join(web())).then_nothing();
}

#[test]
fn a_role_without_teams_joins_none() {
    given::<Member>([joined("billing")]).when(join(web())).then_refused("team_roles_not_allowed");
}

#[test]
fn the_role_without_teams_comes_before_being_on_the_team() {
    given::<Member>([joined("billing"), on(web())]).when(join(web())).then_refused("team_roles_not_allowed");
}

#[test]
fn a_member_leaves_a_team_with_the_role_that_he_had() {
    let left =
        MemberEvent::TeamUnassigned { team: web(), role: Some(role("admin")), how: UnassignedHow::Left };
    given::<Member>([joined("member"), on_as(web(), "admin")])
        .when(MemberCommand::LeaveTeam { team: web() })
        .then([left]);
}

#[test]
fn who_is_not_on_the_team_does_not_leave_it() {
    given::<Member>([joined("member"), on(docs())])
        .when(MemberCommand::LeaveTeam { team: web() })
        .then_nothing();
}

#[test]
fn a_role_above_the_minimum_is_stored() {
    given::<Member>([joined("member"), on(web())]).when(change("admin")).then([changed(None, Some("admin"))]);
    given::<Member>([joined("member"), on_as(web(), "contributor")])
        .when(change("admin"))
        .then([changed(Some("contributor"), Some("admin"))]);
}

#[test]
fn a_role_that_the_organization_role_gives_anyway_is_stored_as_none() {
    given::<Member>([joined("member"), on_as(web(), "admin")])
        .when(change("contributor"))
        .then([changed(Some("admin"), None)]);
    given::<Member>([joined("manager"), on_as(web(), "admin")])
        .when(change("admin"))
        .then([changed(Some("admin"), None)]);
}

#[test]
fn a_role_that_is_stored_already_changes_nothing() {
    given::<Member>([joined("member"), on_as(web(), "admin")]).when(change("admin")).then_nothing();
    given::<Member>([joined("member"), on(web())]).when(change("contributor")).then_nothing();
    given::<Member>([joined("owner"), on(web())]).when(change("admin")).then_nothing();
}

#[test]
fn who_is_not_on_the_team_has_no_role_there() {
    given::<Member>([joined("member"), on(docs())]).when(change("admin")).then_refused("not_found");
    given::<Member>([joined("member"), on(docs())]).when(change("captain")).then_refused("not_found");
}

#[test]
fn a_team_role_that_is_not_defined_is_refused() {
    given::<Member>([joined("member"), on(web())]).when(change("captain")).then_refused("role_unknown");
}

#[test]
fn a_log_in_through_the_provider_is_stated_once() {
    let link = || MemberCommand::LinkSso { provider: "okta".into() };
    let linked = MemberEvent::SsoLinked { provider: "okta".into() };
    given::<Member>([joined("member")]).when(link()).then([linked.clone()]);
    given::<Member>([joined("member"), linked.clone()]).when(link()).then_nothing();
    given::<Member>([joined("member"), linked])
        .when(MemberCommand::ClearFlag(MemberFlag::SsoLinked))
        .then([MemberEvent::MemberFlagCleared { flag: MemberFlag::SsoLinked }]);
}

#[test]
fn every_flag_is_set_once_and_cleared_once() {
    for flag in MemberFlag::ALL {
        let cleared = MemberEvent::MemberFlagCleared { flag };
        given::<Member>([joined("member")]).when(MemberCommand::SetFlag(flag)).then([flagged(flag)]);
        given::<Member>([joined("member"), flagged(flag)]).when(MemberCommand::SetFlag(flag)).then_nothing();
        given::<Member>([joined("member"), flagged(flag)])
            .when(MemberCommand::ClearFlag(flag))
            .then([cleared.clone()]);
        given::<Member>([joined("member"), flagged(flag), cleared])
            .when(MemberCommand::ClearFlag(flag))
            .then_nothing();
    }
}

#[test]
fn names_on_the_wire_are_the_stored_ones() {
    for flag in MemberFlag::ALL {
        assert_eq!(serde_json::to_value(flag).unwrap(), flag.name());
        assert_eq!(flag.name().parse(), Ok(flag));
        assert_eq!(flag.to_string(), flag.name());
    }
    assert!("sso:unknown".parse::<MemberFlag>().unwrap_err().contains("idp:provisioned, "));
    let statuses =
        [InviteStatus::Approved, InviteStatus::RequestedToBeInvited, InviteStatus::RequestedToJoin];
    for status in statuses {
        assert_eq!(serde_json::to_value(status).unwrap(), status.name());
    }
}

#[test]
fn an_invitation_is_pending_until_it_is_claimed_and_expires_at_its_time() {
    let pending: Member = state([invited("member", SOMEBODY)]);
    assert!(pending.exists() && pending.is_pending());
    assert!(pending.is_expired(in_thirty_days()), "the token is valid until then, not at then");
    assert!(!pending.is_expired(in_thirty_days().plus_days(-1)));
    let claimed: Member = state([joined("member")]);
    assert!(!claimed.is_pending() && !claimed.is_expired(in_thirty_days()));
}

#[test]
fn requests_say_that_they_are_requests() {
    let status = |event| state::<Member>([event]).invite_status;
    assert_eq!(status(invite_requested()), InviteStatus::RequestedToBeInvited);
    assert_eq!(status(join_requested()), InviteStatus::RequestedToJoin);
    assert_eq!(status(invited("member", SOMEBODY)), InviteStatus::Approved);
    assert_eq!(status(joined("member")), InviteStatus::Approved);
}
