//! One member on one team, as others ask for it (behaviour 5.2 to 5.5): who may, in which order it is checked.

use std::sync::Arc;

use super::{Member, MemberCommand, MemberEvent};
use crate::{
    access::Requester,
    id::TeamId,
    member::{
        AssignedHow, MemberFlag, UnassignedHow,
        team_membership::{AccessAnswer, OnTeamContext, TeamRoleWanted},
    },
    organization::{Feature, OrganizationEvent},
    refusal::FieldError,
    specification::{
        Decided, MIA, REQUESTER, World, acme, admin, flagged, given, globex, herself, integration, invited,
        join_requested, joined, legacy, manager, member, on, on_as, owner, plain_member, role,
        roles_with_billing, sales, stranger, superuser, user, web,
    },
    team::{TeamEvent, TeamFlag},
};

/// Somebody asks something about Mia on one team.
struct Ask {
    events: Vec<MemberEvent>,
    world: World,
    requester: Requester,
    team: TeamId,
}

/// On the team web, of an organization with closed membership.
fn closed(events: impl IntoIterator<Item = MemberEvent>, requester: Requester) -> Ask {
    let to = false;
    let closing = OrganizationEvent::OrganizationFlagChanged { flag: "allow_joinleave".into(), to };
    let world = World::default().after(&closing);
    Ask { world, ..open(events, requester) }
}

/// On the team web, of an organization with open membership.
fn open(events: impl IntoIterator<Item = MemberEvent>, requester: Requester) -> Ask {
    Ask { events: events.into_iter().collect(), world: World::default(), requester, team: web() }
}

impl Ask {
    fn without(self, feature: Feature) -> Self {
        Self { world: self.world.without(feature), ..self }
    }

    fn of(self, team: TeamId) -> Self {
        Self { team, ..self }
    }

    fn provisioned(mut self) -> Self {
        let flagged = TeamEvent::TeamFlagged { flag: TeamFlag::IdpProvisioned, to: true };
        let team = self.world.teams.get_mut(&self.team).unwrap();
        crate::aggregate::Aggregate::evolve(Arc::make_mut(team), &flagged, crate::specification::earlier());
        self
    }

    fn deleted(mut self) -> Self {
        let deleted = TeamEvent::TeamDeleted { slug: "web".into() };
        let team = self.world.teams.get_mut(&self.team).unwrap();
        crate::aggregate::Aggregate::evolve(Arc::make_mut(team), &deleted, crate::specification::earlier());
        self
    }

    fn with_billing(mut self) -> Self {
        self.world.roles = roles_with_billing();
        self
    }

    fn asked(self, command: impl FnOnce(Arc<OnTeamContext>) -> MemberCommand) -> Decided {
        let context = OnTeamContext {
            requester: self.requester,
            organization: (acme(), self.world.organization),
            member: member(MIA),
            team: (self.team, Arc::clone(&self.world.teams[&self.team])),
            roles: self.world.roles,
        };
        given::<Member>(self.events).when(command(Arc::new(context)))
    }

    fn join(self) -> Decided {
        self.asked(MemberCommand::JoinTeamBy)
    }

    fn leave(self) -> Decided {
        self.asked(MemberCommand::LeaveTeamBy)
    }

    fn set(self, role: &str) -> Decided {
        let wanted = TeamRoleWanted { role: Some(role.into()), malformed: vec![] };
        self.asked(|context| MemberCommand::ChangeTeamRoleBy(wanted, context))
    }

    fn answer(self, is_approved: bool) -> Decided {
        let answer = AccessAnswer { is_approved: Some(is_approved), malformed: vec![] };
        self.asked(|context| MemberCommand::AnswerTeamAccess(answer, context))
    }
}

fn added() -> MemberEvent {
    MemberEvent::TeamAssigned { team: web(), role: None, how: AssignedHow::Joined }
}

fn requested(requester: Option<u64>) -> MemberEvent {
    MemberEvent::TeamAccessRequested { team: web(), requester: requester.map(user) }
}

fn left(team_role: Option<&str>) -> MemberEvent {
    MemberEvent::TeamUnassigned { team: web(), role: team_role.map(role), how: UnassignedHow::Left }
}

fn changed(from: Option<&str>, to: Option<&str>) -> MemberEvent {
    MemberEvent::TeamRoleChanged { team: web(), from: from.map(role), to: to.map(role) }
}

fn of_acme(scopes: &[&str]) -> Requester {
    integration(acme()).limited_to(scopes)
}

#[test]
fn with_open_membership_everyone_adds_anyone() {
    let everyone = [
        plain_member(),
        admin(),
        manager(),
        owner(),
        superuser(),
        herself("member"),
        of_acme(&["org:read"]),
        plain_member().limited_to(&["org:read"]),
    ];
    for requester in everyone {
        open([joined("member")], requester).join().then([added()]);
    }
}

