//! A ledger whose log is in an event store: the process is killed between any two steps of a command, and whoever goes on
//! finds nothing half done.

use std::{collections::BTreeMap, time::Duration};

use eventstore_double::Held;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{Muster, SMALL, Serving};
use crate::support::{Client, TestEventStore, is_without_files, mirrors};

/// Who may do everything in the small organization.
const ALICE: &str = "alice-token";
const MEMBERS: &str = "/api/0/organizations/acme/members/";
/// How long a step may take.
const LIMIT: Duration = Duration::from_secs(20);

/// What the process does when it is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The record of the command is on its way, and is lost with the process.
    RecordIsLost,
    /// It is on its way, and comes to be accepted when the process is gone.
    RecordIsAcceptedLate,
    /// It was accepted; the process does not know, and its mirror has nothing of it.
    RecordWasAccepted,
    /// It is in the mirror and answered; the stream of the aggregate has nothing of it.
    StreamIsToBeWritten,
    /// The stream of the aggregate has it; the checkpoint of who writes those does not say so.
    StreamIsWritten,
    /// What follows from it, a policy's or a letter's record, is on its way, and is lost.
    ConsequenceIsLost,
}

const STEPS: [Step; 6] = [
    Step::RecordIsLost,
    Step::RecordIsAcceptedLate,
    Step::RecordWasAccepted,
    Step::StreamIsToBeWritten,
    Step::StreamIsWritten,
    Step::ConsequenceIsLost,
];

impl Step {
    fn gate(self, store: &TestEventStore) -> eventstore_double::Gate {
        let faults = store.double().faults();
        match self {
            Self::RecordIsLost | Self::RecordIsAcceptedLate | Self::ConsequenceIsLost => {
                faults.hold_writes("muster.commits")
            }
            Self::RecordWasAccepted => faults.hold_answers("muster.commits"),
            Self::StreamIsToBeWritten => faults.hold_writes("muster.member-"),
            Self::StreamIsWritten => faults.hold_writes("muster.subscriber-streams"),
        }
    }

    /// How many writes go on before the one at which the process is killed.
    fn before(self) -> usize {
        usize::from(self == Self::ConsequenceIsLost)
    }

    fn end(self, held: Held) {
        match self {
            Self::RecordIsAcceptedLate => held.go_on(),
            _ => held.drop_connection(),
        }
    }
}

fn serve(muster: &Muster) -> (Serving, Client) {
    let mut serving = Serving::start(&mut muster.command(&["serve", "--listen", "127.0.0.1:0"]));
    let client = Client::new(&serving.url(), Some(ALICE));
    (serving, client)
}

/// Asks with this key, of whichever process, until there is an answer.
async fn asked(client: &Client, (method, path, body): (Method, &str, &Value), key: &str) -> u16 {
    let request = client.request(method, path).header("idempotency-key", key).json(body);
    let answer = timeout(LIMIT, request.send()).await.expect("an answer").unwrap();
    answer.status().as_u16()
}

/// The ids of the events of each aggregate, in order: as the log has them, and as the streams have them.
fn by_stream(muster: &Muster, store: &TestEventStore) -> [BTreeMap<String, Vec<String>>; 2] {
    let (mut log, mut streams) = (BTreeMap::new(), BTreeMap::new());
    for line in muster.run(&["events", "export"]).done().stdout.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        let text = |field: &str| event[field].as_str().unwrap().to_owned();
        let stream = format!("muster.{}-{}", text("aggregate_type"), text("aggregate_id"));
        let of_stream: &mut Vec<String> = log.entry(stream).or_default();
        of_stream.push(text("event_id"));
    }
    for event in store.double().log().written() {
        if event.stream.contains('-') && !event.stream.starts_with("muster.subscriber-") {
            let of_stream: &mut Vec<String> = streams.entry(event.stream.clone()).or_default();
            of_stream.push(event.id.to_string());
        }
    }
    [log, streams]
}

/// Waits until the streams have what the log has.
async fn published(muster: &Muster, store: &TestEventStore) {
    let mut count = store.double().log().count();
    let [mut log, mut streams] = by_stream(muster, store);
    while log != streams {
        let moved = timeout(LIMIT, count.changed()).await;
        assert!(moved.is_ok(), "the log has {log:#?}, the streams have {streams:#?}");
        [log, streams] = by_stream(muster, store);
    }
}

