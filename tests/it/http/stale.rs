//! A stream that this version cannot read: what is shown says so, and nothing else suffers.

use std::{collections::BTreeMap, time::Duration};

use muster::ledger::{
    CommandMeta, Turn,
    operations::{ImportMember, ImportedOrganization, MemberFact, Person},
};
use muster_events::{id::MemberId, roles::RoleId};
use serde_json::{Value, json};

use crate::support::World;

const ACME: &str = "/api/0/organizations/acme/members/";
const GLOBEX: &str = "/api/0/organizations/globex/members/";

/// A world, and the position up to which what it shows of acme is complete.
async fn poisoned() -> (World, String) {
    let world = World::acme().await;
    let before = world.of("alice").get(ACME).await.expect(200);
    assert_eq!(before.header("muster-stale"), None);
    let complete = before.header("muster-position").unwrap().to_owned();
    world.place.poison(world.member("acme", "dana").into()).await;
    assert_eq!(world.head().await, before.position() + 1);
    (world, complete)
}

#[tokio::test]
async fn what_lacks_an_event_is_shown_and_says_up_to_where_it_is_complete() {
    let (world, complete) = poisoned().await;
    let alice = world.of("alice");
    let dana = alice.get(&world.path("acme", "dana")).await.expect(200);
    assert_eq!(dana.header("muster-stale"), Some(complete.as_str()));
    assert_eq!(dana.position(), world.head().await, "the stream is set aside, the view goes on");
    assert_eq!(dana.json()["orgRole"], json!("member"));
    let listed = alice.get(ACME).await.expect(200);
    assert_eq!(listed.header("muster-stale"), Some(complete.as_str()));
    assert_eq!(listed.json().as_array().unwrap().len(), 6);
    let elsewhere = world.of("greta").get(GLOBEX).await.expect(200);
    assert_eq!(elsewhere.header("muster-stale"), None, "nothing is missing in another organization");
}

#[tokio::test]
async fn a_server_whose_view_lacks_an_event_is_ready_and_says_which_view_it_is() {
    let (world, _) = poisoned().await;
    // A read waits for the view, which has set the stream aside then.
    world.of("alice").get(ACME).await.expect(200);
    let ready = world.anonymous().get("/readyz").await.expect(200).json();
    assert_eq!((&ready["ready"], &ready["failed"]), (&json!(true), &json!([])));
    let [Value::String(degraded)] = &ready["degraded"].as_array().unwrap()[..] else { panic!("{ready}") };
    assert!(degraded.contains("members"), "{degraded}");
    let of_view = |view: &&Value| view["name"] == json!("members");
    let view = ready["views"].as_array().unwrap().iter().find(of_view).unwrap();
    assert_eq!((&view["parked_streams"], &view["position"]), (&json!(1), &json!(world.head().await)));
}

#[tokio::test]
async fn health_says_so_within_two_seconds_whether_anybody_reads_or_not() {
    let (world, _) = poisoned().await;
    let began = muster::clock::stopwatch();
    loop {
        let ready = world.anonymous().get("/readyz").await.expect(200).json();
        if !ready["degraded"].as_array().unwrap().is_empty() {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(2), "{ready}");
    }
}

#[tokio::test]
async fn others_are_changed_and_shown_as_ever() {
    let (world, complete) = poisoned().await;
    let alice = world.of("alice");
    for role in ["manager", "member"] {
        let changed = alice.put(&world.path("acme", "bob"), &json!({"orgRole": role})).await.expect(200);
        let bob = alice.get(&world.path("acme", "bob")).await.expect(200);
        assert_eq!(bob.json()["orgRole"], json!(role));
        assert!(bob.position() >= changed.position());
        assert_eq!(bob.header("muster-stale"), None, "nothing of him is missing");
        let listed = alice.get(ACME).await.expect(200);
        assert_eq!(listed.header("muster-stale"), Some(complete.as_str()), "it does not move on by itself");
    }
    alice.delete(&world.path("acme", "mallory")).await.expect(204);
    alice.get(&world.path("acme", "mallory")).await.expect(404);
}

/// Makes dana a member of globex too.
async fn join_globex(world: &World) -> MemberId {
    let organization = ImportedOrganization { id: world.organization("globex"), teams: BTreeMap::default() };
    let fact = MemberFact {
        person: Person::User(world.user("dana")),
        role: RoleId::new("member").unwrap(),
        teams: vec![],
        flags: vec![],
    };
    let import = ImportMember { organization, fact };
    let done = world.deployment.ledger.execute(&import, &CommandMeta::import(), Turn::unkeyed()).await;
    done.unwrap().done().unwrap().answer
}

#[tokio::test]
async fn other_streams_of_the_same_person_go_on() {
    let (world, _) = poisoned().await;
    let path = format!("{GLOBEX}{}/", join_globex(&world).await);
    let greta = world.of("greta");
    greta.put(&path, &json!({"orgRole": "manager", "teams": ["fleet"]})).await.expect(200);
    let dana = world.of("dana").get(&path).await.expect(200);
    assert_eq!(dana.header("muster-stale"), None);
    let shown = dana.json();
    assert_eq!((&shown["orgRole"], &shown["teams"]), (&json!("manager"), &json!(["fleet"])));
}

#[tokio::test]
async fn who_cannot_be_read_cannot_be_changed_and_nothing_is_appended() {
    let (world, _) = poisoned().await;
    let (alice, path) = (world.of("alice"), world.path("acme", "dana"));
    let before = world.head().await;
    for answer in [
        alice.put(&path, &json!({"orgRole": "manager"})).await,
        alice.put(&path, &json!({"teams": []})).await,
        alice.delete(&path).await,
    ] {
        let answer = answer.expect(500);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let detail = answer.json();
        assert!(detail["detail"].as_str().is_some_and(|text| text.contains("damaged")), "{detail}");
    }
    let request = alice.request(reqwest::Method::PUT, &path).json(&json!({"teams": []}));
    let problem = crate::support::Client::send(request.header("accept", "application/problem+json")).await;
    assert_eq!(problem.expect(500).json()["code"], json!("damaged"));
    assert_eq!(world.head().await, before);
    world.anonymous().get("/healthz").await.expect(200);
}

#[tokio::test]
async fn a_history_is_shown_with_the_event_that_cannot_be_read() {
    let (world, _) = poisoned().await;
    let history = format!("{}events/?order=desc&limit=2", world.path("acme", "dana"));
    let page = world.of("alice").get(&history).await.expect(200).json();
    assert_eq!(page["events"][0]["type"], json!("FromTheFuture"));
    assert_eq!(page["events"][1]["type"], json!("TeamAssigned"));
}
