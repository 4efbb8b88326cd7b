//! Requests to invite and requests to join (behaviour 4.6, D24).

use std::sync::Arc;

use serde_json::Value;

use crate::{
    access::Requester,
    member::{
        AssignedHow, EmailHolder, InviteStatus, JoinContext, Member, MemberCommand, MemberEvent, MemberFlag,
        MemberUpdate, RequestUpdate, TeamRoleEntry, UnassignedHow, UpdateContext,
    },
    organization::{Feature, OrganizationEvent},
    refusal::FieldError,
    specification::{
        Decided, MIA, REQUESTER, World, acme, admin, api, docs, earlier, email, flagged, given, globex, hash,
        in_thirty_days, integration, invite_requested, invited, join_requested, joined, manager, member, on,
        on_as, owner, plain_member, role, roles_with_billing, state, stranger, superuser, user, web,
    },
};

/// Something that is asked about a request, by an owner of Acme unless somebody else is named.
struct Ask {
    events: Vec<MemberEvent>,
    fields: MemberUpdate,
    approve: bool,
    world: World,
    requester: Requester,
    email_holder: Option<EmailHolder>,
}

fn on_request(events: impl IntoIterator<Item = MemberEvent>) -> Ask {
    Ask {
        events: events.into_iter().collect(),
        fields: MemberUpdate::default(),
        approve: false,
        world: World::default(),
        requester: owner(),
        email_holder: None,
    }
}

/// Mia's address is proposed.
fn proposal() -> Ask {
    on_request([]).with(|fields| fields.email = Some(email("mia@acme.example")))
}

impl Ask {
    fn by(self, requester: Requester) -> Self {
        Self { requester, ..self }
    }

    fn within(self, change: impl FnOnce(World) -> World) -> Self {
        Self { world: change(self.world), ..self }
    }

    fn after(self, event: &OrganizationEvent) -> Self {
        self.within(|world| world.after(event))
    }

    fn with(mut self, change: impl FnOnce(&mut MemberUpdate)) -> Self {
        change(&mut self.fields);
        self
    }

    fn org_role(self, role: &str) -> Self {
        self.with(|fields| fields.org_role = Some(role.into()))
    }

    fn team_roles(self, entries: &[(&str, Option<&str>)]) -> Self {
        let entry = |(team, role): &(&str, Option<&str>)| TeamRoleEntry {
            team: (*team).to_owned(),
            role: role.map(str::to_owned),
        };
        self.with(|fields| fields.team_roles = Some(entries.iter().map(entry).collect()))
    }

    fn held_by(self, events: impl IntoIterator<Item = MemberEvent>) -> Self {
        let member = Arc::new(state::<Member>(events));
        Self { email_holder: Some(EmailHolder { address: "Mia@acme.example".into(), member }), ..self }
    }

    fn approved(self) -> Self {
        Self { approve: true, ..self }
    }

    fn asks(self, command: impl FnOnce(MemberUpdate, bool, Arc<UpdateContext>) -> MemberCommand) -> Decided {
        let context = UpdateContext {
            requester: self.requester,
            organization: (acme(), self.world.organization),
            member: member(MIA),
            roles: self.world.roles,
            teams: self.world.teams,
            active: false,
            email_holder: self.email_holder,
            at: earlier(),
        };
        given::<Member>(self.events).when(command(self.fields, self.approve, Arc::new(context)))
    }

    fn posted(self) -> Decided {
        self.asks(|fields, _, context| MemberCommand::Propose(fields, context))
    }

    fn put(self) -> Decided {
        self.asks(|fields, approve, context| {
            let update = RequestUpdate { fields, approve, expires_at: in_thirty_days() };
            MemberCommand::UpdateRequest(update, context)
        })
    }

    fn deleted(self) -> Decided {
        self.asks(|_, _, context| MemberCommand::RejectBy(context))
    }
}

fn option(name: &str, to: Value) -> OrganizationEvent {
    OrganizationEvent::OrganizationOptionChanged { option: name.into(), from: Value::Null, to }
}

fn closed() -> OrganizationEvent {
    option("allowJoinRequests", Value::Bool(false))
}

fn provider(allow_unlinked: bool) -> OrganizationEvent {
    OrganizationEvent::SsoEnabled { provider: "okta".into(), name: "Okta".into(), allow_unlinked }
}

fn feature(feature: Feature, on: bool) -> OrganizationEvent {
    OrganizationEvent::FeatureSet { feature, on }
}

fn proposed(org_role: &str, inviter: Option<u64>) -> MemberEvent {
    MemberEvent::InviteRequested {
        organization: acme(),
        email: email("mia@acme.example"),
        org_role: role(org_role),
        inviter: inviter.map(user),
    }
}

fn approval() -> MemberEvent {
    MemberEvent::InviteApproved { generation: 1, expires_at: in_thirty_days() }
}