#[test]
fn with_closed_membership_those_add_who_run_the_team_or_the_organization() {
    let may = [
        admin().after(&on(web())),
        plain_member().after(&on_as(web(), "admin")),
        herself("owner"),
        manager(),
        owner(),
        owner().limited_to(&["org:read"]),
        superuser(),
        of_acme(&["org:write"]),
        of_acme(&["team:write"]),
    ];
    for requester in may {
        closed([joined("member")], requester).join().then([added()]);
    }
    let may_not = [
        plain_member(),
        plain_member().after(&on(web())),
        plain_member().after(&on_as(web(), "contributor")),
        plain_member().after(&on_as(web(), "admin")).limited_to(&["org:read"]),
        admin(),
        admin().after(&on_as(crate::specification::docs(), "admin")),
    ];
    for requester in may_not {
        closed([joined("member")], requester).join().then([requested(Some(REQUESTER))]);
    }
    closed([joined("member")], of_acme(&["org:read"])).join().then([requested(None)]);
    closed([joined("member")], herself("member")).join().then([requested(None)]);
    closed([joined("member")], plain_member().after(&on_as(web(), "admin")))
        .without(Feature::TeamRoles)
        .join()
        .then([requested(Some(REQUESTER))]);
}

#[test]
fn a_second_request_changes_nothing_and_whoever_may_add_still_adds() {
    let asked = || [joined("member"), requested(None)];
    closed(asked(), herself("member")).join().then_nothing();
    closed(asked(), plain_member()).join().then_nothing();
    closed(asked(), manager()).join().then([added()]);
}

#[test]
fn joining_is_checked_in_a_fixed_order() {
    closed([joined("billing"), on(web())], owner())
        .with_billing()
        .provisioned()
        .join()
        .then_refused("team_membership_not_allowed");
    closed([joined("member"), on(web())], plain_member()).provisioned().join().then_nothing();
    closed([joined("member")], plain_member())
        .provisioned()
        .join()
        .then_refused("team_identity_provider_managed");
    open([joined("member")], owner()).provisioned().join().then_refused("team_identity_provider_managed");
}

#[test]
fn nobody_comes_onto_a_team_that_is_going_or_gone_or_elsewhere() {
    for ask in [
        open([joined("member")], owner()).of(legacy()),
        open([joined("member")], owner()).of(sales()),
        open([joined("member")], owner()).deleted(),
        open([], owner()),
    ] {
        ask.join().then_refused("not_found");
    }
}

#[test]
fn who_may_not_ask_is_told_so_first() {
    let nobody = [stranger(), integration(globex()), owner().limited_to(&["event:read"])];
    for requester in nobody {
        let ask = |requester: &Requester| open([], requester.clone()).of(sales());
        ask(&requester).join().then_refused("no_permission");
        ask(&requester).leave().then_refused("no_permission");
        ask(&requester).set("admin").then_refused("no_permission");
    }
    let restricted = plain_member().after(&flagged(MemberFlag::MemberLimitRestricted));
    open([joined("member")], restricted).join().then_refused("member_over_limit");
}

#[test]
fn a_row_without_a_user_joins_like_any_other() {
    for row in [invited("member", REQUESTER), join_requested()] {
        open([row], manager()).join().then([added()]);
    }
}

#[test]
fn those_take_a_member_off_who_run_the_team_or_the_organization_or_are_himself() {
    let may = [
        herself("member"),
        manager(),
        owner(),
        owner().limited_to(&["org:read"]),
        superuser(),
        admin().after(&on(web())),
        plain_member().after(&on_as(web(), "admin")),
        of_acme(&["org:write"]),
    ];
    for ask in [open, closed] {
        for requester in &may {
            let mia = [joined("owner"), on_as(web(), "admin")];
            ask(Vec::from(mia), requester.clone()).leave().then([left(Some("admin"))]);
        }
    }
    let may_not = [
        plain_member(),
        plain_member().after(&on(web())),
        plain_member().after(&on_as(web(), "contributor")),
        admin(),
        of_acme(&["org:read"]),
    ];
    for ask in [open, closed] {
        for requester in &may_not {
            let mia = vec![joined("member"), on(web())];
            ask(mia, requester.clone()).leave().then_refused("team_membership_not_editable");
        }
    }
    open([joined("member"), on(web())], plain_member().after(&on_as(web(), "admin")))
        .without(Feature::TeamRoles)
        .leave()
        .then_refused("team_membership_not_editable");
}

#[test]
fn leaving_is_checked_in_a_fixed_order() {
    open([joined("member")], plain_member())
        .provisioned()
        .leave()
        .then_refused("team_membership_not_editable");
    open([joined("member")], herself("member"))
        .provisioned()
        .leave()
        .then_refused("team_identity_provider_managed");
    open([joined("member")], owner()).leave().then_nothing();
}

