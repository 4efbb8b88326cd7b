//! DELETE organization, and what is left afterwards.

use std::sync::Arc;

use muster::{
    deployment::Deployment,
    ledger::{CommandMeta, ExecuteError, Turn, operations::CarryOutDeletion},
};
use reqwest::Method;
use serde_json::json;

use crate::support::{Ahead, Client, World};

const ACME: &str = "/api/0/organizations/acme/";

async fn carry_out(deployment: &Deployment, world: &World) -> Result<(), ExecuteError> {
    let operation = CarryOutDeletion { organization: world.organization("acme") };
    deployment.ledger.execute(&operation, &CommandMeta::system(), Turn::unkeyed()).await.map(drop)
}

/// Another process, these days later, ends `acme`; the world has heard of it when this returns.
async fn end_acme(world: &World, days: i64) -> Deployment {
    let later = Deployment::open_at(&world.place.options(), Arc::new(Ahead(days))).await.unwrap();
    carry_out(&later, world).await.unwrap();
    world.deployment.ledger.store().confirm_head().await.unwrap();
    later
}

#[tokio::test]
async fn an_owner_schedules_the_end_and_any_change_calls_it_off() {
    let world = World::acme().await;
    let (alice, before) = (world.of("alice"), world.head().await);
    let going = alice.delete(ACME).await.expect(202).json();
    let pending = json!({"id": "pending_deletion", "name": "pending deletion"});
    assert_eq!(going["status"], pending);
    alice.delete(ACME).await.expect(202);
    assert_eq!(world.types_after(before).await, ["DeletionScheduled"]);
    let listed = alice.get("/api/0/organizations/?query=status:pending_deletion").await.expect(200).json();
    assert_eq!(listed[0]["status"], pending);
    alice.put(ACME, &json!({"name": ""})).await.expect(400);
    assert_eq!(alice.get(ACME).await.expect(200).json()["status"], pending);
    let restored = world.of("mallory").put(ACME, &json!({"cancelDeletion": true})).await.expect(200).json();
    assert_eq!(restored["status"]["id"], json!("active"));
    assert_eq!(world.types_after(before).await, ["DeletionScheduled", "DeletionCancelled"]);
}

#[tokio::test]
async fn only_an_owner_ends_an_organization() {
    let world = World::acme().await;
    let before = world.head().await;
    for key in ["mallory", "bob", "greta"] {
        world.of(key).delete(ACME).await.expect(403);
    }
    world.with("acme-integration").delete(ACME).await.expect(403);
    world.anonymous().delete(ACME).await.expect(401);
    world.of("alice").delete("/api/0/organizations/nowhere/").await.expect(404);
    world.of("alice").delete_with(ACME, &[("if-match", "\"999\"")]).await.expect(412);
    assert_eq!(world.head().await, before);
}

#[tokio::test]
async fn a_repetition_is_answered_alike() {
    let world = World::acme().await;
    let (alice, key) = (world.of("alice"), [("idempotency-key", "end")]);
    let first = alice.delete_with(ACME, &key).await.expect(202);
    alice.put(ACME, &json!({})).await.expect(200);
    let head = world.head().await;
    let again = alice.delete_with(ACME, &key).await.expect(202);
    assert_eq!((again.position(), again.header("idempotent-replayed")), (first.position(), Some("true")));
    assert_eq!(world.head().await, head, "the repetition was carried out again");
}

#[tokio::test]
async fn an_end_is_not_carried_out_before_its_time_nor_after_it_was_called_off() {
    let world = World::acme().await;
    let alice = world.of("alice");
    let refused = |outcome: Result<(), ExecuteError>| match outcome {
        Err(ExecuteError::Refused { refusal, .. }) => refusal.code(),
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(carry_out(&world.deployment, &world).await), "deletion_not_due");
    alice.delete(ACME).await.expect(202);
    assert_eq!(refused(carry_out(&world.deployment, &world).await), "deletion_not_due");
    alice.put(ACME, &json!({})).await.expect(200);
    let later = Deployment::open_at(&world.place.options(), Arc::new(Ahead(2))).await.unwrap();
    assert_eq!(refused(carry_out(&later, &world).await), "deletion_not_due");
    alice.get(ACME).await.expect(200);
}

#[tokio::test]
async fn what_has_ended_is_gone_for_everybody() {
    let world = World::acme().await;
    let alice = world.of("alice");
    alice.delete(ACME).await.expect(202);
    let before = world.head().await;
    let later = end_acme(&world, 2).await;
    carry_out(&later, &world).await.unwrap();
    assert_eq!(world.types_after(before).await, ["OrganizationDeleted"]);
    let id = format!("/api/0/organizations/{}/", world.organization("acme"));
    for path in [ACME, &id] {
        for below in ["", "members/", "teams/", "avatar/", "members/me/"] {
            for key in ["alice", "root", "greta"] {
                world.of(key).get(&format!("{path}{below}")).await.expect(404);
            }
        }
        alice.put(path, &json!({"name": "Back"})).await.expect(404);
        alice.delete(path).await.expect(404);
    }
    let dana = world.path("acme", "dana");
    alice.put(&dana, &json!({"orgRole": "manager"})).await.expect(404);
    alice.delete(&dana).await.expect(404);
    assert_eq!(alice.get("/api/0/organizations/").await.expect(200).json(), json!([]));
    world.with("acme-integration").get("/api/0/organizations/").await.expect(401);
}

#[tokio::test]
async fn the_history_of_what_has_ended_stays_for_superusers() {
    let world = World::acme().await;
    world.of("alice").delete(ACME).await.expect(202);
    end_acme(&world, 2).await;
    // Policies may have answered the end already.
    let events = format!("{ACME}events/?type=OrganizationDeleted");
    let history = world.of("root").get(&events).await.expect(200).json();
    assert_eq!(history["events"].as_array().unwrap().len(), 1, "{history}");
    let log = format!("{ACME}audit-logs/");
    let told = world.of("root").get(&log).await.expect(200).json();
    let notes: Vec<_> = told["rows"].as_array().unwrap().iter().map(|row| &row["note"]).collect();
    assert!(notes.contains(&&json!("removed the organization")), "{notes:?}");
    for path in [events, log] {
        world.of("alice").get(&path).await.expect(404);
    }
}

#[tokio::test]
async fn the_slug_of_what_has_ended_is_free_after_a_month() {
    let world = World::acme().await;
    world.of("alice").delete(ACME).await.expect(202);
    let create = || {
        let request = world.of("bob").request(Method::POST, "/api/0/organizations/");
        Client::send(request.json(&json!({"name": "A", "slug": "acme"})))
    };
    let later = end_acme(&world, 2).await;
    drop(later);
    create().await.expect(400);
    let place = world.stop().await;
    let options = place.options();
    let much_later = Deployment::open_at(&options, Arc::new(Ahead(40))).await.unwrap();
    let claim = muster_events::claims::Claim::organization_slug("acme");
    assert_eq!(much_later.ledger.holder(&claim).await.unwrap(), None);
}
