//! Nobody gives more than he may, whatever is asked in whatever order: the rules, written a second time and plainly,
//! against what random requests did. And nothing of one tenant is read or changed with a token of another.

use std::collections::BTreeMap;

use muster_events::{
    id::{MemberId, TeamId, UserId},
    member::Member,
    stream::StreamId,
    token::TokenOwner,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Client, Random, World, seed};

const WORLDS: u64 = 12;
const REQUESTS: usize = 100;

/// Everybody who is known, with the organization.
const MEMBERS: &[(&str, &str)] = &[
    ("acme", "alice"),
    ("acme", "mallory"),
    ("acme", "adam"),
    ("acme", "bob"),
    ("acme", "dana"),
    ("acme", "ivan"),
    ("acme", "jo"),
    ("globex", "greta"),
    ("globex", "bob"),
];

/// A token: its secret, the person whose it is, and whether it gives `member:admin` and `org:admin` as far as he has
/// them.
struct Token {
    secret: &'static str,
    person: Option<&'static str>,
    member_admin: bool,
    org_admin: bool,
}

const fn token(secret: &'static str, person: &'static str, member_admin: bool, org_admin: bool) -> Token {
    Token { secret, person: Some(person), member_admin, org_admin }
}

const TOKENS: &[Token] = &[
    token("alice-token", "alice", true, true),
    token("mallory-token", "mallory", true, true),
    token("adam-token", "adam", true, true),
    token("bob-token", "bob", true, true),
    token("dana-token", "dana", true, true),
    token("greta-token", "greta", true, true),
    token("root-token", "root", true, true),
    token("alice-reads", "alice", false, false),
    token("alice-members", "alice", true, false),
    token("mallory-writes", "mallory", false, false),
    Token { secret: "acme-integration", person: None, member_admin: true, org_admin: false },
    Token { secret: "globex-integration", person: None, member_admin: true, org_admin: true },
];

/// What somebody has in an organization.
#[derive(Debug, Clone, PartialEq)]
struct Standing {
    role: String,
    teams: BTreeMap<TeamId, Option<String>>,
    pending: bool,
    user: Option<UserId>,
    inviter: Option<UserId>,
}

/// Everybody's standing; nobody's after a removal.
type Standings = BTreeMap<(&'static str, &'static str), Option<Standing>>;

/// One request, as far as the rules look at it.
#[derive(Debug)]
struct Request {
    method: Method,
    path: String,
    body: Value,
    organization: &'static str,
}

fn pick<'a, T>(random: &mut Random, items: &'a [T]) -> &'a T {
    &items[random.below(items.len())]
}

async fn world() -> World {
    let mut builder = World::acme_builder().await;
    let (alice, mallory) = (builder.user("alice"), builder.user("mallory"));
    let globex = builder.organization_id("globex");
    builder.token("alice-reads", TokenOwner::User(alice), Some(&["org:read", "member:read"])).await;
    builder.token("alice-members", TokenOwner::User(alice), Some(&["member:admin"])).await;
    builder.token("mallory-writes", TokenOwner::User(mallory), Some(&["member:write", "org:write"])).await;
    let scopes = ["org:admin", "member:admin", "team:admin"];
    builder.token("globex-integration", TokenOwner::Organization(globex), Some(&scopes)).await;
    builder.serve().await
}

async fn standings(world: &World) -> Standings {
    let mut all = Standings::new();
    for (organization, key) in MEMBERS {
        let stream = StreamId::from(world.member(organization, key));
        let found = world.deployment.ledger.state::<Member>(&stream).await.unwrap().state;
        let standing = found.exists().then(|| Standing {
            role: found.org_role.as_ref().unwrap().to_string(),
            teams: found
                .teams
                .iter()
                .map(|(team, role)| (*team, role.as_ref().map(ToString::to_string)))
                .collect(),
            pending: found.user.is_none(),
            user: found.user,
            inviter: found.inviter,
        });
        all.insert((organization, key), standing);
    }
    all
}

