//! Planted values: everything personal of somebody is unlike anything else, so that whatever is left of it after an erasure
//! is found.

use muster::{
    http::ServeOptions,
    ledger::{
        CommandMeta, Turn,
        operations::{Attempted, QueueLetter, RecordAttempt},
    },
    sealing::Unsealed,
    store::leaf::RunningDigest,
};
use muster_events::{
    letter::{About, LetterId, LetterKind, NewLetter, Recipient},
    member::InviteStatus,
    stream::Position,
    user::User,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Client, World};

/// What is planted, in lower case: of a person with an account, then of one without.
const CANARIES: [&str; 9] = [
    "canary-name",
    "canary-username",
    "canary-first@example.com",
    "canary-second@example.com",
    "canary-unverified@example.com",
    "203.0.113.77",
    "canary-agent/7.7",
    "mailbox of canary is full",
    "canary-invitee@example.com",
];
const JSON: &str = "application/json";

/// `acme` with the canary as a member, a `globex` that has invited both of them, behind a server.
async fn planted() -> World {
    let mut builder = World::acme_builder().await;
    let register = |canary: &mut muster::ledger::operations::RegisterUser| {
        canary.username = "Canary-Username".into();
        canary.name = Some("before".into());
        canary.emails = vec![
            ("Canary-First@example.com".into(), true),
            ("canary-second@example.com".into(), true),
            ("canary-unverified@example.com".into(), false),
        ];
    };
    builder.person_with("canary", register).await;
    builder.member("acme", "canary", "manager", &[]).await;
    builder.pending("globex", "canary-second", InviteStatus::Approved, Some("greta")).await;
    builder.pending("globex", "canary-invitee", InviteStatus::RequestedToJoin, None).await;
    let trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let world = builder.serve_with(ServeOptions { trusted_proxies, ..ServeOptions::default() }).await;
    let renamed =
        world.of("canary").request(Method::PUT, "/api/0/users/me/").json(&json!({"name": "Canary-Name"}));
    let from = renamed.header("x-forwarded-for", "203.0.113.77").header("user-agent", "Canary-Agent/7.7");
    Client::send(from).await.expect(200);
    world.of("canary").put(&world.path("acme", "dana"), &json!({"orgRole": "manager"})).await;
    fail_a_letter(&world).await;
    world
}

/// A letter to the canary that a server refuses with a word about it.
async fn fail_a_letter(world: &World) {
    let (ledger, user) = (&world.deployment.ledger, world.user("canary"));
    let email = ledger.state::<User>(&user.into()).await.unwrap().state.addresses[0].email.clone();
    let (organization, to) = (world.organization("acme"), Recipient::User(user));
    let id = LetterId::derive(uuid::Uuid::from_u128(7), LetterKind::SsoDisabled, to);
    let about = About::default();
    let letter = NewLetter { kind: LetterKind::SsoDisabled, organization, to, email, about };
    let meta = CommandMeta::system();
    ledger.execute(&QueueLetter { id, letter }, &meta, Turn::unkeyed()).await.unwrap();
    let text = "The mailbox of canary is full".to_owned();
    let next_attempt_at = Some(ledger.clock().now().plus_days(1));
    let attempted = Attempted::Failed { code: Some(452), text, next_attempt_at };
    let record = RecordAttempt { id, organization, attempted };
    ledger.execute(&record, &meta, Turn::unkeyed()).await.unwrap();
}

/// Everything that anybody can read: the history, the accounts, the members, the audit logs, exports.
async fn everything_readable(world: &World) -> String {
    let (root, mut all) = (world.of("root"), String::new());
    for path in [
        "/api/0/events/?limit=1000".to_owned(),
        "/api/0/users/".to_owned(),
        "/api/0/organizations/acme/members/".to_owned(),
        "/api/0/organizations/acme/members/?query=canary".to_owned(),
        "/api/0/organizations/globex/members/".to_owned(),
        "/api/0/organizations/globex/invite-requests/".to_owned(),
        "/api/0/organizations/acme/audit-logs/".to_owned(),
        "/api/0/organizations/globex/audit-logs/".to_owned(),
        "/api/0/organizations/acme/events/?limit=1000".to_owned(),
        format!("{}events/", world.path("acme", "canary")),
        format!("/api/0/users/{}/events/", world.user("canary")),
    ] {
        all += &root.get(&path).await.text.to_lowercase();
    }
    let lines = root.request(Method::GET, "/api/0/events/").header("accept", "application/x-ndjson");
    all + &Client::send(lines).await.text.to_lowercase()
}

