//! Where the work goes on: after a crash, a pause, a rebuild of the read models.

use std::sync::Arc;

use muster::{
    deployment::{Deployment, DeploymentOptions},
    ledger::{CommandMeta, Turn, operations::RemoveMember},
    policies::{Policies, SUBSCRIBER},
};

use super::{act, acted};
use crate::support::{Place, World, is_without_database};

/// Removes a member without a server.
async fn remove(deployment: &Deployment, world: &World, key: &str) -> u64 {
    let caller = deployment.ledger.identify("alice-token").await.unwrap().unwrap();
    let (organization, member) = (world.organization("acme"), world.member("acme", key));
    let remove = RemoveMember { caller, organization, member, if_match: None, as_invitation: false };
    let meta = CommandMeta::by(caller.actor());
    deployment.ledger.execute(&remove, &meta, Turn::unkeyed()).await.unwrap().done().unwrap().position.0
}

/// As if the process had been killed between what it appended and its checkpoint.
async fn set_back(place: &Place, position: u64) {
    let table = if place.database.is_some() { "log.subscribers" } else { "subscribers" };
    place.run_on_log(&format!("UPDATE {table} SET position = {position}")).await;
}

#[tokio::test]
async fn a_crash_before_the_checkpoint_repeats_nothing() {
    let world = World::acme().await;
    let alice = world.of("alice");
    let removed = alice.delete(&world.path("acme", "mallory")).await.expect(204).position();
    acted(&[&alice], removed).await;
    let (head, deployment) = (world.head().await, Arc::clone(&world.deployment));
    assert_eq!(head, removed + 1, "the invitation that mallory sent was revoked");
    let place = world.stop().await;
    for position in [removed - 1, 0] {
        set_back(&place, position).await;
        assert_eq!(act(&deployment).await, head);
    }
}

#[tokio::test]
async fn what_happened_while_nobody_served_is_done_afterwards() {
    let world = World::acme().await;
    let deployment = Arc::clone(&world.deployment);
    let head = world.head().await;
    acted(&[&world.anonymous()], head).await;
    let world = world.stopped().await;
    let removed = remove(&deployment, &world, "mallory").await;
    assert_eq!(removed, head + 1);
    assert_eq!(act(&deployment).await, removed + 1);
}

/// Read models that begin anew are read from the first event on; policies are not.
#[tokio::test]
async fn a_rebuild_of_the_read_models_does_nothing_again() {
    let world = World::acme().await;
    let alice = world.of("alice");
    let removed = alice.delete(&world.path("acme", "mallory")).await.expect(204).position();
    acted(&[&alice], removed).await;
    let (head, deployment) = (world.head().await, Arc::clone(&world.deployment));
    let _place = world.stop().await;
    let incarnation = deployment.ledger.store().incarnation().to_string();
    for projection in muster_projections::all() {
        deployment.views.begin_anew(projection, &incarnation).await.unwrap();
    }
    assert_eq!(act(&deployment).await, head);
}

/// A subscriber that was never there before has nothing to do with what happened until then.
#[tokio::test]
async fn a_new_checkpoint_starts_at_the_head() {
    let world = World::acme().await;
    let deployment = Arc::clone(&world.deployment);
    let head = world.head().await;
    acted(&[&world.anonymous()], head).await;
    let world = world.stopped().await;
    let removed = remove(&deployment, &world, "mallory").await;
    let place = &world.place;
    let table = if place.database.is_some() { "log.subscribers" } else { "subscribers" };
    place.run_on_log(&format!("DELETE FROM {table}")).await;
    assert_eq!(act(&deployment).await, removed);
}

/// Without a checkpoint a process must not take requests; that the server restarts while it starts does not end it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_goes_away_while_a_process_starts_is_waited_for() {
    if is_without_database("a server that goes away") {
        return;
    }
    let place = Place::new().await;
    let (relay, by_relay) = place.database.as_ref().unwrap().by_relay().await;
    let options = DeploymentOptions { database: Some(by_relay), ..place.options() };
    let deployment = Deployment::open(&options).await.unwrap();
    let (ledger, blobs) = (Arc::clone(&deployment.ledger), Arc::clone(&deployment.blobs));
    let mut policies = Policies::new(ledger, deployment.runner().read_models(), blobs);
    let store = deployment.ledger.store();
    let head = store.head().await.unwrap().position;
    relay.lose_answers(6);
    policies.begin().await.expect("it waits until the log is back");
    assert_eq!(store.checkpoint(SUBSCRIBER).await.unwrap(), Some(head));
}
