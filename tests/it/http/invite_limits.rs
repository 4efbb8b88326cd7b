//! How many invitations a day (behaviour 2.5, D10).

use std::sync::Arc;

use futures_util::future::join_all;
use muster::{
    deployment::Deployment,
    http::{ServeOptions, serve},
};
use muster_events::organization::Feature;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::support::{Client, World};

const MEMBERS: &str = "/api/0/organizations/acme/members/";

fn limited() -> Value {
    json!({"detail": "You are being rate limited for too many invitations."})
}

/// Ten times a day to one address, by whomever; after a restart too.
#[tokio::test(flavor = "multi_thread")]
async fn the_eleventh_letter_of_a_day_to_an_address_is_refused_after_a_restart_too() {
    let world = World::acme().await;
    let (path, again) = (world.path("acme", "ivan"), json!({"reinvite": true}));
    // Refused attempts count nothing.
    world.of("bob").put(&path, &again).await.expect(403);
    world.of("alice").put(&path, &json!({"reinvite": true, "email": "x"})).await.expect(400);
    for turn in 0..10 {
        let key = ["alice", "mallory"][turn % 2];
        world.of(key).put(&path, &again).await.expect(200);
    }
    let before = world.head().await;
    assert_eq!(world.of("alice").put(&path, &again).await.expect(429).json(), limited());
    let regenerate = json!({"reinvite": true, "regenerate": true});
    let key = [("idempotency-key", "again-1")];
    let refused = world.of("mallory").put_with(&path, &regenerate, &key).await.expect(429);
    assert_eq!((refused.json(), world.head().await), (limited(), before));
    world.of("alice").delete(&path).await.expect(204);
    let invite = json!({"email": "IVAN@example.com"});
    assert_eq!(world.of("alice").post(MEMBERS, &invite).await.expect(429).json(), limited());

    let place = world.stop().await;
    let deployment = Arc::new(Deployment::open(&place.options()).await.unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let shutdown = CancellationToken::new();
    let server = tokio::spawn({
        let shutdown = shutdown.clone();
        async move { serve(&deployment, listener, ServeOptions::default(), shutdown).await.unwrap() }
    });
    let alice = Client::new(&base, Some("alice-token"));
    assert_eq!(alice.post(MEMBERS, &invite).await.expect(429).json(), limited());
    alice.post(MEMBERS, &json!({"email": "other@example.com"})).await.expect(201);
    let elsewhere = Client::new(&base, Some("greta-token"));
    elsewhere.post("/api/0/organizations/globex/members/", &invite).await.expect(201);
    shutdown.cancel();
    server.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_of_many_at_once_are_sent() {
    let world = World::acme().await;
    let (alice, path, before) = (world.of("alice"), world.path("acme", "ivan"), world.head().await);
    let answers = join_all((0..25).map(|_| {
        let (alice, path) = (alice.clone(), path.clone());
        async move { alice.put(&path, &json!({"reinvite": true})).await }
    }));
    let mut statuses: Vec<_> = answers.await.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [[200; 10].as_slice(), [429; 15].as_slice()].concat());
    assert_eq!(world.types_after(before).await.len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_invites_a_hundred_a_day_and_its_imports_do_not_count() {
    let world = World::acme().await;
    let (alice, mallory) = (world.of("alice"), world.of("mallory"));
    alice.post(MEMBERS, &json!({"email": "bob@example.com"})).await.expect(400);
    for number in 0..100 {
        let client = if number % 2 == 0 { &alice } else { &mallory };
        let body = json!({ "email": format!("n{number}@example.com") });
        client.post(MEMBERS, &body).await.expect(201);
    }
    for client in [&alice, &mallory, &world.with("acme-integration")] {
        let refused = client.post(MEMBERS, &json!({"email": "more@example.com"})).await.expect(429);
        assert_eq!(refused.json(), limited());
    }
    let other = json!({"email": "more@example.com"});
    world.of("greta").post("/api/0/organizations/globex/members/", &other).await.expect(201);
}

#[tokio::test]
async fn somebody_invites_a_hundred_a_day_in_all_his_organizations_together() {
    let mut builder = World::acme_builder().await;
    builder.member("globex", "alice", "manager", &[]).await;
    let world = builder.serve().await;
    let (alice, globex) = (world.of("alice"), "/api/0/organizations/globex/members/");
    for number in 0..100 {
        let members = if number < 60 { MEMBERS } else { globex };
        let body = json!({ "email": format!("n{number}@example.com") });
        alice.post(members, &body).await.expect(201);
    }
    let more = json!({"email": "more@example.com"});
    for members in [MEMBERS, globex] {
        assert_eq!(alice.post(members, &more).await.expect(429).json(), limited());
    }
    world.of("mallory").post(MEMBERS, &more).await.expect(201);
    world.of("greta").post(globex, &more).await.expect(201);
}

#[tokio::test]
async fn where_the_limits_are_switched_off_nothing_is_counted() {
    let mut builder = World::acme_builder().await;
    let off = vec![(Feature::InviteMembersRateLimits, false)];
    builder.organization_with("free", "greta", &[], |free| free.features = off).await;
    let world = builder.serve().await;
    let (greta, members) = (world.of("greta"), "/api/0/organizations/free/members/");
    let invited = greta.post(members, &json!({"email": "zoe@example.com"})).await.expect(201).json();
    let path = format!("{members}{}/", invited["id"].as_str().unwrap());
    for _ in 0..12 {
        greta.put(&path, &json!({"reinvite": true})).await.expect(200);
    }
}
