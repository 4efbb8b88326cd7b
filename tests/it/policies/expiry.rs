//! Invitations that are over (behaviour.md D18).

use muster_events::{
    member::InviteStatus,
    recorded::{Actor, ActorKind},
};
use serde_json::json;
use tokio::time::timeout;

use super::{LIMIT, act, after};
use crate::support::World;

#[tokio::test]
async fn an_invitation_that_is_over_is_recorded_as_expired_once_and_stays_listed() {
    let mut builder = World::acme_builder().await;
    let (past, future) = ("2026-01-01T00:00:00Z".parse().unwrap(), "2099-01-01T00:00:00Z".parse().unwrap());
    builder.pending_until("acme", "kim", InviteStatus::Approved, past).await;
    builder.pending_until("acme", "lee", InviteStatus::Approved, future).await;
    let before = builder.deployment().ledger.store().head().await.unwrap().position;
    let world = builder.serve().await;
    let mut commits = world.deployment.ledger.store().commits();
    timeout(LIMIT, commits.wait_for(|position| *position > before)).await.unwrap().unwrap();
    let events = after(&world.deployment, before.0).await;
    assert_eq!(world.types_after(before.0).await, ["InviteExpired"]);
    assert_eq!(events[0].stream, world.member("acme", "kim").into());
    assert_eq!(events[0].metadata.actor, Actor::only(ActorKind::System));
    let kim = world.of("alice").get(&world.path("acme", "kim")).await.expect(200).json();
    assert_eq!((&kim["expired"], &kim["pending"]), (&json!(true), &json!(true)));
    let (head, deployment) = (world.head().await, std::sync::Arc::clone(&world.deployment));
    let _place = world.stop().await;
    assert_eq!(act(&deployment).await, head, "whoever looks next finds nothing that is due");
}
