//! The role engine as behaviour 1.1 to 1.3 and 6.2 specify it.

mod definition;

use super::{RoleId, Roles, RolesDefinition, ScopeOptions, ScopeSet, known_scopes};

const ALL_KEPT: ScopeOptions = ScopeOptions { events_member_admin: true, alerts_member_write: true };

fn id(text: &str) -> RoleId {
    RoleId::new(text).unwrap()
}

fn scopes(texts: &[&str]) -> ScopeSet {
    ScopeSet::parse(texts.iter().copied()).unwrap()
}

/// Roles of these ids and scopes, lowest first, the first being the default.
fn roles(org_roles: &[(&str, &[&str])], team_roles: &[(&str, Option<&str>)]) -> Roles {
    RolesDefinition::from_toml(&file(org_roles, team_roles)).unwrap().into()
}

fn file(org_roles: &[(&str, &[&str])], team_roles: &[(&str, Option<&str>)]) -> String {
    let org_roles = org_roles.iter().map(|(id, scopes)| {
        format!("[[org_role]]\nid = \"{id}\"\nname = \"N\"\nglobal = false\nscopes = {scopes:?}\n")
    });
    let team_roles = team_roles.iter().map(|(id, minimum_role_for)| {
        let minimum =
            minimum_role_for.map_or_else(String::new, |role| format!("minimum_role_for = \"{role}\"\n"));
        format!("[[team_role]]\nid = \"{id}\"\nname = \"N\"\nscopes = []\n{minimum}")
    });
    let tables: String = org_roles.chain(team_roles).collect();
    let default = tables.split('"').nth(1).unwrap_or("member");
    format!("default_org_role = \"{default}\"\n{tables}")
}

fn names(ids: &[RoleId]) -> Vec<&str> {
    ids.iter().map(RoleId::as_str).collect()
}

#[test]
fn the_bundled_organization_roles_are_those_of_the_table() {
    let roles = Roles::bundled();
    let rows: Vec<_> = roles
        .org_roles()
        .iter()
        .map(|role| {
            let minimum = roles.minimum_team_role(&role.id).as_str();
            (role.id.as_str(), &*role.name, role.global, role.retired, role.team_roles_allowed, minimum)
        })
        .collect();
    assert_eq!(
        rows,
        [
            ("member", "Member", false, false, true, "contributor"),
            ("admin", "Admin", false, true, true, "admin"),
            ("manager", "Manager", true, false, true, "admin"),
            ("owner", "Owner", true, false, true, "admin"),
        ]
    );
    assert_eq!(roles.default_org_role(), &"member");
    assert_eq!(roles.top(), &"owner");
}

#[test]
fn the_bundled_organization_scopes_are_those_of_the_table() {
    // Per scope, who has it: member, admin, manager, owner.
    let table: &[(&str, [bool; 4])] = &[
        ("event:read", [true; 4]),
        ("event:write", [true; 4]),
        ("event:admin", [true; 4]),
        ("alerts:read", [true; 4]),
        ("alerts:write", [true; 4]),
        ("project:read", [true; 4]),
        ("project:releases", [true; 4]),
        ("project:write", [false, true, true, true]),
        ("project:admin", [false, true, true, true]),
        ("team:read", [true; 4]),
        ("team:write", [false, true, true, true]),
        ("team:admin", [false, true, true, true]),
        ("org:read", [true; 4]),
        ("org:write", [false, false, true, true]),
        ("org:admin", [false, false, false, true]),
        ("org:integrations", [false, true, true, true]),
        ("member:read", [true; 4]),
        ("member:invite", [true; 4]),
        ("member:write", [false, false, true, true]),
        ("member:admin", [false, false, true, true]),
    ];
    for (place, role) in Roles::bundled().org_roles().iter().enumerate() {
        let expected = table.iter().filter(|(_, has)| has[place]).map(|(scope, _)| *scope);
        assert_eq!(role.scopes, ScopeSet::parse(expected).unwrap(), "{}", role.id);
    }
}

#[test]
fn the_bundled_team_roles_are_those_of_the_table() {
    let roles = Roles::bundled();
    let [contributor, admin] = roles.team_roles() else { panic!("there are two") };
    let (less, more) = (
        "event:read event:write project:releases project:read org:read member:read team:read alerts:read",
        "event:admin project:write project:admin team:write team:admin org:integrations alerts:write",
    );
    assert_eq!((contributor.id.as_str(), &*contributor.name), ("contributor", "Contributor"));
    assert_eq!((admin.id.as_str(), &*admin.name), ("admin", "Team Admin"));
    assert_eq!(contributor.scopes, ScopeSet::parse(less.split(' ')).unwrap());
    assert_eq!(admin.scopes, ScopeSet::parse(less.split(' ').chain(more.split(' '))).unwrap());
    assert_eq!((&contributor.minimum_role_for, &admin.minimum_role_for), (&None, &Some(id("admin"))));
}