fn changed(from: &str, to: &str) -> MemberEvent {
    MemberEvent::OrgRoleChanged { from: role(from), to: role(to), ownership: None }
}

#[test]
fn every_member_may_propose_any_role() {
    for requester in [plain_member(), admin(), manager(), owner()] {
        proposal().by(requester).org_role("owner").posted().then([proposed("owner", Some(REQUESTER))]);
    }
    proposal().by(superuser()).posted().then([proposed("member", Some(REQUESTER))]);
    proposal().by(integration(acme())).posted().then([proposed("member", None)]);
    proposal().by(stranger()).posted().then_refused("no_permission");
    proposal().by(integration(globex())).posted().then_refused("no_permission");
    proposal().by(owner().limited_to(&["org:read"])).posted().then_refused("no_permission");
    let suspended = flagged(MemberFlag::MemberLimitRestricted);
    proposal().by(plain_member().after(&suspended)).posted().then_refused("member_over_limit");
}

#[test]
fn the_new_name_of_the_role_beats_the_old_one() {
    let both = proposal().org_role("manager").with(|fields| fields.role = Some("owner".into()));
    both.posted().then([proposed("manager", Some(REQUESTER))]);
    let old = proposal().with(|fields| fields.role = Some("owner".into()));
    old.posted().then([proposed("owner", Some(REQUESTER))]);
}

#[test]
fn teams_are_proposed_without_roles_unless_invitations_give_them() {
    let asked = || proposal().team_roles(&[("web", Some("admin")), ("docs", None)]);
    let on_team = |team, team_role: Option<&str>| MemberEvent::TeamAssigned {
        team,
        role: team_role.map(role),
        how: AssignedHow::Invited,
    };
    let request = || proposed("member", Some(REQUESTER));
    asked().posted().then([request(), on_team(web(), None), on_team(docs(), None)]);
    let given = asked().after(&feature(Feature::InviteTeamRoles, true));
    given.posted().then([request(), on_team(web(), Some("admin")), on_team(docs(), None)]);
}

#[test]
fn all_errors_of_a_proposal_come_together() {
    let wrong = on_request([]).org_role("emperor").team_roles(&[("legacy", None)]);
    wrong.posted().then_invalid([
        ("orgRole", "\"emperor\" is not a valid choice."),
        ("teamRoles", "Invalid teams"),
        ("email", "This field is required."),
    ]);
    let malformed = on_request([]).with(|fields| fields.malformed.push(FieldError::new("email", "Wrong.")));
    malformed.posted().then_invalid([("email", "Wrong.")]);
}

#[test]
fn an_address_that_is_known_is_not_proposed_again() {
    for known in [invite_requested(), join_requested()] {
        let text = "There is an existing invite request for Mia@acme.example";
        proposal().held_by([known]).posted().then_invalid([("email", text)]);
    }
    let text = "The user Mia@acme.example has already been invited";
    proposal().held_by([invited("member", MIA)]).posted().then_invalid([("email", text)]);
    let text = "The user Mia@acme.example is already a member";
    proposal().held_by([joined("member")]).posted().then_invalid([("email", text)]);
}

#[test]
fn where_a_provider_registers_members_nobody_is_proposed() {
    proposal().after(&provider(false)).posted().then_refused("provider_registers");
    proposal().after(&provider(false)).held_by([join_requested()]).posted().then_refused("invalid_fields");
    proposal().after(&provider(true)).posted().then([proposed("member", Some(REQUESTER))]);
}

#[test]
fn a_role_without_teams_is_not_proposed_with_teams() {
    let billing = || proposal().within(|world| World { roles: roles_with_billing(), ..world });
    let with_team = billing().org_role("billing").team_roles(&[("web", None)]);
    with_team.posted().then_refused("team_roles_not_allowed");
    billing().org_role("billing").posted().then([proposed("billing", Some(REQUESTER))]);
}

#[test]
fn role_and_teams_of_a_request_are_edited_each_as_its_own_event() {
    let request = [invite_requested(), on(web()), on_as(docs(), "admin")];
    let edit = on_request(request).org_role("manager").team_roles(&[("docs", None), ("api", None)]);
    edit.by(owner().limited_to(&["member:write"])).put().then([
        changed("member", "manager"),
        MemberEvent::TeamRoleCleared {
            team: docs(),
            was: role("admin"),
            because_of_org_role: role("manager"),
        },
        MemberEvent::TeamUnassigned { team: web(), role: None, how: UnassignedHow::Replaced },
        MemberEvent::TeamAssigned { team: api(), role: None, how: AssignedHow::Replaced },
    ]);
    let cleared = on_request([join_requested(), on(web())]).with(|fields| fields.teams = Some(vec![]));
    let left = MemberEvent::TeamUnassigned { team: web(), role: None, how: UnassignedHow::Replaced };
    cleared.put().then([left]);
    on_request([join_requested(), on(web())]).put().then_nothing();
    on_request([join_requested()]).org_role("member").put().then_nothing();
}