fn found_in(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}

/// The leaves of the log up to a position, one digest.
async fn digest(world: &World, up_to: u64) -> String {
    let mut digest = RunningDigest::default();
    for event in world
        .deployment
        .ledger
        .store()
        .read_all(Position::ZERO, usize::try_from(up_to).unwrap())
        .await
        .unwrap()
    {
        digest.add(&event.leaf);
    }
    digest.to_string()
}

/// Until nothing follows any more.
async fn settled(world: &World) {
    for _ in 0..600 {
        let head = world.head().await;
        let ready = world.anonymous().get("/readyz").await.json();
        if ready["policies"]["position"].as_u64().is_some_and(|reached| reached >= head) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the policies do not come to the end");
}

#[tokio::test]
async fn nothing_that_was_planted_is_found_after_an_erasure() {
    let world = planted().await;
    settled(&world).await;
    let readable = everything_readable(&world).await;
    for canary in CANARIES {
        assert!(readable.contains(canary), "{canary} was not planted");
    }
    let subjects = [
        format!("user:{}", world.user("canary")),
        format!("invitee:{}", world.member("globex", "canary-second")),
        format!("invitee:{}", world.member("globex", "canary-invitee")),
    ];
    let mut destroyed = vec![];
    for subject in &subjects {
        destroyed.push(world.place.wrapped_key(subject).await.expect("it has a key"));
    }
    let kept = world.place.wrapped_key(&format!("user:{}", world.user("dana"))).await.unwrap();
    let head = world.head().await;
    let before = digest(&world, head).await;

    let root = world.of("root");
    let erased = root.delete(&format!("/api/0/users/{}/", world.user("canary"))).await.expect(200);
    let invitee = root.request(Method::DELETE, "/api/0/invitees/").header("content-type", JSON);
    let invitee = Client::send(invitee.body(r#"{"email": "Canary-Invitee@example.com"}"#)).await.expect(200);
    for answer in [&erased, &invitee] {
        assert!(!answer.text.to_lowercase().contains("canary"), "{answer:?}");
    }
    settled(&world).await;
    let readable = everything_readable(&world).await;
    for canary in CANARIES {
        assert!(!readable.contains(canary), "{canary} can still be read");
    }
    assert!(readable.contains("dana@example.com") && readable.contains("[erased]"));
    assert_eq!(digest(&world, head).await, before, "what is in the log stays what it was");
    assert_others_are_readable(&world).await;

    let place = world.stop().await;
    let stored = place.everything_stored().await;
    let lower = stored.to_ascii_lowercase();
    for canary in CANARIES {
        assert!(!found_in(&lower, canary.as_bytes()), "{canary} is stored");
    }
    for (subject, key) in subjects.iter().zip(destroyed) {
        assert!(!found_in(&stored, &key), "the key of {subject} is stored");
        assert_eq!(place.wrapped_key(subject).await, None);
    }
    assert!(found_in(&stored, &kept), "others' keys are where they were");
}

async fn assert_others_are_readable(world: &World) {
    let ledger = &world.deployment.ledger;
    let dana = ledger.state::<User>(&world.user("dana").into()).await.unwrap().state;
    let address = dana.addresses[0].email.envelope().unwrap();
    assert_eq!(ledger.keys().unseal(address).await, Ok(Unsealed::Value("dana@example.com".into())));
}

/// What a mail server says of somebody who is erased at that moment is not kept under a new key of his.
#[tokio::test]
async fn a_letter_that_fails_after_an_erasure_leaves_nothing() {
    let world = planted().await;
    let root = world.of("root");
    root.delete(&format!("/api/0/users/{}/", world.user("canary"))).await.expect(200);
    let (ledger, to) = (&world.deployment.ledger, Recipient::User(world.user("canary")));
    let id = LetterId::derive(uuid::Uuid::from_u128(7), LetterKind::SsoDisabled, to);
    let attempted = Attempted::Failed { code: None, text: "canary".into(), next_attempt_at: None };
    let record = RecordAttempt { id, organization: world.organization("acme"), attempted };
    ledger.execute(&record, &CommandMeta::system(), Turn::unkeyed()).await.unwrap();
    let page: Value = root.get("/api/0/events/?type=LetterDropped").await.expect(200).json();
    assert_eq!(page["events"][0]["payload"]["why"], json!("recipient_erased"));
    assert_eq!(world.place.wrapped_key(&format!("user:{}", world.user("canary"))).await, None);
}