#[test]
fn options_take_scopes_from_plain_members_and_contributors_only() {
    let roles = Roles::bundled();
    for (events_member_admin, alerts_member_write) in
        [(true, true), (false, true), (true, false), (false, false)]
    {
        let options = ScopeOptions { events_member_admin, alerts_member_write };
        let member = roles.org_scopes(&id("member"), &options);
        assert_eq!(member.contains("event:admin"), events_member_admin);
        assert_eq!(member.contains("alerts:write"), alerts_member_write);
        assert!(member.contains("event:write") && member.contains("alerts:read"));
        for role in ["admin", "manager", "owner"] {
            assert_eq!(roles.org_scopes(&id(role), &options), roles.org_role(role).unwrap().scopes, "{role}");
        }
        let team_admin = &roles.team_role("admin").unwrap().scopes;
        assert_eq!(&roles.team_scopes(&id("admin"), &options), team_admin);
    }
    let team = |scopes: &str| {
        let text = file(&[("member", &[])], &[("contributor", None)]).replace("[]\n", scopes);
        Roles::from(RolesDefinition::from_toml(&text).unwrap())
            .team_scopes(&id("contributor"), &ScopeOptions { events_member_admin: false, ..ALL_KEPT })
    };
    assert_eq!(team("['event:admin', 'team:read']\n"), scopes(&["team:read"]));
    assert_eq!(team("['event:admin', 'team:write']\n"), scopes(&["event:admin", "team:write"]));
}

#[test]
fn minimum_team_roles_follow_the_mapping_and_the_top_role_has_the_top_team_role() {
    let realm: &[(&str, &[&str])] =
        &[("peasant", &[]), ("baron", &[]), ("earl", &[]), ("duke", &[]), ("monarch", &[])];
    let minimums = |team_roles: [(&str, Option<&str>); 4]| {
        let roles = roles(realm, &team_roles);
        realm.iter().map(|(role, _)| roles.minimum_team_role(&id(role)).to_string()).collect::<Vec<_>>()
    };
    let mapped = [
        ("private", Some("peasant")),
        ("sergeant", Some("earl")),
        ("lieutenant", None),
        ("captain", Some("monarch")),
    ];
    assert_eq!(minimums(mapped), ["private", "private", "sergeant", "sergeant", "captain"]);
    let unmapped = mapped.map(|(role, _)| (role, None));
    assert_eq!(minimums(unmapped), ["private", "private", "private", "private", "captain"]);
    let low = mapped.map(|(role, _)| (role, (role == "sergeant").then_some("monarch")));
    assert_eq!(
        minimums(low),
        ["private", "private", "private", "private", "captain"],
        "a lower mapping for the top"
    );
    let same = mapped.map(|(role, _)| (role, (role != "private").then_some("duke")));
    assert_eq!(
        minimums(same),
        ["private", "private", "private", "captain", "captain"],
        "the highest of several wins"
    );
}

#[test]
fn a_team_role_counts_when_it_is_strictly_above_the_minimum_and_the_feature_is_on() {
    let roles = Roles::bundled();
    // org role, explicit team role, feature, what counts, whether the explicit one is redundant
    let table = [
        ("member", None, true, "contributor", None),
        ("member", Some("contributor"), true, "contributor", Some(true)),
        ("member", Some("admin"), true, "admin", Some(false)),
        ("member", Some("admin"), false, "contributor", Some(false)),
        ("member", Some("vanished"), true, "contributor", Some(true)),
        ("admin", None, true, "admin", None),
        ("manager", Some("contributor"), true, "admin", Some(true)),
        ("manager", Some("admin"), true, "admin", Some(true)),
        ("owner", None, false, "admin", None),
    ];
    for (org_role, explicit, feature, counts, redundant) in table {
        let (org_role, explicit) = (id(org_role), explicit.map(id));
        let found = roles.effective_team_role(&org_role, explicit.as_ref(), feature);
        assert_eq!(found, Some(&id(counts)), "{org_role} {explicit:?} {feature}");
        let found = explicit.as_ref().map(|explicit| roles.redundant_team_role(&org_role, explicit));
        assert_eq!(found, redundant, "{org_role} {explicit:?}");
    }
}

