//! Requests to join: anybody may ask, five times a day, and learns nothing.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use muster::{
    clock::stopwatch,
    deployment::Deployment,
    http::{ServeOptions, serve},
};
use muster_events::organization::SsoProvider;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::support::{Answer, Client, Place, World};

const JOIN: &str = "/api/0/organizations/acme/join-request/";

/// A server that believes its clients where they come from.
async fn world() -> World {
    World::acme_builder().await.serve_with(behind_proxies()).await
}

fn behind_proxies() -> ServeOptions {
    ServeOptions { trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()], ..ServeOptions::default() }
}

async fn ask(client: &Client, email: &str, from: &str) -> Answer {
    client.post_with(JOIN, &json!({ "email": email }), &[("x-forwarded-for", from)]).await
}

/// One more server of what is kept in `place`.
async fn another(place: &Place) -> (Client, CancellationToken, JoinHandle<()>) {
    let deployment = Arc::new(Deployment::open(&place.options()).await.unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client::new(&format!("http://{}", listener.local_addr().unwrap()), None);
    let shutdown = CancellationToken::new();
    let stop = shutdown.clone();
    let server =
        tokio::spawn(async move { serve(&deployment, listener, behind_proxies(), stop).await.unwrap() });
    (client, shutdown, server)
}

#[tokio::test]
async fn an_unknown_address_becomes_a_request() {
    let world = world().await;
    let before = world.head().await;
    let asked = ask(&world.anonymous(), "Nina@example.com", "203.0.113.9").await.expect(204);
    assert_eq!((asked.text.as_str(), asked.header("muster-position")), ("", None));
    assert_eq!(world.types_after(before).await, ["JoinRequested"]);
    let after = muster_events::stream::Position(before);
    let event = world.deployment.ledger.store().read_all(after, 1).await.unwrap().remove(0);
    let metadata: Value = serde_json::from_str(&event.metadata).unwrap();
    assert_eq!(metadata["actor"], json!({"kind": "anonymous"}));
    assert!(metadata.get("ip").is_none() && metadata.get("user_agent").is_none(), "{metadata}");

    let list = world.of("alice").get("/api/0/organizations/acme/invite-requests/").await.expect(200).json();
    let nina = &list.as_array().unwrap()[1];
    assert_eq!(
        (&nina["email"], &nina["inviteStatus"], &nina["orgRole"], &nina["inviterName"]),
        (&json!("Nina@example.com"), &json!("requested_to_join"), &json!("member"), &Value::Null)
    );
    let stored = world.place.everything_stored().await;
    for canary in ["Nina@example.com", "nina@example.com", "203.0.113.9"] {
        let found = stored.windows(canary.len()).any(|window| window == canary.as_bytes());
        assert!(!found, "{canary} is stored");
    }
}

#[tokio::test]
async fn known_and_unknown_addresses_have_the_same_answer() {
    let mut builder = World::acme_builder().await;
    let two = |emails: &mut Vec<(String, bool)>| emails.push(("Second@home.example".into(), false));
    builder.person_with("sam", |sam| two(&mut sam.emails)).await;
    builder.member("acme", "sam", "member", &[]).await;
    let world = builder.serve_with(behind_proxies()).await;
    let anyone = world.anonymous();
    let mut answers = vec![];
    for (index, email) in [
        "new@example.com",
        "NEW@example.com",
        "alice@example.com",
        "second@HOME.example",
        "ivan@example.com",
        "jo@example.com",
        "greta@example.com",
    ]
    .iter()
    .enumerate()
    {
        let before = world.head().await;
        let began = stopwatch();
        let answer = ask(&anyone, email, &format!("203.0.113.{index}")).await.expect(204);
        // Whatever there was to do, it is over within the first step of time that an answer can leave at.
        assert!(
            began.elapsed() >= Duration::from_millis(100),
            "{email} was answered after {:?}",
            began.elapsed()
        );
        let appended = world.head().await - before;
        assert_eq!(appended, u64::from(matches!(*email, "new@example.com" | "greta@example.com")), "{email}");
        let names: BTreeSet<_> = answer.headers.keys().map(ToString::to_string).collect();
        answers.push((names, answer.text));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
}

#[tokio::test]
async fn every_attempt_counts_and_the_sixth_is_refused() {
    let world = world().await;
    let anyone = world.anonymous();
    let from = "198.51.100.7";
    ask(&anyone, "one@example.com", from).await.expect(204);
    ask(&anyone, "one@example.com", from).await.expect(204);
    ask(&anyone, "alice@example.com", from).await.expect(204);
    let wrong = ask(&anyone, "nonsense", from).await.expect(400);
    assert_eq!(wrong.json(), json!({"email": ["Enter a valid email address."]}));
    let missing = anyone.post_with(JOIN, &json!({}), &[("x-forwarded-for", from)]).await.expect(400);
    assert_eq!(missing.json(), json!({"email": ["This field is required."]}));
    let before = world.head().await;
    for email in ["two@example.com", "alice@example.com", "nonsense"] {
        let refused = ask(&anyone, email, from).await.expect(429);
        assert_eq!(refused.json(), json!({"detail": "Rate limit exceeded."}));
        assert_eq!(refused.header("muster-position"), None);
    }
    // Of what stands before the last proxy, anybody can say anything.
    ask(&anyone, "two@example.com", &format!("192.0.2.1, {from}")).await.expect(429);
    ask(&anyone, "two@example.com", &format!("::ffff:{from}")).await.expect(429);
    assert_eq!(world.head().await, before);
    ask(&anyone, "two@example.com", "198.51.100.8").await.expect(204);
    assert_eq!(world.head().await, before + 1);
}

#[tokio::test]
async fn whoever_has_a_whole_network_of_addresses_is_counted_as_one() {
    let world = world().await;
    let anyone = world.anonymous();
    for attempt in 0..5 {
        ask(&anyone, "x@example.com", &format!("2001:db8:1:2::{attempt}")).await.expect(204);
    }
    ask(&anyone, "x@example.com", "2001:db8:1:2:ffff::1").await.expect(429);
    ask(&anyone, "x@example.com", "2001:db8:1:3::1").await.expect(204);
}

#[tokio::test]
async fn the_limit_holds_over_a_restart() {
    let world = world().await;
    let anyone = world.anonymous();
    for attempt in 0..5 {
        ask(&anyone, &format!("a{attempt}@example.com"), "203.0.113.1").await.expect(204);
    }
    let place = world.stop().await;
    let (client, shutdown, server) = another(&place).await;
    ask(&client, "b@example.com", "203.0.113.1").await.expect(429);
    ask(&client, "b@example.com", "203.0.113.2").await.expect(204);
    shutdown.cancel();
    server.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_holds_across_servers_that_share_a_ledger() {
    let world = world().await;
    let (other, shutdown, server) = another(&world.place).await;
    let one = world.anonymous();
    let before = world.head().await;
    let asked = (0..16).map(|attempt| {
        let client = if attempt % 2 == 0 { one.clone() } else { other.clone() };
        tokio::spawn(async move { ask(&client, &format!("a{attempt}@example.com"), "203.0.113.1").await })
    });
    let answers = futures_util::future::join_all(asked.collect::<Vec<_>>()).await;
    let statuses: Vec<_> = answers.into_iter().map(|answer| answer.unwrap().status).collect();
    let of = |status| statuses.iter().filter(|found| **found == status).count();
    assert_eq!((of(204), of(429)), (5, 11), "{statuses:?}");
    assert_eq!(world.head().await, before + 5);
    shutdown.cancel();
    server.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_who_ask_with_one_address_at_once_one_is_asked_for() {
    let world = world().await;
    let (client, before) = (world.anonymous(), world.head().await);
    let asked = (0..8).map(|attempt| {
        let client = client.clone();
        tokio::spawn(async move { ask(&client, "same@example.com", &format!("203.0.113.{attempt}")).await })
    });
    for answer in futures_util::future::join_all(asked.collect::<Vec<_>>()).await {
        answer.unwrap().expect(204);
    }
    assert_eq!(world.types_after(before).await, ["JoinRequested"]);
}

#[tokio::test]
async fn where_no_requests_are_taken_nobody_is_counted() {
    let mut builder = World::acme_with(&[("allowJoinRequests", json!(false))]).await;
    builder.person("olga").await;
    let with_provider = |linked: &mut muster::ledger::operations::ImportOrganization| {
        let (provider, name) = ("okta".into(), "Okta".into());
        linked.sso = Some(SsoProvider { provider, name, allow_unlinked: true });
    };
    builder.organization_with("linked", "olga", &[], with_provider).await;
    let world = builder.serve().await;
    let anyone = world.anonymous();
    for _ in 0..7 {
        let refused = anyone.post(JOIN, &json!({"email": "nonsense"})).await.expect(403);
        assert_eq!(refused.json(), json!({"detail": "Your organization does not allow join requests."}));
        assert_eq!(refused.header("muster-position"), None);
    }
    let linked = "/api/0/organizations/linked/join-request/";
    let refused = anyone.post(linked, &json!({"email": "x@example.com"})).await.expect(403);
    assert_eq!((refused.text.as_str(), refused.header("content-type")), ("", None));
    let problem = [("accept", "application/problem+json")];
    let refused = anyone.post_with(linked, &json!({}), &problem).await.expect(403).json();
    assert_eq!(refused["code"], json!("joined_through_provider"));
    for unknown in ["nowhere", "12345", "%00"] {
        let path = format!("/api/0/organizations/{unknown}/join-request/");
        anyone.post(&path, &json!({"email": "x@example.com"})).await.expect(404);
    }
}

#[tokio::test]
async fn hostile_bodies_make_no_request() {
    let world = world().await;
    let before = world.head().await;
    let anyone = world.anonymous();
    for (number, email) in [
        json!(null),
        json!([]),
        json!({}),
        json!(1),
        json!("a\u{0}@example.com"),
        json!("a@b@c"),
        json!(format!("{}@example.com", "x".repeat(70))),
        json!("x@qq.com"),
        json!("\u{202e}"),
    ]
    .into_iter()
    .enumerate()
    {
        let from = format!("203.0.113.{number}");
        let body = json!({ "email": email });
        let refused = anyone.post_with(JOIN, &body, &[("x-forwarded-for", &from)]).await.expect(400).json();
        assert!(refused["email"].is_array(), "{body}: {refused}");
    }
    for body in ["{", "[]", "null", "\u{0}"] {
        let request = anyone.request(Method::POST, JOIN).header("content-type", "application/json");
        Client::send(request.body(body)).await.expect(400);
    }
    Client::send(anyone.request(Method::GET, JOIN)).await.expect(405);
    assert_eq!(world.head().await, before);
}
