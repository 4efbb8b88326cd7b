//! Nobody gives a role or a team role that he may not give, by invitations, proposals, approvals and teams: the rules,
//! written a second time and plainly, against what random requests did. Changes of members are in `grants`.

use std::collections::BTreeMap;

use muster_events::{
    id::{MemberId, TeamId, UserId},
    member::{InviteStatus, Member},
    organization::Feature,
    token::TokenOwner,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Client, Random, World, seed};

const WORLDS: u64 = 8;
const REQUESTS: usize = 100;
/// What has to have happened for the rules to have been put to the test.
const ENOUGH_GIVEN: usize = 100;
const ENOUGH_REFUSED: usize = 200;

const PEOPLE: [&str; 5] = ["alice", "mallory", "adam", "bob", "dana"];
const TOKENS: [&str; 9] = [
    "alice-token",
    "mallory-token",
    "adam-token",
    "bob-token",
    "dana-token",
    "greta-token",
    "root-token",
    "alice-reads",
    "acme-integration",
];
const TEAMS: [&str; 3] = ["core", "infra", "web"];

/// What a row of `acme` gives, to a member or to whoever accepts the invitation; a request gives nothing.
#[derive(Debug, Clone, PartialEq)]
struct Standing {
    role: String,
    teams: BTreeMap<TeamId, Option<String>>,
    user: Option<UserId>,
}

type Standings = BTreeMap<MemberId, Standing>;

async fn world() -> World {
    let mut builder = World::acme_with(&[("openMembership", json!(false))]).await;
    let alice = builder.user("alice");
    builder
        .token("alice-reads", TokenOwner::User(alice), Some(&["org:read", "member:read", "team:read"]))
        .await;
    let world = builder.serve().await;
    let feature = json!({"features": {Feature::InviteTeamRoles.name(): true}});
    world.of("root").put("/api/0/organizations/acme/administration/", &feature).await.expect(200);
    world
}

async fn standings(world: &World, rows: &[MemberId]) -> Standings {
    let mut all = Standings::new();
    for id in rows {
        let found = world.deployment.ledger.state::<Member>(&(*id).into()).await.unwrap().state;
        if found.exists() && found.invite_status == InviteStatus::Approved {
            let role = found.org_role.as_ref().unwrap().to_string();
            let teams =
                found.teams.iter().map(|(team, role)| (*team, role.as_ref().map(ToString::to_string)));
            all.insert(*id, Standing { role, teams: teams.collect(), user: found.user });
        }
    }
    all
}

fn pick<'a, T>(random: &mut Random, items: &'a [T]) -> &'a T {
    &items[random.below(items.len())]
}

fn request(rows: &[MemberId], random: &mut Random, step: usize) -> (Method, String, Value) {
    let base = "/api/0/organizations/acme/";
    let row = *pick(random, rows);
    let member = if random.below(6) == 0 { "me".to_owned() } else { row.to_string() };
    let (role, team) = (*pick(random, &["member", "admin", "manager", "owner"]), *pick(random, &TEAMS));
    let team_role =
        pick(random, &[json!(null), json!("contributor"), json!("admin"), json!("admin")]).clone();
    let team_roles = json!([{"teamSlug": team, "role": team_role}]);
    let email = format!("new{step}@example.com");
    let on_team = format!("{base}members/{member}/teams/{team}/");
    match random.below(10) {
        0 | 1 => {
            let body = json!({"email": email, "orgRole": role, "teamRoles": team_roles});
            (Method::POST, format!("{base}members/"), body)
        }
        2 => (
            Method::POST,
            format!("{base}invite-requests/"),
            json!({"email": email, "role": role, "teams": [team]}),
        ),
        3 | 4 => {
            let body = match random.below(3) {
                0 => json!({"approve": true}),
                1 => json!({"role": role, "teamRoles": team_roles}),
                _ => json!({"approve": true, "orgRole": role, "teamRoles": team_roles}),
            };
            (Method::PUT, format!("{base}invite-requests/{row}/"), body)
        }
        5 => (Method::POST, on_team, json!({})),
        6 | 7 => (Method::PUT, on_team, json!({"teamRole": team_role})),
        8 => (Method::PUT, format!("{base}members/{member}/"), json!({"teamRoles": team_roles})),
        _ => (Method::DELETE, on_team, json!({})),
    }
}

fn rank(role: &str) -> usize {
    ["member", "admin", "manager", "owner"].iter().position(|known| *known == role).unwrap()
}

