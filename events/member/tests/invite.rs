//! POST members (behaviour 4.2, 4.3, 2.5, D24, D39).

use std::sync::Arc;

use crate::{
    access::Requester,
    id::TeamId,
    member::{
        AssignedHow, EmailHolder, InvitationContext, InvitationCount, InvitationRequest, Member,
        MemberCommand, MemberEvent, MemberFlag, TeamRoleEntry, UnassignedHow,
    },
    organization::{Feature, OrganizationEvent},
    refusal::{FieldError, Refusal},
    roles::RolesDefinition,
    specification::{
        Decided, REQUESTER, SOMEBODY, World, acme, admin, api, docs, email, flagged, given, globex, hash,
        in_thirty_days, integration, invite_requested, invited, join_requested, joined, manager, now, on,
        on_as, owner, plain_member, role, roles_with_billing, state, stranger, superuser, user, web,
    },
};

/// An invitation of Mia by an owner of Acme, unless somebody else is named.
struct Post {
    events: Vec<MemberEvent>,
    asked: InvitationRequest,
    world: World,
    requester: Requester,
    email_holder: Option<EmailHolder>,
}

fn post() -> Post {
    let asked = InvitationRequest { email: Some(email("mia@acme.example")), ..InvitationRequest::default() };
    Post { events: vec![], asked, world: World::default(), requester: owner(), email_holder: None }
}

impl Post {
    fn by(self, requester: Requester) -> Self {
        Self { requester, ..self }
    }

    fn within(self, change: impl FnOnce(World) -> World) -> Self {
        Self { world: change(self.world), ..self }
    }

    fn over(self, events: impl IntoIterator<Item = MemberEvent>) -> Self {
        Self { events: events.into_iter().collect(), ..self }
    }

    fn asking(mut self, change: impl FnOnce(&mut InvitationRequest)) -> Self {
        change(&mut self.asked);
        self
    }

    fn org_role(self, role: &str) -> Self {
        self.asking(|asked| asked.org_role = Some(role.into()))
    }

    fn teams(self, slugs: &[&str]) -> Self {
        self.asking(|asked| asked.teams = slugs.iter().map(ToString::to_string).collect())
    }

    fn team_role(self, slug: &str, role: &str) -> Self {
        let entry = TeamRoleEntry { team: slug.into(), role: Some(role.into()) };
        self.asking(|asked| asked.team_roles.push(entry))
    }

    fn held_by(self, events: impl IntoIterator<Item = MemberEvent>) -> Self {
        let member = Arc::new(state::<Member>(events));
        Self { email_holder: Some(EmailHolder { address: "Mia@acme.example".into(), member }), ..self }
    }

    fn decided(self) -> Decided {
        let context = InvitationContext {
            requester: self.requester,
            organization: (acme(), self.world.organization),
            roles: self.world.roles,
            teams: self.world.teams,
            email_holder: self.email_holder,
            at: now(),
        };
        given::<Member>(self.events).when(MemberCommand::InviteBy(self.asked, Arc::new(context)))
    }

    #[track_caller]
    fn then(self, events: impl IntoIterator<Item = MemberEvent>) {
        self.decided().then(events);
    }

    #[track_caller]
    fn then_refused(self, code: &str) {
        self.decided().then_refused(code);
    }