#[test]
fn those_give_a_team_role_who_reach_the_new_one_and_the_old_one() {
    let mia = || vec![joined("member"), on(web())];
    let may = [
        admin(),
        manager(),
        owner(),
        superuser(),
        plain_member().after(&on_as(web(), "admin")),
        of_acme(&["org:write"]),
        of_acme(&["member:write"]),
        of_acme(&["team:write"]),
    ];
    for requester in may {
        closed(mia(), requester.clone()).set("admin").then([changed(None, Some("admin"))]);
        let as_admin = vec![joined("member"), on_as(web(), "admin")];
        closed(as_admin, requester).set("contributor").then([changed(Some("admin"), None)]);
    }
    let may_not = [
        plain_member(),
        plain_member().after(&on(web())),
        plain_member().after(&on_as(crate::specification::docs(), "admin")),
        of_acme(&["org:read"]),
        of_acme(&["member:read"]),
    ];
    for requester in may_not {
        open(mia(), requester.clone()).set("admin").then_refused("team_membership_not_editable");
        let of_an_admin = vec![joined("admin"), on(web())];
        open(of_an_admin, requester).set("contributor").then_refused("team_membership_not_editable");
    }
}

#[test]
fn a_team_role_that_the_organization_role_gives_is_not_stored() {
    open([joined("manager"), on_as(web(), "contributor")], owner())
        .set("admin")
        .then([changed(Some("contributor"), None)]);
    open([joined("manager"), on(web())], owner()).set("admin").then_nothing();
    open([joined("member"), on(web())], plain_member().after(&on(web()))).set("contributor").then_nothing();
}

#[test]
fn a_team_role_is_checked_in_a_fixed_order() {
    let mia = || [joined("member"), on(web())];
    open([joined("member")], plain_member()).set("nonsense").then_refused("not_found");
    open(mia(), plain_member())
        .set("nonsense")
        .then_invalid([("teamRole", "\"nonsense\" is not a valid choice.")]);
    open(mia(), plain_member()).without(Feature::TeamRoles).set("admin").then_nothing();
    open(mia(), plain_member())
        .asked(|context| MemberCommand::ChangeTeamRoleBy(TeamRoleWanted::default(), context))
        .then_nothing();
}

#[test]
fn a_request_is_answered_once() {
    let mia = || vec![joined("member"), requested(None)];
    let granted = || MemberEvent::TeamAccessApproved { team: web() };
    let denied = || MemberEvent::TeamAccessDenied { team: web() };
    closed(mia(), manager()).answer(true).then([granted(), added()]);
    closed(mia(), manager()).answer(false).then([denied()]);
    let after = |event: MemberEvent| [mia(), vec![event]].concat();
    closed(after(denied()), manager()).answer(true).then_refused("not_found");
    closed(after(denied()), manager()).answer(false).then_refused("not_found");
    closed(after(added()), manager()).answer(true).then_nothing();
    closed(after(added()), manager()).answer(false).then_refused("not_found");
    closed(mia(), manager()).deleted().answer(true).then_refused("not_found");
}

#[test]
fn those_answer_a_request_who_manage_members_or_run_the_team() {
    let granted = [MemberEvent::TeamAccessApproved { team: web() }, added()];
    let mia = || vec![joined("member"), requested(None)];
    let may = [
        manager(),
        owner(),
        superuser(),
        admin().after(&on(web())),
        plain_member().after(&on_as(web(), "admin")),
        of_acme(&["member:write"]),
    ];
    for requester in may {
        closed(mia(), requester).answer(true).then(granted.clone());
    }
    open(mia(), admin()).answer(true).then(granted.clone());
    let may_not = [
        plain_member(),
        plain_member().after(&on(web())),
        herself("member"),
        admin(),
        of_acme(&["member:read"]),
        stranger(),
    ];
    for requester in may_not {
        closed(mia(), requester).answer(true).then_refused("no_permission");
    }
}

#[test]
fn an_answer_says_yes_or_no() {
    let mia = || vec![joined("member"), requested(None)];
    let said = |ask: Ask, answer: AccessAnswer| {
        ask.asked(|context| MemberCommand::AnswerTeamAccess(answer, context))
    };
    said(closed(mia(), owner()), AccessAnswer::default())
        .then_invalid([("isApproved", "This field is required.")]);
    let malformed = vec![FieldError::new("isApproved", "Must be a valid boolean.")];
    said(closed(mia(), owner()), AccessAnswer { is_approved: None, malformed: malformed.clone() })
        .then_invalid([("isApproved", "Must be a valid boolean.")]);
    said(closed(mia(), plain_member()), AccessAnswer { is_approved: None, malformed })
        .then_refused("no_permission");
}