/// Whether the person with `own` standing, or who has the token `by` without being a person, may give this role.
fn may_give_role(by: &str, own: Option<&Standing>, role: &str) -> bool {
    let is_retired = role == "admin";
    match by {
        "root-token" => !is_retired,
        "acme-integration" => role == "member",
        _ => !is_retired && own.is_some_and(|own| rank(role) <= rank(&own.role)),
    }
}

/// Whether he may make somebody an admin of the team.
fn may_give_team_admin(by: &str, own: Option<&Standing>, team: TeamId) -> bool {
    let is_admin_there =
        |own: &Standing| own.teams.get(&team).is_some_and(|role| role.as_deref() == Some("admin"));
    let gives = own.is_some_and(|own| rank(&own.role) >= rank("admin") || is_admin_there(own));
    matches!(by, "root-token" | "acme-integration") || gives
}

/// Fails when `after` has something that it had not before and that the one who asked may not give.
fn assert_may(by: &str, own: Option<&Standing>, before: Option<&Standing>, after: &Standing, context: &str) {
    if before.is_none_or(|before| before.role != after.role) {
        assert!(may_give_role(by, own, &after.role), "{context}: gave the role of {after:?}");
    }
    for (team, role) in &after.teams {
        let had = before.and_then(|before| before.teams.get(team));
        let is_new = role.as_deref() == Some("admin") && had != Some(role);
        assert!(!is_new || may_give_team_admin(by, own, *team), "{context}: gave a team role of {after:?}");
    }
}

#[tokio::test]
async fn neither_invitations_nor_approvals_nor_teams_give_more_than_their_giver_may() {
    let seed = seed();
    let (mut given, mut refused) = (0, 0);
    // A few worlds more where chance has let little happen.
    for number in 0..2 * WORLDS {
        if number >= WORLDS && given > ENOUGH_GIVEN && refused > ENOUGH_REFUSED {
            break;
        }
        let mut random = Random::of(seed, number);
        let world = world().await;
        let mut rows: Vec<_> =
            PEOPLE.iter().chain(&["ivan", "jo"]).map(|key| world.member("acme", key)).collect();
        let mut before = standings(&world, &rows).await;
        for step in 0..REQUESTS {
            let by = *pick(&mut random, &TOKENS);
            let (method, path, body) = request(&rows, &mut random, step);
            let context = format!("seed {seed}, world {number}, step {step}: {by} {method} {path} {body}");
            let answer = Client::send(world.with(by).request(method.clone(), &path).json(&body)).await;
            assert!(answer.status < 500, "{context}: {answer:?}");
            if answer.status == 201 && (path.ends_with("/members/") || path.ends_with("/invite-requests/")) {
                rows.push(answer.json()["id"].as_str().unwrap().parse().unwrap());
            }
            let after = standings(&world, &rows).await;
            let person = by.split('-').next().filter(|key| PEOPLE.contains(key));
            // Whoever may look at the organization comes to the teams, where his role decides (behaviour.md 5).
            let looks_only = by == "greta-token" || (by == "alice-reads" && !path.contains("/teams/"));
            let own = person.and_then(|key| before.get(&world.member("acme", key)));
            for (id, now) in &after {
                if before.get(id) != Some(now) {
                    given += 1;
                    assert!(answer.status < 300, "{context}: a refusal changed {now:?}: {answer:?}");
                    assert!(!looks_only, "{context}: changed {now:?}");
                    assert_may(by, own, before.get(id), now, &context);
                }
            }
            refused += usize::from(answer.status >= 400);
            before = after;
        }
    }
    // The rules were put to the test, in both directions.
    assert!(
        given > ENOUGH_GIVEN && refused > ENOUGH_REFUSED,
        "seed {seed}: {given} changes, {refused} refusals"
    );
}

/// The rules of this file themselves: they can say no.
#[test]
fn the_second_writing_of_the_rules_refuses() {
    let standing = |role: &str| Standing { role: role.into(), teams: BTreeMap::new(), user: None };
    let team = TeamId::new(1).unwrap();
    let mut captain = standing("member");
    captain.teams.insert(team, Some("admin".into()));
    assert!(may_give_role("bob-token", Some(&standing("member")), "member"));
    assert!(!may_give_role("bob-token", Some(&standing("member")), "manager"));
    assert!(!may_give_role("alice-token", Some(&standing("owner")), "admin"));
    assert!(!may_give_role("acme-integration", None, "manager"));
    assert!(!may_give_role("greta-token", None, "member"));
    assert!(may_give_team_admin("dana-token", Some(&captain), team));
    assert!(!may_give_team_admin("bob-token", Some(&standing("member")), team));
    assert!(!may_give_team_admin("dana-token", Some(&captain), TeamId::new(2).unwrap()));
}