    #[track_caller]
    fn then_invalid<const N: usize>(self, errors: [(&'static str, &str); N]) {
        self.decided().then_invalid(errors);
    }
}

fn event(org_role: &str, by: Option<&str>, without_letter: bool) -> MemberEvent {
    MemberEvent::MemberInvited {
        organization: acme(),
        email: email("mia@acme.example"),
        org_role: role(org_role),
        inviter: by.is_none_or(|by| by.starts_with("user:")).then(|| user(REQUESTER)),
        generation: 1,
        expires_at: in_thirty_days(),
        imported: false,
        counted: by.map(|by| InvitationCount { by: by.into(), address: hash("mia@acme.example") }),
        without_letter,
        referrer: None,
    }
}

fn by_requester(org_role: &str) -> MemberEvent {
    event(org_role, Some(&format!("user:{REQUESTER}")), false)
}

fn to(team: TeamId, explicit: Option<&str>) -> MemberEvent {
    MemberEvent::TeamAssigned { team, role: explicit.map(role), how: AssignedHow::Invited }
}

const NOT_ALLOWED: &str = "You do not have permission to set that org-level role";

#[test]
fn an_invitation_is_for_the_default_role_and_thirty_days() {
    post().then([by_requester("member")]);
}

#[test]
fn the_new_name_of_the_role_wins() {
    post()
        .org_role("manager")
        .asking(|asked| asked.role = Some("owner".into()))
        .then([by_requester("manager")]);
    post().asking(|asked| asked.role = Some("owner".into())).then([by_requester("owner")]);
}

#[test]
fn who_wants_no_letter_has_it_on_record() {
    post().asking(|asked| asked.without_letter = true).then([event(
        "member",
        Some(&format!("user:{REQUESTER}")),
        true,
    )]);
}

#[test]
fn nothing_is_counted_where_there_are_no_limits() {
    post()
        .within(|world| world.without(Feature::InviteMembersRateLimits))
        .then([event("member", None, false)]);
}

#[test]
fn anybody_with_a_scope_of_members_invites_as_far_as_the_organization_lets_members() {
    let closed = |post: Post| post.within(|world| world.with_flag("disable_member_invite"));
    post().by(plain_member()).then([by_requester("member")]);
    closed(post()).by(plain_member()).then_refused("no_permission");
    closed(post()).by(manager()).then([by_requester("member")]);
    closed(post()).by(manager().limited_to(&["member:invite"])).then_refused("no_permission");
    post().by(owner().limited_to(&["member:read"])).then_refused("no_permission");
    post().by(stranger()).then_refused("no_permission");
    post().by(superuser()).then([by_requester("member")]);
    let suspended = flagged(MemberFlag::MemberLimitRestricted);
    post().by(owner().after(&suspended)).then_refused("member_over_limit");
}

#[test]
fn an_organization_that_may_not_invite_says_so_before_looking_at_the_body() {
    post()
        .within(|world| world.without(Feature::InviteMembers))
        .org_role("emperor")
        .then_refused("invitations_not_allowed");
}

#[test]
fn a_role_beyond_ones_own_is_not_given() {
    post().by(plain_member()).org_role("manager").then_invalid([("orgRole", NOT_ALLOWED)]);
    post().by(manager()).org_role("owner").then_invalid([("orgRole", NOT_ALLOWED)]);
    post().org_role("emperor").then_invalid([("orgRole", "\"emperor\" is not a valid choice.")]);
}

#[test]
fn a_retired_role_is_given_only_where_team_roles_are_off() {
    let text = "The role 'admin' is deprecated and may no longer be assigned.";
    post().org_role("admin").then_invalid([("orgRole", text)]);
    post().asking(|asked| asked.role = Some("admin".into())).then_invalid([("role", text)]);
    post().within(|world| world.without(Feature::TeamRoles)).org_role("admin").then([by_requester("admin")]);
}

#[test]
fn who_may_not_give_the_default_role_is_told_so_twice() {
    let by = requester_without_member_scopes();
    post().by(by).within(with_inviters).then_invalid([("orgRole", NOT_ALLOWED), ("role", NOT_ALLOWED)]);
}

fn requester_without_member_scopes() -> Requester {
    owner().limited_to(&["member:invite"]).after(&MemberEvent::OrgRoleChanged {
        from: role("owner"),
        to: role("inviter"),
        ownership: None,
    })
}

fn with_inviters(world: World) -> World {
    let text = include_str!("../../roles.toml");
    let inviter = "[[org_role]]\nid = \"inviter\"\nname = \"Inviter\"\nscopes = [\"member:invite\"]\n\n";
    let place = text.find("[[org_role]]").unwrap();
    let text = format!("{}{inviter}{}", &text[..place], &text[place..]);
    World { roles: Arc::new(RolesDefinition::from_toml(&text).unwrap().into()), ..world }
}

#[test]
fn an_integration_token_invites_with_the_default_role_only() {
    let machine = || post().by(integration(acme()));
    machine().then([event("member", Some("token:1"), false)]);
    machine().org_role("member").then([event("member", Some("token:1"), false)]);
    machine().org_role("manager").then_refused("integration_invites_default_role");
    machine()
        .asking(|asked| asked.role = Some("owner".into()))
        .then_refused("integration_invites_default_role");
    post().by(integration(globex())).then_refused("no_permission");
}

#[test]
fn all_errors_of_all_fields_come_together() {
    post()
        .by(manager())
        .held_by([joined("member")])
        .asking(|asked| asked.malformed.push(FieldError::new("sendInvite", "Must be a valid boolean.")))
        .org_role("owner")
        .teams(&["nowhere"])
        .team_role("web", "captain")
        .then_invalid([
            ("sendInvite", "Must be a valid boolean."),
            ("teams", "Invalid teams"),
            ("teamRoles", "Invalid team-role"),
            ("orgRole", NOT_ALLOWED),
            ("email", "The user Mia@acme.example is already a member"),
        ]);
}

#[test]
fn an_address_is_in_the_organization_once() {
    post()
        .held_by([invited("member", SOMEBODY)])
        .then_invalid([("email", "The user Mia@acme.example has already been invited")]);
    post().over([invited("member", SOMEBODY)]).then_refused("already_exists");
}

#[test]
fn a_request_goes_on_as_the_invitation_and_its_teams_are_taken_off() {
    for request in [invite_requested(), join_requested()] {
        let events = || [request.clone(), on(web()), on(docs())];
        let left = MemberEvent::TeamUnassigned { team: web(), role: None, how: UnassignedHow::Replaced };
        post().over(events()).held_by(events()).teams(&["docs", "api"]).then([
            by_requester("member"),
            left,
            to(api(), None),
        ]);
    }
}

#[test]
fn a_plain_member_of_a_closed_organization_invites_to_his_own_teams() {
    let closed = |world: World| {
        let (flag, to) = ("allow_joinleave".to_owned(), false);
        world.after(&OrganizationEvent::OrganizationFlagChanged { flag, to })
    };
    let on_web = || plain_member().after(&on(web()));
    post().by(plain_member()).teams(&["web"]).then([by_requester("member"), to(web(), None)]);
    let asked = || post().within(closed);
    asked().by(on_web()).teams(&["web"]).then([by_requester("member"), to(web(), None)]);
    asked().by(on_web()).teams(&["web", "docs"]).then_refused("teams_of_others");
    asked().by(on_web()).team_role("docs", "contributor").then_refused("teams_of_others");
    asked().by(plain_member()).then([by_requester("member")]);
    asked().by(manager()).teams(&["docs"]).then([by_requester("member"), to(docs(), None)]);
    asked()
        .by(integration(acme()).limited_to(&["member:invite"]))
        .teams(&["web"])
        .then_refused("teams_of_others");
}

#[test]
fn a_role_that_has_no_teams_is_not_invited_onto_one() {
    let billing = |world| World { roles: roles_with_billing(), ..world };
    post()
        .within(billing)
        .org_role("billing")
        .teams(&["web"])
        .decided()
        .then_refused_as(Refusal::InvitationWithTeams { role: role("billing") });
    post().within(billing).org_role("billing").then([by_requester("billing")]);
}

#[test]
fn teams_with_roles_win_unless_there_are_none() {
    post().teams(&["docs"]).team_role("web", "admin").then([by_requester("member"), to(web(), None)]);
    post().teams(&["docs"]).then([by_requester("member"), to(docs(), None)]);
}

#[test]
fn team_roles_are_given_where_invitations_give_them_and_the_inviter_could() {
    let on_feature = |world: World| {
        world.after(&OrganizationEvent::FeatureSet { feature: Feature::InviteTeamRoles, on: true })
    };
    let asked = || post().within(on_feature).team_role("web", "admin");
    let given = |explicit| [by_requester("member"), to(web(), explicit)];
    asked().then(given(Some("admin")));
    asked().by(admin()).then(given(Some("admin")));
    asked().by(plain_member()).then(given(None));
    asked().by(plain_member().after(&on(web()))).then(given(None));
    asked().by(plain_member().after(&on_as(web(), "admin"))).then(given(Some("admin")));
    asked().by(plain_member().after(&on_as(docs(), "admin"))).then(given(None));
    asked().within(|world| world.without(Feature::TeamRoles)).then(given(None));
    asked().org_role("manager").then([by_requester("manager"), to(web(), None)]);
    post().team_role("web", "admin").then(given(None));
    let machine = [event("member", Some("token:1"), false), to(web(), Some("admin"))];
    asked().by(integration(acme())).then(machine);
}