#[test]
fn an_explicit_team_role_of_a_request_changes_where_invitations_give_them() {
    let request = || on_request([invite_requested(), on(docs())]).team_roles(&[("docs", Some("admin"))]);
    request().put().then_nothing();
    let given = request().after(&feature(Feature::InviteTeamRoles, true));
    given.put().then([MemberEvent::TeamRoleChanged { team: docs(), from: None, to: Some(role("admin")) }]);
}

#[test]
fn who_answers_requests_needs_the_scope_and_a_request() {
    let asked = || on_request([invite_requested()]).approved();
    for requester in [plain_member(), admin(), stranger(), integration(globex())] {
        asked().by(requester.clone()).put().then_refused("no_permission");
        asked().by(requester).deleted().then_refused("no_permission");
    }
    for there in [vec![], vec![joined("member")], vec![invited("member", MIA)]] {
        on_request(there.clone()).put().then_refused("not_found");
        on_request(there).deleted().then_refused("not_found");
    }
    on_request([invite_requested(), approval()]).approved().put().then_refused("not_found");
}

#[test]
fn an_approval_comes_after_the_edits_that_it_rests_on() {
    on_request([invite_requested()]).approved().by(manager()).put().then([approval()]);
    let edited = on_request([join_requested()]).org_role("manager").approved().by(manager());
    edited.put().then([changed("member", "manager"), approval()]);
    let lowered = on_request([proposed("owner", None)]).org_role("member").approved().by(manager());
    lowered.put().then([changed("owner", "member"), approval()]);
}

#[test]
fn a_role_that_the_approver_may_not_give_is_not_approved_and_nothing_is_edited() {
    let text = "You do not have permission to approve a member invitation with the role owner.";
    on_request([proposed("owner", None)]).approved().by(manager()).put().then_invalid([("approve", text)]);
    let edited = || on_request([invite_requested()]).org_role("owner").by(manager());
    edited().approved().put().then_invalid([("approve", text)]);
    edited().put().then([changed("member", "owner")]);
    let text = "You do not have permission to approve a member invitation with the role member.";
    for requester in [integration(acme()), owner().limited_to(&["member:write"])] {
        on_request([invite_requested()]).approved().by(requester).put().then_invalid([("approve", text)]);
    }
}

#[test]
fn a_retired_role_is_not_approved_while_team_roles_are_on() {
    let asked = || on_request([proposed("admin", None)]).approved();
    let text = "The role 'admin' is deprecated and may no longer be assigned.";
    asked().put().then_invalid([("approve", text)]);
    asked().after(&feature(Feature::TeamRoles, false)).put().then([approval()]);
}

#[test]
fn what_the_organization_does_not_allow_is_not_approved() {
    let text = "Your organization is not allowed to invite members.";
    let off = feature(Feature::InviteMembers, false);
    on_request([join_requested()]).approved().after(&off).put().then_invalid([("approve", text)]);
    let text = "Your organization does not allow requests to join.";
    on_request([join_requested()]).approved().after(&closed()).put().then_invalid([("approve", text)]);
    on_request([invite_requested()]).approved().after(&closed()).put().then([approval()]);
}

#[test]
fn a_rejection_gives_the_address_back() {
    on_request([join_requested(), on(web())]).by(manager()).deleted().then([
        MemberEvent::InviteRequestRejected {
            status: InviteStatus::RequestedToJoin,
            role: role("member"),
            teams: vec![web()],
            addresses: vec![hash("mia@acme.example")],
        },
    ]);
}

fn asked_to_join(world: World, is_known: bool) -> Decided {
    let context = JoinContext {
        organization: (acme(), world.organization),
        roles: world.roles,
        email: email("mia@acme.example"),
        is_known,
    };
    given::<Member>([]).when(MemberCommand::AskToJoin(Arc::new(context)))
}

#[test]
fn asking_to_join_is_for_unknown_addresses_where_the_organization_takes_it() {
    asked_to_join(World::default(), false).then([join_requested()]);
    asked_to_join(World::default(), true).then_nothing();
    for is_known in [false, true] {
        asked_to_join(World::default().after(&closed()), is_known).then_refused("join_requests_not_taken");
        let by_provider = World::default().after(&provider(true));
        asked_to_join(by_provider, is_known).then_refused("joined_through_provider");
    }
}

#[test]
fn who_asks_to_join_gets_the_role_of_the_organization_as_far_as_there_is_one() {
    let with_default = |to: &str| {
        let (from, to) = (role("member"), role(to));
        World::default().after(&OrganizationEvent::DefaultRoleChanged { from, to })
    };
    let asked = |org_role: &str| MemberEvent::JoinRequested {
        organization: acme(),
        email: email("mia@acme.example"),
        org_role: role(org_role),
    };
    asked_to_join(with_default("manager"), false).then([asked("manager")]);
    asked_to_join(with_default("emperor"), false).then([asked("member")]);
}
