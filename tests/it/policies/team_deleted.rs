//! Nobody is on a team that is gone, or asks for it.

use muster_events::{
    id::TeamId,
    member::MemberEvent,
    recorded::{Actor, ActorKind},
    team::{TeamEvent, TeamFlag},
};
use muster_projections::members::concerned;
use serde_json::json;

use super::{acted, after, assert_caused_by, happens, served, types_after};
use crate::support::World;

async fn team(world: &World, slug: &str) -> TeamId {
    world.deployment.ledger.find_team(world.organization("acme"), slug).await.unwrap().unwrap()
}

async fn delete(world: &World, slug: &str) -> u64 {
    let (id, person) = (team(world, slug).await, Actor::user(world.user("alice"), None));
    let event = TeamEvent::TeamDeleted { slug: slug.into() };
    happens(&world.deployment, world.organization("acme"), id, event, person).await
}

#[tokio::test]
async fn whoever_is_on_it_is_taken_off_and_requests_are_denied() {
    let world = served(World::acme_builder().await).await;
    let (organization, web) = (world.organization("acme"), team(&world, "web").await);
    let asks = MemberEvent::TeamAccessRequested { team: web, requester: None };
    let bob = Actor::user(world.user("bob"), None);
    happens(&world.deployment, organization, world.member("acme", "bob"), asks, bob).await;
    let deleted = delete(&world, "web").await;
    acted(&[&world.anonymous()], deleted).await;
    let types = types_after(&world, deleted).await;
    assert_eq!(types, ["TeamAccessDenied", "TeamUnassigned", "TeamUnassigned"]);
    let events = after(&world.deployment, deleted).await;
    let person = Actor::user(world.user("alice"), None);
    assert_caused_by(&world.deployment, &events, deleted, &person).await;
    let dana = world.of("alice").get(&world.path("acme", "dana")).await.expect(200).json();
    assert_eq!(dana["teams"], json!(["core", "infra"]));
    assert!(concerned::on_team(&world.deployment.views, web).await.unwrap().is_empty());
}

/// Whoever comes onto it at the same instant came before, and is taken off, or comes too late, and is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_assigned_at_the_same_instant_is_not_left_on_it() {
    let world = served(World::acme_builder().await).await;
    let web = team(&world, "web").await;
    let alice = world.of("alice");
    let (bob, mallory) = (world.path("acme", "bob"), world.path("acme", "mallory"));
    let both = json!({"teams": ["core", "web"]});
    let only = json!({"teams": ["web"]});
    let (_, deleted, _) =
        tokio::join!(alice.put(&bob, &both), delete(&world, "web"), alice.put(&mallory, &only));
    acted(&[&alice], deleted.max(world.head().await)).await;
    alice.get(&bob).await.expect(200);
    assert!(concerned::on_team(&world.deployment.views, web).await.unwrap().is_empty());
}

/// The reaction looks again whether the team is gone: one that is only said to be is not cleared.
#[tokio::test]
async fn a_team_that_is_being_deleted_keeps_its_members() {
    let world = served(World::acme_builder().await).await;
    let web = team(&world, "web").await;
    let event = TeamEvent::TeamFlagged { flag: TeamFlag::BeingDeleted, to: true };
    let system = Actor::only(ActorKind::System);
    let flagged = happens(&world.deployment, world.organization("acme"), web, event, system).await;
    acted(&[&world.anonymous()], flagged).await;
    assert_eq!(world.head().await, flagged);
}
