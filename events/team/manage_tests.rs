//! Teams that are created, changed and deleted by somebody (behaviour 5.6).

use std::sync::Arc;

use super::{NewTeam, Team, TeamChanges, TeamCommand, TeamContext, TeamEvent, TeamFlag, slug_of_name};
use crate::{
    access::Requester,
    id::OrganizationId,
    member::MemberFlag,
    organization::OrganizationEvent,
    refusal::FieldError,
    specification::{
        World, acme, admin, flagged, given, globex, integration, manager, on, on_as, owner, plain_member,
        stranger, superuser, web,
    },
};

fn created_in(organization: OrganizationId) -> TeamEvent {
    TeamEvent::TeamCreated { organization, slug: "web".into(), name: "Web".into() }
}

fn created() -> TeamEvent {
    created_in(acme())
}

fn deleted() -> TeamEvent {
    TeamEvent::TeamDeleted { slug: "web".into() }
}

fn flag(flag: TeamFlag) -> TeamEvent {
    TeamEvent::TeamFlagged { flag, to: true }
}

fn context(requester: Requester, is_open: bool) -> Arc<TeamContext> {
    let flag = "allow_joinleave".into();
    let world = World::default().after(&OrganizationEvent::OrganizationFlagChanged { flag, to: is_open });
    let organization = (acme(), world.organization);
    Arc::new(TeamContext { requester, organization, roles: world.roles, team: web() })
}

fn create(slug: Option<&str>, name: Option<&str>, requester: Requester) -> TeamCommand {
    let new = NewTeam { slug: slug.map(Into::into), name: name.map(Into::into), malformed: vec![] };
    TeamCommand::CreateBy(new, context(requester, false))
}

fn change(slug: Option<&str>, name: Option<&str>, requester: Requester) -> TeamCommand {
    let changes = TeamChanges { slug: slug.map(Into::into), name: name.map(Into::into), malformed: vec![] };
    TeamCommand::ChangeBy(changes, context(requester, false))
}

fn delete(requester: Requester) -> TeamCommand {
    TeamCommand::DeleteBy(context(requester, false))
}

fn new(slug: &str, name: &str) -> TeamEvent {
    TeamEvent::TeamCreated { organization: acme(), slug: slug.into(), name: name.into() }
}

#[test]
fn a_team_has_a_slug_or_a_name_or_both() {
    let asked = |slug, name| given::<Team>([]).when(create(slug, name, owner()));
    asked(Some("web"), None).then([new("web", "web")]);
    asked(None, Some(" The Web, really ")).then([new("the-web-really", "The Web, really")]);
    asked(Some("web"), Some("Web")).then([new("web", "Web")]);
    asked(Some("web"), Some(" ")).then([new("web", "web")]);
    let neither = [("non_field_errors", "Name or slug is required")];
    asked(None, None).then_invalid(neither);
    asked(Some(""), Some("  ")).then_invalid(neither);
    asked(None, Some("---"))
        .then_invalid([("name", "No slug can be made from this name; give one as \"slug\".")]);
}

#[test]
fn what_is_wrong_with_a_new_team_is_said_together() {
    let long = "x".repeat(65);
    given::<Team>([]).when(create(Some("Web"), Some(&long), owner())).then_invalid([
        ("name", "Ensure this field has no more than 64 characters."),
        ("slug", "The slug \"Web\" should not contain uppercase symbols."),
    ]);
    let malformed = vec![FieldError::new("slug", "Not a valid string.")];
    let new = NewTeam { malformed, ..NewTeam::default() };
    given::<Team>([])
        .when(TeamCommand::CreateBy(new, context(owner(), true)))
        .then_invalid([("slug", "Not a valid string.")]);
}

#[test]
fn those_create_teams_whose_role_or_token_says_so() {
    for requester in [admin(), manager(), owner(), superuser(), integration(acme())] {
        given::<Team>([]).when(create(Some("web"), None, requester)).then([new("web", "web")]);
    }
    let on_another = plain_member().after(&on_as(web(), "admin"));
    for requester in [plain_member(), on_another, stranger(), integration(globex())] {
        given::<Team>([]).when(create(Some("web"), None, requester)).then_refused("no_permission");
    }
}

