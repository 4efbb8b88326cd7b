//! The past compared with a fold of an export by a program in another language (tests/past/fold.py).

use std::{
    collections::BTreeMap,
    io::Write as _,
    num::NonZeroU32,
    process::{Command, Stdio},
};

use muster::http::{Limits, ServeOptions};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Client, Random, World, seed};

/// What is asked for, and how many moments are compared; the long form has its numbers from the environment.
const ASKED: usize = 250;
const MOMENTS: usize = 60;

const PEOPLE: [&str; 6] = ["alice", "mallory", "adam", "bob", "dana", "zoe"];
const TEAMS: [&str; 3] = ["core", "web", "ops"];
const ROLES: [&str; 4] = ["member", "admin", "manager", "owner"];

fn number(variable: &str, otherwise: usize) -> usize {
    std::env::var(variable).map_or(otherwise, |text| text.parse().unwrap())
}

/// Asks for something that may be refused; both are part of a history.
async fn ask(world: &World, random: &mut Random, emails: &mut usize) {
    let root = world.of("root");
    let slug = ["acme", "globex"][random.below(2)];
    let members = format!("/api/0/organizations/{slug}/members/");
    let listed = root.get(&members).await.expect(200).json();
    let listed = listed.as_array().unwrap();
    let anybody = listed[random.below(listed.len())]["id"].as_str().unwrap().to_owned();
    let member = format!("{members}{anybody}/");
    let team = TEAMS[random.below(TEAMS.len())];
    let role = ROLES[random.below(ROLES.len())];
    let (method, path, body) = match random.below(11) {
        0 | 1 => {
            *emails += 1;
            let email = format!("{}@example.com", *emails);
            (Method::POST, members, json!({"email": email, "orgRole": role}))
        }
        2 => (Method::DELETE, member, json!({})),
        3 | 4 => (Method::PUT, member, json!({"orgRole": role})),
        5 => {
            let team_role = ["admin", "contributor"][random.below(2)];
            let roles = json!([{"teamSlug": team, "role": team_role}]);
            (Method::PUT, member, json!({"teamRoles": roles}))
        }
        6 => (Method::POST, format!("{member}teams/{team}/"), json!({})),
        7 => (Method::DELETE, format!("{member}teams/{team}/"), json!({})),
        8 => {
            (Method::POST, format!("/api/0/organizations/{slug}/teams/"), json!({"slug": team, "name": team}))
        }
        9 => (Method::DELETE, format!("/api/0/teams/{slug}/{team}/"), json!({})),
        _ => {
            let user = world.user(PEOPLE[1 + random.below(PEOPLE.len() - 1)]);
            (Method::PUT, format!("/api/0/users/{user}/"), json!({"active": random.below(2) == 0}))
        }
    };
    let sent = root.request(method, &path).json(&body).send().await.unwrap();
    assert!(sent.status().as_u16() < 500, "{path} {body}: {}", sent.status());
}

/// An organization as the API shows it at a position, in the form of the other program.
async fn shown(root: &Client, slug: &str, position: u64) -> Value {
    let of = async |path: String| {
        let joint = if path.contains('?') { '&' } else { '?' };
        root.get(&format!("{path}{joint}as_of={position}")).await
    };
    let organization = of(format!("/api/0/organizations/{slug}/?detailed=0")).await;
    if organization.status == 404 {
        return json!({"name": null, "teams": [], "members": {}});
    }
    let teams = of(format!("/api/0/organizations/{slug}/teams/")).await.expect(200).json();
    let mut teams: Vec<_> = teams.as_array().unwrap().iter().map(|team| team["slug"].clone()).collect();
    teams.sort_by_key(Value::to_string);
    let listed = of(format!("/api/0/organizations/{slug}/members/")).await.expect(200).json();
    let mut members = BTreeMap::new();
    for member in listed.as_array().unwrap() {
        let id = member["id"].as_str().unwrap();
        let details = of(format!("/api/0/organizations/{slug}/members/{id}/")).await.expect(200).json();
        let roles = details["teamRoles"].as_array().unwrap().iter();
        let roles: BTreeMap<_, _> =
            roles.map(|of| (of["teamSlug"].as_str().unwrap().to_owned(), of["role"].clone())).collect();
        let shown = json!({"role": member["orgRole"], "pending": member["pending"], "teams": roles});
        members.insert(id.to_owned(), shown);
    }
    json!({"name": organization.expect(200).json()["name"], "teams": teams, "members": members})
}

/// What the other program says of each moment.
fn folded(export: &str, moments: &[(String, u64)]) -> Vec<Value> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), export).unwrap();
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/past/fold.py");
    let python = std::env::var("MUSTER_TEST_PYTHON").unwrap_or_else(|_| "python3".into());
    let mut command = Command::new(python);
    command.arg(program).arg(file.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut process = command.spawn().expect("this test needs Python: run tests/run");
    let mut input = process.stdin.take().unwrap();
    for moment in moments {
        writeln!(input, "{}", json!(moment)).unwrap();
    }
    drop(input);
    let output = process.wait_with_output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_past_is_what_a_program_in_another_language_folds_from_an_export() {
    let (asked, moments) = (number("MUSTER_TEST_ASKED", ASKED), number("MUSTER_TEST_MOMENTS", MOMENTS));
    let mut builder = World::acme_builder().await;
    builder.person("zoe").await;
    builder.member("globex", "zoe", "manager", &[]).await;
    let limits = Limits { member_lists: None::<NonZeroU32>, ..Limits::default() };
    let world = builder.serve_with(ServeOptions { limits, ..ServeOptions::default() }).await;
    let root = world.of("root");
    let off = json!({"features": {"invite-members-rate-limits": false}});
    for slug in ["acme", "globex"] {
        root.put(&format!("/api/0/organizations/{slug}/administration/"), &off).await.expect(200);
    }
    let mut random = Random::of(seed(), 0);
    let mut emails = 0;
    for _ in 0..asked {
        ask(&world, &mut random, &mut emails).await;
    }
    let request = root.request(Method::GET, "/api/0/events/").header("accept", "application/x-ndjson");
    let export = request.send().await.unwrap().text().await.unwrap();
    let head = usize::try_from(world.head().await).unwrap();
    let chosen: Vec<_> = (0..moments)
        .map(|_| (["acme", "globex"][random.below(2)], u64::try_from(1 + random.below(head)).unwrap()))
        .collect();
    let named: Vec<_> =
        chosen.iter().map(|(slug, position)| (world.organization(slug).to_string(), *position)).collect();
    for ((slug, position), expected) in chosen.iter().zip(folded(&export, &named)) {
        assert_eq!(shown(&root, slug, *position).await, expected, "{slug} at {position}");
    }
}
