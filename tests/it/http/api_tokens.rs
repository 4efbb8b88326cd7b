//! Bearer tokens, issued and revoked over HTTP.

use muster_events::token::TokenOwner;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Client, World};

const TOKENS: &str = "/api/0/api-tokens/";
const MEMBERS: &str = "/api/0/organizations/acme/members/";

async fn post(client: &Client, body: &Value) -> Answer {
    Client::send(client.request(Method::POST, TOKENS).json(body)).await
}

async fn post_with(client: &Client, body: &Value, key: &str) -> Answer {
    Client::send(client.request(Method::POST, TOKENS).json(body).header("idempotency-key", key)).await
}

#[tokio::test]
async fn a_person_issues_a_token_for_himself_and_it_works_within_its_scopes() {
    let world = World::acme().await;
    let issued = post(&world.of("bob"), &json!({"scopes": ["member:read"]})).await.expect(201).json();
    assert_eq!(issued["user"], json!(world.user("bob").to_string()));
    assert_eq!((&issued["scopes"], &issued["revoked"]), (&json!(["member:read"]), &json!(false)));
    let secret = issued["token"].as_str().unwrap();
    assert!(secret.starts_with("muster_"));
    let narrow = world.with(secret);
    narrow.get(MEMBERS).await.expect(200);
    narrow.get("/api/0/organizations/acme/teams/").await.expect(403);
    let stored = world.place.everything_stored().await;
    assert!(!stored.windows(secret.len()).any(|window| window == secret.as_bytes()), "the secret is kept");
    let all = post(&world.of("bob"), &json!({})).await.expect(201).json();
    assert_eq!(all["scopes"], Value::Null);
}

#[tokio::test]
async fn the_secret_is_shown_once() {
    let world = World::acme().await;
    let (bob, body) = (world.of("bob"), json!({"scopes": ["member:read"]}));
    let first = post_with(&bob, &body, "once").await.expect(201);
    let head = world.head().await;
    let again = post_with(&bob, &body, "once").await.expect(409);
    assert_eq!((again.position(), again.header("idempotent-replayed")), (first.position(), Some("true")));
    assert!(again.json()["detail"].is_string() && again.json().get("token").is_none());
    post_with(&bob, &json!({}), "once").await.expect(422);
    assert_eq!(world.head().await, head);
    let listed = bob.get(TOKENS).await.expect(200);
    assert!(!listed.text.contains(first.json()["token"].as_str().unwrap()));
}

#[tokio::test]
async fn no_token_is_wider_than_the_one_that_asked_for_it() {
    let mut builder = World::acme_builder().await;
    let lena = builder.person("lena").await;
    builder.token("limited", TokenOwner::User(lena), Some(&["member:admin"])).await;
    let world = builder.serve().await;
    let (limited, before) = (world.with("limited"), world.head().await);
    for body in [
        json!({}),
        json!({"scopes": null}),
        json!({"scopes": ["org:read"]}),
        json!({"scopes": ["member:read", "org:read"]}),
    ] {
        post(&limited, &body).await.expect(403);
    }
    assert_eq!(world.head().await, before);
    post(&limited, &json!({"scopes": ["member:read"]})).await.expect(201);
    post(&limited, &json!({"scopes": ["member:admin"]})).await.expect(201);
}

#[tokio::test]
async fn tokens_for_others_are_issued_by_superusers() {
    let world = World::acme().await;
    let (bob, root) = (world.user("bob").to_string(), world.of("root"));
    for client in [world.of("alice"), world.of("greta")] {
        post(&client, &json!({"user": bob})).await.expect(403);
        post(&client, &json!({"organization": "acme"})).await.expect(403);
    }
    let integration = post(&world.with("acme-integration"), &json!({"scopes": []})).await.expect(400).json();
    assert_eq!(integration, json!({"detail": "This endpoint is restricted to user tokens."}));
    let of_bob = post(&root, &json!({"user": bob, "scopes": ["org:read"]})).await.expect(201).json();
    world.with(of_bob["token"].as_str().unwrap()).get("/api/0/organizations/acme/").await.expect(200);
    let of_acme =
        post(&root, &json!({"organization": "acme", "scopes": ["member:read"]})).await.expect(201).json();
    assert_eq!(of_acme["organization"], json!(world.organization("acme").to_string()));
    let machine = world.with(of_acme["token"].as_str().unwrap());
    machine.get(MEMBERS).await.expect(200);
    machine.get("/api/0/organizations/globex/members/").await.expect(403);
}

#[tokio::test]
async fn everybody_lists_and_revokes_his_own() {
    let world = World::acme().await;
    let (bob, root) = (world.of("bob"), world.of("root"));
    let listed = bob.get(TOKENS).await.expect(200).json();
    let own = json!(world.user("bob").to_string());
    assert!(listed.as_array().unwrap().iter().all(|token| token["user"] == own));
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(root.get(TOKENS).await.expect(200).json().as_array().unwrap().len(), 8);
    let of_acme = world.with("acme-integration").get(TOKENS).await.expect(200).json();
    assert_eq!(of_acme[0]["organization"], json!(world.organization("acme").to_string()));
    let alices = format!("{TOKENS}{}/", world.token("alice-token"));
    bob.delete(&alices).await.expect(404);
    bob.delete(&format!("{TOKENS}12345/")).await.expect(404);
    bob.delete(&format!("{TOKENS}garbage/")).await.expect(404);
    world.anonymous().delete(&alices).await.expect(401);
    world.of("alice").get(MEMBERS).await.expect(200);
    let spare = post(&bob, &json!({})).await.expect(201).json();
    let (path, client) =
        (format!("{TOKENS}{}/", spare["id"].as_str().unwrap()), world.with(spare["token"].as_str().unwrap()));
    client.get(MEMBERS).await.expect(200);
    let first = bob.delete_with(&path, &[("idempotency-key", "gone")]).await.expect(204);
    client.get(MEMBERS).await.expect(401);
    let head = world.head().await;
    let again = bob.delete_with(&path, &[("idempotency-key", "gone")]).await.expect(204);
    assert_eq!(again.position(), first.position());
    bob.delete(&path).await.expect(204);
    assert_eq!(world.head().await, head);
    root.delete(&alices).await.expect(204);
    world.of("alice").get(MEMBERS).await.expect(401);
    // The last thing that a token can do is to end itself.
    bob.delete(&format!("{TOKENS}{}/", world.token("bob-token"))).await.expect(204);
    bob.get(TOKENS).await.expect(401);
}

#[tokio::test]
async fn bad_input_is_named() {
    let world = World::acme().await;
    let (root, before) = (world.of("root"), world.head().await);
    for (field, value) in [
        ("scopes", json!("org:read")),
        ("scopes", json!(["Org"])),
        ("scopes", json!(["org:fly"])),
        ("scopes", json!([7])),
        ("user", json!("nobody")),
        ("user", json!("12345")),
        ("user", json!({})),
        ("organization", json!("nowhere")),
        ("organization", json!("12345")),
        ("organization", json!([])),
    ] {
        let refused = post(&root, &json!({ field: value })).await.expect(400).json();
        assert!(refused[field].is_array(), "{field} {value}: {refused}");
    }
    post(&root, &json!({"user": "me", "organization": "acme"})).await.expect(400);
    root.get(&format!("{TOKENS}?per_page=x")).await.expect(400);
    assert_eq!(world.head().await, before);
}