#[test]
fn a_team_changes_in_what_is_named_and_differs() {
    let asked = |slug, name| given::<Team>([created()]).when(change(slug, name, owner()));
    asked(Some("site"), None).then([TeamEvent::TeamSlugChanged { from: "web".into(), to: "site".into() }]);
    asked(None, Some("Site")).then([TeamEvent::TeamRenamed { from: "Web".into(), to: "Site".into() }]);
    asked(Some("web"), Some("Web")).then_nothing();
    asked(None, None).then_nothing();
    asked(Some("123"), Some("")).then_invalid([
        ("name", "This field may not be blank."),
        (
            "slug",
            "Enter a valid slug consisting of lowercase letters, numbers, or hyphens; it must start with a letter or \
             number, not end with a hyphen, and not be entirely numeric.",
        ),
    ]);
}

#[test]
fn those_change_and_delete_a_team_who_run_it_or_the_organization() {
    let renamed = || TeamEvent::TeamRenamed { from: "Web".into(), to: "Site".into() };
    let may = [
        manager(),
        owner(),
        superuser(),
        admin().after(&on(web())),
        plain_member().after(&on_as(web(), "admin")),
        integration(acme()).limited_to(&["team:admin"]),
    ];
    for requester in may {
        given::<Team>([created()]).when(change(None, Some("Site"), requester.clone())).then([renamed()]);
        given::<Team>([created()]).when(delete(requester)).then([deleted()]);
    }
    let writes = integration(acme()).limited_to(&["team:write"]);
    given::<Team>([created()]).when(change(None, Some("Site"), writes.clone())).then([renamed()]);
    given::<Team>([created()]).when(delete(writes)).then_refused("no_permission");
    let may_not = [
        admin(),
        plain_member(),
        plain_member().after(&on(web())),
        stranger(),
        integration(globex()),
        owner().limited_to(&["team:read"]),
    ];
    for requester in may_not {
        given::<Team>([created()])
            .when(change(None, Some("Site"), requester.clone()))
            .then_refused("no_permission");
        given::<Team>([created()]).when(delete(requester)).then_refused("no_permission");
    }
    let restricted = owner().after(&flagged(MemberFlag::MemberLimitRestricted));
    given::<Team>([created()]).when(delete(restricted)).then_refused("member_over_limit");
    // Where membership is open, an admin has access to teams that he is not on.
    given::<Team>([created()]).when(TeamCommand::DeleteBy(context(admin(), true))).then([deleted()]);
}

#[test]
fn a_team_of_the_identity_provider_is_neither_changed_nor_deleted() {
    let team = || given::<Team>([created(), flag(TeamFlag::IdpProvisioned)]);
    team().when(change(Some("Bad slug"), None, owner())).then_refused("team_identity_provider_managed");
    team().when(delete(owner())).then_refused("team_identity_provider_managed");
    team().when(delete(plain_member())).then_refused("no_permission");
}

#[test]
fn a_team_is_deleted_once_and_a_second_time_is_no_error() {
    given::<Team>([created(), deleted()]).when(delete(owner())).then_nothing();
    given::<Team>([created(), flag(TeamFlag::BeingDeleted)]).when(delete(owner())).then([deleted()]);
    given::<Team>([created(), deleted()]).when(change(None, Some("x"), owner())).then_refused("not_found");
    let mark = TeamCommand::Flag(TeamFlag::BeingDeleted, false);
    given::<Team>([created(), deleted()]).when(mark).then_refused("not_found");
}

#[test]
fn a_team_is_not_found_through_another_organization() {
    given::<Team>([created_in(globex())]).when(change(None, Some("x"), owner())).then_refused("not_found");
    given::<Team>([created_in(globex())]).when(delete(owner())).then_refused("not_found");
    given::<Team>([]).when(delete(owner())).then_refused("not_found");
}

#[test]
fn a_slug_is_made_of_a_name() {
    let slugs = [
        ("Core", Some("core")),
        ("Site  Reliability & Ops!", Some("site-reliability-ops")),
        ("Équipe Über", Some("equipe-uber")),
        ("Bob's team", Some("bobs-team")),
        ("42", Some("team-42")),
        ("日本", None),
        ("", None),
        ("--a--", Some("a")),
    ];
    for (name, slug) in slugs {
        assert_eq!(slug_of_name(name).as_deref(), slug, "{name}");
    }
    assert_eq!(slug_of_name(&format!("{} b", "a".repeat(49))).unwrap(), "a".repeat(49));
    assert_eq!(slug_of_name(&"ab ".repeat(21)).unwrap().len(), 50);
}