fn body_of_update(random: &mut Random) -> Value {
    let role = *pick(random, &["member", "admin", "manager", "owner", "owner", "emperor"]);
    let team = *pick(random, &["core", "infra", "web", "fleet"]);
    let team_role =
        pick(random, &[json!(null), json!("contributor"), json!("admin"), json!("captain")]).clone();
    let teams = json!([{"teamSlug": team, "role": team_role}]);
    match random.below(6) {
        0 | 1 => json!({ "orgRole": role }),
        2 => json!({ "role": role, "teams": [team] }),
        3 => json!({ "teamRoles": teams }),
        4 => json!({ "orgRole": role, "teamRoles": teams }),
        _ => json!({ "teams": [] }),
    }
}

/// Mostly about acme; the member in the path may be one of the other organization.
fn request(world: &World, random: &mut Random) -> Request {
    let organization = if random.below(5) == 0 { "globex" } else { "acme" };
    let (of, key) = *pick(random, MEMBERS);
    let id: MemberId = world.member(of, key);
    let base = format!("/api/0/organizations/{organization}/");
    let member = if random.below(8) == 0 { "me".to_owned() } else { id.to_string() };
    let (method, path, body) = match random.below(20) {
        0 => (Method::GET, format!("{base}members/?query=example"), json!({})),
        1 => (Method::GET, format!("{base}members/{member}/"), json!({})),
        2 => (Method::GET, base, json!({})),
        3 => (Method::GET, format!("{base}members/{member}/events/"), json!({})),
        4 => (Method::DELETE, format!("{base}members/{member}/"), json!({})),
        5 | 6 => (Method::POST, format!("{base}transfer-ownership/"), json!({"member": id.to_string()})),
        _ => (Method::PUT, format!("{base}members/{member}/"), body_of_update(random)),
    };
    Request { method, path, body, organization }
}

fn rank(role: &str) -> usize {
    ["member", "admin", "manager", "owner"].iter().position(|known| *known == role).unwrap()
}

/// Whether `by` may bring one member from `before` to `after`. `own` is the standing of the person who asks.
fn may(
    by: &Token,
    own: Option<&Standing>,
    is_self: bool,
    request: &Request,
    before: Option<&Standing>,
    after: Option<&Standing>,
) -> bool {
    let is_superuser = by.person == Some("root");
    let own_rank = own.map(|own| rank(&own.role));
    let administers = is_superuser || (by.member_admin && own_rank >= Some(rank("manager")));
    let (before, after) = match (before, after) {
        (None, _) => return false,
        (Some(before), None) => {
            let may_remove = administers && (is_superuser || own_rank >= Some(rank(&before.role)));
            // Whoever sent an invitation takes it back, with any token that may invite.
            let sent = own.is_some_and(|own| own.user.is_some() && own.user == before.inviter);
            let takes_back = before.pending && sent && by.secret != "alice-reads";
            let may = is_self || may_remove || takes_back;
            return request.method == Method::DELETE && may && by.person.is_some();
        }
        (Some(before), Some(after)) => (before, after),
    };
    if by.person.is_none() {
        return false;
    }
    if request.method == Method::POST {
        let owns = own.is_some_and(|own| own.role == "owner") && by.org_admin;
        let becomes = if is_self { "manager" } else { "owner" };
        return owns && !after.pending && after.role == becomes && only_redundant_cleared(before, after);
    }
    if request.method != Method::PUT || !administers {
        return false;
    }
    let changes_role = before.role != after.role;
    let reaches = |role: &str| is_superuser || own_rank >= Some(rank(role));
    !changes_role || (!is_self && reaches(&before.role) && reaches(&after.role) && after.role != "admin")
}

/// The teams are the same; explicit roles went only where the new role gives as much.
fn only_redundant_cleared(before: &Standing, after: &Standing) -> bool {
    let minimum_is_admin = rank(&after.role) >= rank("admin");
    before.teams.keys().eq(after.teams.keys())
        && before.teams.iter().all(|(team, role)| match (role, &after.teams[team]) {
            (role, now) if role == now => true,
            (Some(role), None) => minimum_is_admin || role == "contributor",
            _ => false,
        })
}

/// Whether an invitation is gone because whoever sent it is: that follows by itself, sooner or later (behaviour.md D14).
fn ended_with_its_sender(
    organization: &str,
    was: Option<&Standing>,
    is: Option<&Standing>,
    now: &Standings,
) -> bool {
    let (Some(was), None) = (was.filter(|was| was.pending), is) else { return false };
    let mut members = now.iter().filter(|((of, _), _)| *of == organization).filter_map(|(_, is)| is.as_ref());
    was.inviter.is_some_and(|sender| members.all(|member| member.user != Some(sender)))
}

