//! Races about requests: whoever answers first has answered.

use serde_json::json;

use crate::support::World;

const ALL: &str = "/api/0/organizations/acme/invite-requests/";

#[tokio::test(flavor = "multi_thread")]
async fn of_an_approval_and_a_rejection_at_once_one_wins() {
    let world = World::acme().await;
    let (alice, mallory) = (world.of("alice"), world.of("mallory"));
    let mut approvals = 0;
    for round in 0..40 {
        let email = format!("r{round}@example.com");
        let made = alice.post(ALL, &json!({ "email": email })).await.expect(201).json();
        let (request, before) = (format!("{ALL}{}/", made["id"].as_str().unwrap()), world.head().await);
        let approve = json!({"approve": true});
        let (approved, rejected) = if round % 2 == 0 {
            tokio::join!(alice.put(&request, &approve), mallory.delete(&request))
        } else {
            let (rejected, approved) = tokio::join!(mallory.delete(&request), alice.put(&request, &approve));
            (approved, rejected)
        };
        let types = world.types_after(before).await;
        match (approved.status, rejected.status) {
            (200, 404) => assert_eq!(types, ["InviteApproved"]),
            (404, 204) => assert_eq!(types, ["InviteRequestRejected"]),
            other => panic!("round {round}: {other:?} {types:?}"),
        }
        approvals += usize::from(approved.status == 200);
    }
    println!("{approvals} approvals won");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_approvals_at_once_are_one() {
    let world = World::acme().await;
    let alice = world.of("alice");
    for round in 0..20 {
        let email = format!("r{round}@example.com");
        let made = alice.post(ALL, &json!({ "email": email })).await.expect(201).json();
        let (request, before) = (format!("{ALL}{}/", made["id"].as_str().unwrap()), world.head().await);
        let (clients, body) =
            (["alice", "mallory", "root"].map(|key| world.of(key)), json!({"approve": true}));
        let answers =
            futures_util::future::join_all(clients.iter().map(|client| client.put(&request, &body))).await;
        let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 404, 404], "round {round}");
        assert_eq!(world.types_after(before).await, ["InviteApproved"], "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_proposals_of_one_address_at_once_one_is_made() {
    let world = World::acme().await;
    let (before, body) = (world.head().await, json!({"email": "wanted@example.com"}));
    let clients = ["alice", "mallory", "adam", "bob", "dana"].map(|key| world.of(key));
    let answers = futures_util::future::join_all(clients.iter().map(|client| client.post(ALL, &body))).await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    let known = answers.iter().filter(|answer| answer.status == 400).count();
    assert_eq!((made, known), (1, 4), "{answers:?}");
    assert_eq!(world.types_after(before).await, ["InviteRequested"]);
}
