//! GET and POST of organizations.

use muster_events::token::TokenOwner;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Client, World};

const ALL: &str = "/api/0/organizations/";

async fn post(client: &Client, body: &Value, headers: &[(&str, &str)]) -> crate::support::Answer {
    let request = client.request(Method::POST, ALL).json(body);
    Client::send(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
}

async fn slugs(client: &Client, query: &str) -> Vec<String> {
    let listed = client.get(&format!("{ALL}{query}")).await.expect(200).json();
    listed.as_array().unwrap().iter().map(|one| one["slug"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn whoever_creates_an_organization_owns_it() {
    let world = World::acme().await;
    let (bob, before) = (world.of("bob"), world.head().await);
    let created = post(&bob, &json!({"name": " Initech, Inc. ", "defaultTeam": true}), &[]).await.expect(201);
    let types = ["OrganizationCreated", "TeamCreated", "MemberAdded", "TeamAssigned"];
    assert_eq!(world.types_after(before).await, types);
    let shown = created.json();
    assert_eq!((&shown["slug"], &shown["name"]), (&json!("initech-inc"), &json!("Initech, Inc.")));
    assert!(shown["access"].as_array().unwrap().contains(&json!("org:admin")));
    let path = "/api/0/organizations/initech-inc/";
    let detailed = bob.get(path).await.expect(200).json();
    assert_eq!(detailed["role"], json!("owner"));
    let team = &detailed["teams"][0];
    assert_eq!((&team["name"], &team["isMember"]), (&json!("Initech, Inc."), &json!(true)));
    world.of("alice").get(path).await.expect(403);
    bob.delete(&format!("{path}members/me/")).await.expect(403);
}

#[tokio::test]
async fn a_slug_is_made_that_is_free() {
    let world = World::acme().await;
    let bob = world.of("bob");
    for (name, begins) in [("Acme", "acme-"), ("42", "org-"), ("\u{65e5}\u{672c}", "org-"), ("api", "org-")] {
        let slug = post(&bob, &json!({"name": name}), &[]).await.expect(201).json()["slug"].clone();
        assert!(slug.as_str().unwrap().starts_with(begins), "{slug}");
    }
    let chosen = post(&bob, &json!({"name": "Acme", "slug": "acme-two"}), &[]).await.expect(201).json();
    assert_eq!(chosen["slug"], json!("acme-two"));
}

#[tokio::test]
async fn what_cannot_be_created_is_refused_with_all_that_is_wrong() {
    let world = World::acme().await;
    let (bob, before) = (world.of("bob"), world.head().await);
    for (body, expected) in [
        (json!({}), json!({"name": ["This field is required."]})),
        (
            json!({"name": "", "slug": "acme", "defaultTeam": "perhaps"}),
            json!({"defaultTeam": ["Must be a valid boolean."],
                "slug": ["The slug \"acme\" is already in use."], "name": ["This field may not be blank."]}),
        ),
        (
            json!({"name": 7.5e3, "slug": 12}),
            json!({"slug": ["This slug \"12\" is too short. Minimum of 3 characters."]}),
        ),
        (json!({"name": null}), json!({"name": ["This field may not be null."]})),
        (
            json!({"name": "x".repeat(65)}),
            json!({"name": ["Ensure this field has no more than 64 characters."]}),
        ),
    ] {
        assert_eq!(post(&bob, &body, &[]).await.expect(400).json(), expected, "{body}");
    }
    post(&world.anonymous(), &json!({"name": "A"}), &[]).await.expect(401);
    post(&world.with("acme-integration"), &json!({"name": "Initech"}), &[]).await.expect(400);
    assert_eq!(world.head().await, before);
}

#[tokio::test]
async fn a_limited_token_creates_what_it_may_change() {
    let mut builder = World::acme_builder().await;
    let carol = builder.person("carol").await;
    builder.token("narrow", TokenOwner::User(carol), Some(&["member:admin"])).await;
    builder.token("wide", TokenOwner::User(carol), Some(&["org:write"])).await;
    let world = builder.serve().await;
    post(&world.with("narrow"), &json!({"name": "Initech"}), &[]).await.expect(403);
    post(&world.with("wide"), &json!({"name": "Initech"}), &[]).await.expect(201);
}

#[tokio::test]
async fn a_repetition_creates_nothing() {
    let world = World::acme().await;
    let (bob, body) = (world.of("bob"), json!({"name": "Initech"}));
    let first = post(&bob, &body, &[("idempotency-key", "new")]).await.expect(201);
    let head = world.head().await;
    let again = post(&bob, &body, &[("idempotency-key", "new")]).await.expect(201);
    assert_eq!(world.head().await, head);
    assert_eq!((again.json(), again.header("idempotent-replayed")), (first.json(), Some("true")));
    post(&bob, &json!({"name": "Other"}), &[("idempotency-key", "new")]).await.expect(422);
}

#[tokio::test]
async fn of_many_who_want_one_slug_one_gets_it() {
    let world = World::acme().await;
    let wishes = ["alice", "bob", "dana", "greta", "adam"].map(|key| {
        let client = world.of(key);
        tokio::spawn(async move { post(&client, &json!({"name": "W", "slug": "wanted"}), &[]).await.status })
    });
    let mut statuses = vec![];
    for wish in wishes {
        statuses.push(wish.await.unwrap());
    }
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 201 | 400 | 409)), "{statuses:?}");
}

#[tokio::test]
async fn everyone_sees_his_own_the_newest_first() {
    let world = World::acme().await;
    assert_eq!(slugs(&world.of("bob"), "").await, ["globex", "acme"]);
    assert_eq!(slugs(&world.of("alice"), "").await, ["acme"]);
    assert_eq!(slugs(&world.of("root"), "").await, [""; 0]);
    assert_eq!(slugs(&world.of("root"), "?show=all").await, ["globex", "acme"]);
    assert_eq!(slugs(&world.of("alice"), "?show=all").await, ["acme"]);
    assert_eq!(slugs(&world.with("acme-integration"), "").await, ["acme"]);
    world.anonymous().get(ALL).await.expect(401);
    let one = &world.of("alice").get(ALL).await.expect(200).json()[0];
    assert!(one.get("access").is_none() && one.get("teams").is_none());
    assert_eq!(one["status"], json!({"id": "active", "name": "active"}));
    assert_eq!(slugs(&world.of("bob"), "?sortBy=members").await, ["acme", "globex"]);
}

#[tokio::test]
async fn pages_lead_from_one_to_the_next() {
    let world = World::acme().await;
    let bob = world.of("bob");
    let first = bob.get(&format!("{ALL}?per_page=1")).await.expect(200);
    assert_eq!(first.json()[0]["slug"], json!("globex"));
    assert!(first.header("link").unwrap().contains("rel=\"next\"; results=\"true\"; cursor=\"0:1:0\""));
    let second = bob.get(&format!("{ALL}?per_page=1&cursor=0:1:0")).await.expect(200);
    assert_eq!(second.json()[0]["slug"], json!("acme"));
    assert!(second.header("link").unwrap().contains("rel=\"next\"; results=\"false\""));
    for query in ["?per_page=0", "?per_page=x", "?cursor=x", "?at_least=x"] {
        bob.get(&format!("{ALL}{query}")).await.expect(400);
    }
}

#[tokio::test]
async fn a_query_narrows_the_list() {
    let world = World::acme().await;
    let bob = world.of("bob");
    let acme = world.organization("acme").to_string();
    let dana = world.member("acme", "dana").to_string();
    let both: &[&str] = &["globex", "acme"];
    let found: [(&str, &[&str]); 17] = [
        ("acme", &["acme"]),
        ("THE", both),
        ("the%20globex", &["globex"]),
        ("100%25", &[]),
        ("slug:acme", &["acme"]),
        ("slug:acme%20slug:globex", both),
        ("slug:acme%20id:7", &[]),
        (&format!("id:{acme}"), &["acme"]),
        ("id:x", &[]),
        ("status:active", both),
        ("status:pending_deletion", &[]),
        ("status:nonsense", &[]),
        ("email:Alice@example.com", &["acme"]),
        ("email:ivan@example.com", &["acme"]),
        (&format!("member_id:{dana}"), &["acme"]),
        ("colour:red", &[]),
        ("a%00b", &[]),
    ];
    for (query, expected) in found {
        assert_eq!(slugs(&bob, &format!("?query={query}")).await, expected, "{query}");
    }
}

#[tokio::test]
async fn owners_see_whether_they_are_the_only_ones() {
    let mut builder = World::acme_builder().await;
    builder.member("globex", "alice", "owner", &[]).await;
    let world = builder.serve().await;
    let owned = world.of("alice").get(&format!("{ALL}?owner=1")).await.expect(200).json();
    let seen: Vec<_> = owned
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["organization"]["slug"].clone(), one["singleOwner"].clone()))
        .collect();
    assert_eq!(seen, [(json!("globex"), json!(false)), (json!("acme"), json!(true))]);
    assert_eq!(world.of("bob").get(&format!("{ALL}?owner=1")).await.expect(200).json(), json!([]));
}