/// Whether `by` has no business in the organization at all.
fn is_foreign(by: &Token, organization: &'static str, before: &Standings) -> bool {
    match by.person {
        None => by.secret != format!("{organization}-integration"),
        Some("root") => false,
        Some(person) => !before.get(&(organization, person)).is_some_and(Option::is_some),
    }
}

/// Whoever is foreign is told nothing of anybody.
fn assert_tells_nothing(world: &World, organization: &str, answer: &Answer, context: &str) {
    assert!(matches!(answer.status, 403 | 404), "{context}: {answer:?}");
    for (of, key) in MEMBERS.iter().filter(|(of, _)| *of == organization) {
        let id = world.member(of, key).to_string();
        assert!(!answer.text.contains(&id) && !answer.text.contains("@example.com"), "{context}: {answer:?}");
    }
}

#[tokio::test]
async fn nobody_gives_what_he_may_not_give_and_tenants_are_apart() {
    let seed = seed();
    let (mut changed, mut refused) = (0, 0);
    for number in 0..WORLDS {
        let mut random = Random::of(seed, number);
        let world = world().await;
        let mut before = standings(&world).await;
        for step in 0..REQUESTS {
            // Those who may do something are the ones who could do too much.
            let all = random.below(2) == 0;
            let by = pick(&mut random, if all { TOKENS } else { &TOKENS[..3] });
            let request = request(&world, &mut random);
            let context = format!("seed {seed}, world {number}, step {step}: {} {request:?}", by.secret);
            let client = world.with(by.secret);
            let sent = client.request(request.method.clone(), &request.path).json(&request.body);
            let answer = Client::send(sent).await;
            assert!(answer.status < 500, "{context}: {answer:?}");
            if is_foreign(by, request.organization, &before) {
                assert_tells_nothing(&world, request.organization, &answer, &context);
            }
            let after = standings(&world).await;
            for place in MEMBERS {
                let (was, is) = (&before[place], &after[place]);
                if was == is || ended_with_its_sender(place.0, was.as_ref(), is.as_ref(), &after) {
                    continue;
                }
                changed += 1;
                assert_eq!(place.0, request.organization, "{context}: {place:?} is of another tenant");
                assert!(answer.status < 300, "{context}: a refusal changed {place:?}: {answer:?}");
                let own = by.person.and_then(|person| before.get(&(place.0, person)));
                let own = own.and_then(Option::as_ref);
                let is_self = by.person == Some(place.1);
                assert!(
                    may(by, own, is_self, &request, was.as_ref(), is.as_ref()),
                    "{context}: {place:?} went from {was:?} to {is:?}: {answer:?}"
                );
            }
            refused += usize::from(answer.status >= 400);
            before = after;
        }
    }
    // The rules were put to the test, in both directions.
    assert!(changed > 50 && refused > 200, "seed {seed}: {changed} changes, {refused} refusals");
}

/// The rules of this file themselves: they can say no.
#[test]
fn the_second_writing_of_the_rules_refuses() {
    let standing = |role: &str| Standing {
        role: role.into(),
        teams: BTreeMap::new(),
        pending: false,
        user: None,
        inviter: None,
    };
    let by = |secret: &str| TOKENS.iter().find(|token| token.secret == secret).unwrap();
    let put = Request { method: Method::PUT, path: String::new(), body: json!({}), organization: "acme" };
    let (member, manager, owner) = (standing("member"), standing("manager"), standing("owner"));
    let allowed = |secret: &str, own: &Standing, from: &Standing, to: &Standing| {
        may(by(secret), Some(own), false, &put, Some(from), Some(to))
    };
    assert!(allowed("mallory-token", &manager, &member, &manager));
    assert!(!allowed("mallory-token", &manager, &member, &owner));
    assert!(!allowed("mallory-token", &manager, &owner, &member));
    assert!(!allowed("mallory-writes", &manager, &member, &manager));
    assert!(!allowed("alice-token", &owner, &member, &standing("admin")));
    assert!(!allowed("bob-token", &member, &member, &manager));
    assert!(!may(by("alice-token"), Some(&owner), true, &put, Some(&owner), Some(&member)));
    assert!(!may(by("acme-integration"), None, false, &put, Some(&member), Some(&manager)));
}