#[test]
fn roles_are_handed_out_by_scopes_not_by_priority() {
    let roles = roles(
        &[
            ("alice", &["project:read", "project:write"]),
            ("bob", &["project:read"]),
            ("carol", &["project:write"]),
        ],
        &[("contributor", None)],
    );
    let allowed = |role: &str| roles.given_by(&id(role), ALL_KEPT).to_vec();
    assert_eq!(names(&allowed("alice")), ["alice", "bob", "carol"]);
    assert_eq!(names(&allowed("bob")), ["bob"]);
    assert_eq!(names(&allowed("carol")), ["carol"]);
}

/// What options take away from two roles does not count when they are compared.
#[test]
fn roles_are_handed_out_by_the_scopes_that_options_leave() {
    let roles = roles(
        &[
            ("bob", &["team:read"]),
            ("alerts", &["alerts:write", "team:read"]),
            ("events", &["event:admin", "team:read"]),
        ],
        &[("contributor", None)],
    );
    for (events_member_admin, alerts_member_write, expected) in [
        (true, true, vec!["bob"]),
        (true, false, vec!["bob", "alerts"]),
        (false, true, vec!["bob", "events"]),
        (false, false, vec!["bob", "alerts", "events"]),
    ] {
        let options = ScopeOptions { events_member_admin, alerts_member_write };
        assert_eq!(names(roles.given_by(&id("bob"), options)), expected, "{options:?}");
    }
}

#[test]
fn bundled_roles_are_handed_out_up_to_ones_own() {
    let roles = Roles::bundled();
    let none_kept = ScopeOptions { events_member_admin: false, alerts_member_write: false };
    for options in [ALL_KEPT, none_kept] {
        for (place, role) in roles.org_roles().iter().enumerate() {
            let allowed = roles.given_by(&role.id, options);
            assert_eq!(names(allowed), ["member", "admin", "manager", "owner"][..=place]);
        }
    }
}

#[test]
fn managing_takes_an_equal_or_higher_priority() {
    let roles = Roles::bundled();
    let order = ["vanished", "member", "admin", "manager", "owner"];
    for (place, role) in order.iter().enumerate() {
        for (other_place, other) in order.iter().enumerate() {
            let expected = place >= other_place && place > 0;
            assert_eq!(roles.can_manage(&id(role), &id(other)), expected, "{role} {other}");
        }
    }
}

#[test]
fn a_role_that_is_not_defined_grants_nothing() {
    let (roles, vanished) = (Roles::bundled(), id("vanished"));
    assert!(roles.org_scopes(&vanished, &ALL_KEPT).is_empty());
    assert!(roles.given_by(&vanished, ALL_KEPT).is_empty());
    assert!(roles.team_scopes(&vanished, &ALL_KEPT).is_empty());
    assert_eq!(roles.effective_team_role(&vanished, Some(&id("admin")), true), None);
    assert_eq!(roles.minimum_team_role(&vanished), &"contributor");
    assert!(!roles.is_global(&vanished) && !roles.allows_teams(&vanished) && !roles.is_retired(&vanished));
    assert_eq!(roles.org_priority(&vanished), None);
}

#[test]
fn token_scopes_bring_along_the_lower_ones_of_their_chain() {
    let table: &[(&str, &[&str])] = &[
        ("member:invite", &["member:read"]),
        ("member:write", &["member:invite", "member:read"]),
        ("member:admin", &["member:invite", "member:read", "member:write"]),
        ("org:write", &["org:read"]),
        ("org:admin", &["org:integrations", "org:read", "org:write"]),
        ("org:integrations", &[]),
        ("team:admin", &["team:read", "team:write"]),
        ("project:admin", &["project:read", "project:write"]),
        ("project:releases", &[]),
        ("event:admin", &["event:read", "event:write"]),
        ("alerts:write", &["alerts:read"]),
        ("thing:unheard", &[]),
    ];
    for (scope, brought) in table {
        let expected: Vec<_> = brought.iter().chain([scope]).copied().collect();
        assert_eq!(scopes(&[scope]).with_implied(), scopes(&expected));
    }
    assert_eq!(known_scopes().with_implied(), known_scopes());
    assert_eq!(known_scopes(), Roles::bundled().org_role("owner").unwrap().scopes);
}

#[test]
fn scope_sets_are_written_as_sorted_lists_and_read_only_when_well_formed() {
    let set = scopes(&["team:read", "event:admin", "team:read"]);
    assert_eq!(serde_json::to_string(&set).unwrap(), r#"["event:admin","team:read"]"#);
    assert!(set.any_of(&["org:read", "team:read"]) && !set.any_of(&["org:read"]) && !set.any_of(&[]));
    for text in ["", "member", ":", "member:", ":read", "Member:read", "member:read:all", "member: read"] {
        assert!(ScopeSet::parse([text]).is_err(), "{text:?}");
        assert!(serde_json::from_value::<ScopeSet>(serde_json::json!([text])).is_err(), "{text:?}");
    }
}
