//! Races about one invitation: exactly one of those who want something of it at the same instant has it.

use muster_events::id::MemberId;
use serde_json::{Value, json};

use crate::support::World;

const ROUNDS: usize = 25;
const MEMBERS: &str = "/api/0/organizations/acme/members/";

async fn with_two_strangers() -> World {
    let mut builder = World::acme_builder().await;
    builder.person("zoe").await;
    builder.person("zed").await;
    builder.serve().await
}

/// Invites an address; gives the path of the row and that of the link.
async fn invite(world: &World, by: &str, email: &str) -> (String, String) {
    let invited = world.of(by).post(MEMBERS, &json!({ "email": email })).await.expect(201).json();
    let id: MemberId = invited["id"].as_str().unwrap().parse().unwrap();
    let token = world.deployment.ledger.keys().invitation_token(id, 1);
    (format!("{MEMBERS}{id}/"), format!("/api/0/accept-invite/{id}/{token}/"))
}

fn details(text: &str) -> Value {
    json!({ "details": text })
}

/// He may take back what he has sent, but remove no member: so exactly one of the two wins, however they are timed.
#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_accepted_or_revoked_and_both_are_told_which() {
    let world = with_two_strangers().await;
    let (alice, bob, zoe) = (world.of("alice"), world.of("bob"), world.of("zoe"));
    for round in 0..ROUNDS {
        let (row, link) = invite(&world, "bob", &format!("n{round}@example.com")).await;
        let (before, nothing) = (world.head().await, json!({}));
        let (accepted, revoked) = tokio::join!(zoe.post(&link, &nothing), bob.delete(&row));
        let types = world.types_after(before).await;
        match (accepted.status, revoked.status) {
            (204, 400 | 409) => {
                assert_eq!(types, ["InviteAccepted"], "round {round}");
                alice.delete(&row).await.expect(204);
            }
            (400, 204) => {
                assert_eq!(types, ["InviteRevoked"], "round {round}");
                let text = accepted.json()["details"].clone();
                assert!(text == "Invalid invite code" || text == "unable to accept organization invite");
                alice.get(&row).await.expect(404);
            }
            _ => panic!("round {round}: {accepted:?} {revoked:?}"),
        }
    }
}

/// Who may remove members too removes what became one before he asked, and never one that became one while he did.
#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_never_removes_the_member_that_it_raced_with() {
    let world = with_two_strangers().await;
    let (alice, zoe) = (world.of("alice"), world.of("zoe"));
    for round in 0..ROUNDS {
        let (row, link) = invite(&world, "alice", &format!("n{round}@example.com")).await;
        let condition = alice.get(&row).await.expect(200).header("etag").unwrap().to_owned();
        let (before, nothing) = (world.head().await, json!({}));
        let condition = [("if-match", condition.as_str())];
        let (accepted, revoked) =
            tokio::join!(zoe.post(&link, &nothing), alice.delete_with(&row, &condition));
        let types = world.types_after(before).await;
        match (accepted.status, revoked.status) {
            (204, 409 | 412) => {
                assert_eq!(types, ["InviteAccepted"], "round {round}");
                alice.delete(&row).await.expect(204);
            }
            (400, 204) => assert_eq!(types, ["InviteRevoked"], "round {round}"),
            _ => panic!("round {round}: {accepted:?} {revoked:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_accept_at_once_one_is_a_member() {
    let world = with_two_strangers().await;
    let (alice, zoe, zed) = (world.of("alice"), world.of("zoe"), world.of("zed"));
    for round in 0..ROUNDS {
        let (row, link) = invite(&world, "alice", &format!("n{round}@example.com")).await;
        let (before, nothing) = (world.head().await, json!({}));
        let (one, other) = tokio::join!(zoe.post(&link, &nothing), zed.post(&link, &nothing));
        let (won, lost) = if one.status == 204 { (one, other) } else { (other, one) };
        assert_eq!((won.status, lost.status), (204, 400), "round {round}: {won:?} {lost:?}");
        assert_eq!(lost.json(), details("unable to accept organization invite"));
        assert_eq!(world.types_after(before).await, ["InviteAccepted"]);
        alice.delete(&row).await.expect(204);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_accepts_two_invitations_at_once_is_a_member_once() {
    let world = with_two_strangers().await;
    let (alice, zoe) = (world.of("alice"), world.of("zoe"));
    for round in 0..ROUNDS {
        let (first, one) = invite(&world, "alice", &format!("a{round}@example.com")).await;
        let (second, other) = invite(&world, "mallory", &format!("b{round}@example.com")).await;
        let (before, nothing) = (world.head().await, json!({}));
        let (one, other) = tokio::join!(zoe.post(&one, &nothing), zoe.post(&other, &nothing));
        let (won, lost) = if one.status == 204 { (one, other) } else { (other, one) };
        assert_eq!((won.status, lost.status), (204, 400), "round {round}: {won:?} {lost:?}");
        assert_eq!(lost.json(), details("member already exists"));
        assert_eq!(world.types_after(before).await, ["InviteAccepted"]);
        for row in [first, second] {
            alice.delete(&row).await.expect(204);
        }
    }
}

/// A new token and an acceptance with the old one at the same instant.
#[tokio::test(flavor = "multi_thread")]
async fn an_old_token_opens_nothing_once_a_new_one_is_made() {
    let world = with_two_strangers().await;
    let (alice, zoe) = (world.of("alice"), world.of("zoe"));
    let regenerate = json!({"reinvite": true, "regenerate": true});
    for round in 0..ROUNDS {
        let (row, link) = invite(&world, "alice", &format!("n{round}@example.com")).await;
        let (before, nothing) = (world.head().await, json!({}));
        let (accepted, regenerated) = tokio::join!(zoe.post(&link, &nothing), alice.put(&row, &regenerate));
        let types = world.types_after(before).await;
        match (accepted.status, regenerated.status) {
            (204, 400) => assert_eq!(types, ["InviteAccepted"], "round {round}"),
            (400, 200) => {
                assert_eq!(types, ["InviteTokenRegenerated", "InviteResent"], "round {round}");
                zoe.get(&link).await.expect(400);
            }
            _ => panic!("round {round}: {accepted:?} {regenerated:?}"),
        }
        alice.delete(&row).await.expect(204);
    }
}