async fn owners(client: &Client) -> usize {
    let members = client.get(MEMBERS).await.expect(200).json();
    members.as_array().unwrap().iter().filter(|member| member["orgRole"] == "owner").count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_is_killed_between_two_steps_leaves_nothing_half_done() {
    if is_without_files("a pass that has what does not depend on the store under test") {
        return;
    }
    let muster = Muster::with_event_store();
    let store = muster.event_store.as_ref().unwrap();
    muster.run(&["import", &muster.file("small.json", SMALL)]).done();
    let (mut serving, mut client) = serve(&muster);
    let members = client.get(MEMBERS).await.expect(200).json();
    let id = |email: &str| {
        let found = members.as_array().unwrap().iter().find(|member| member["email"] == email);
        found.unwrap()["id"].as_str().unwrap().to_owned()
    };
    let bob = format!("{MEMBERS}{}/", id("bob@example.com"));
    for (number, step) in STEPS.iter().enumerate() {
        let email = format!("new-{number}@example.com");
        client.put(&bob, &json!({"orgRole": "owner"})).await.expect(200);
        published(&muster, store).await;
        // One command that takes a claim, and one that gives up a place among the owners.
        let commands = [
            (Method::POST, MEMBERS, json!({"email": email, "orgRole": "member"}), 201),
            (Method::PUT, bob.as_str(), json!({"orgRole": "member"}), 200),
        ];
        for (method, path, body, status) in commands {
            let key = format!("{step:?} {path}");
            let mut gate = step.gate(store);
            let asking = {
                let (client, method, path, body, key) =
                    (client.clone(), method.clone(), path.to_owned(), body.clone(), key.clone());
                tokio::spawn(async move {
                    let request = client.request(method, &path).header("idempotency-key", key).json(&body);
                    // Whether it is answered before the process is killed depends on the step.
                    drop(request.send().await);
                })
            };
            for _ in 0..step.before() {
                timeout(LIMIT, gate.next()).await.expect("a write").go_on();
            }
            let held = timeout(LIMIT, gate.next()).await.expect("a write");
            drop(serving);
            drop(gate);
            step.end(held);
            asking.await.unwrap();
            (serving, client) = serve(&muster);
            assert_eq!(asked(&client, (method, path, &body), &key).await, status, "{key}");
        }
        let again = client.post(MEMBERS, &json!({"email": email, "orgRole": "member"})).await;
        assert!(again.text.contains("has already been invited"), "{step:?}: {again:?}");
        assert_eq!(owners(&client).await, 1, "{step:?}");
        let alice = format!("{MEMBERS}{}/", id("alice@example.com"));
        let last = client.delete(&alice).await;
        assert_eq!(last.status, 403, "{step:?}: the last owner stays: {last:?}");
        published(&muster, store).await;
        muster.run(&["doctor"]).done();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_goes_on_whose_mirror_was_deleted() {
    let muster = Muster::with_event_store();
    muster.run(&["import", &muster.file("small.json", SMALL)]).done();
    let (serving, client) = serve(&muster);
    let (mirror, before) =
        (muster.data().join(&mirrors(&muster.data())[0]), client.get(MEMBERS).await.expect(200).json());
    drop(serving);
    std::fs::remove_file(&mirror).unwrap();
    let (serving, again) = serve(&muster);
    assert_eq!(again.get(MEMBERS).await.expect(200).json(), before);
    again.post(MEMBERS, &json!({"email": "new@example.com", "orgRole": "member"})).await.expect(201);
    muster.run(&["org", "list"]).done().says("acme");
    assert!(serving.stop().0.success());
    muster.run(&["doctor"]).done();
}

#[test]
fn what_cannot_be_reached_or_is_no_event_store_is_said() {
    let muster = Muster::without_database();
    let asked = |url: &str| muster.run(&["org", "list", "--event-store", url]);
    asked("esdb://").misunderstood("--event-store is to be like esdb://");
    asked("http://localhost").misunderstood("the URL of an EventStoreDB server is needed");
    let refused = asked("esdb://somebody:secret@127.0.0.1:1?tls=false").failed("esdb://127.0.0.1:1");
    assert!(!refused.stderr.contains("secret"), "{}", refused.stderr);
    let empty = TestEventStore::start();
    asked(&empty.url()).failed("there is no ledger in esdb://127.0.0.1:");
}
