//! What a member sent ends with his membership (behaviour.md D14).

use muster_events::{member::InviteStatus, recorded::Actor};
use serde_json::json;

use super::{acted, after, assert_caused_by, types_after};
use crate::support::World;

#[tokio::test]
async fn what_a_removed_member_sent_ends_on_behalf_of_who_removed_him() {
    let mut builder = World::acme_builder().await;
    builder.pending("acme", "kim", InviteStatus::RequestedToBeInvited, Some("mallory")).await;
    builder.pending("acme", "lee", InviteStatus::Approved, Some("alice")).await;
    let world = builder.serve().await;
    let alice = world.of("alice");
    let removed = alice.delete(&world.path("acme", "mallory")).await.expect(204).position();
    acted(&[&alice], removed).await;
    assert_eq!(types_after(&world, removed).await, ["InviteRequestRejected", "InviteRevoked"]);
    let events = after(&world.deployment, removed).await;
    let person = Actor::user(world.user("alice"), Some(world.token("alice-token")));
    assert_caused_by(&world.deployment, &events, removed, &person).await;
    alice.get(&world.path("acme", "ivan")).await.expect(404);
    alice.get(&world.path("acme", "lee")).await.expect(200);
    let ivan = format!("{}events/?type=InviteRevoked", world.path("acme", "ivan"));
    let told = alice.get(&ivan).await.expect(200).json();
    assert_eq!(told["events"][0]["payload"]["reason"], json!("inviter_removed"));
}

#[tokio::test]
async fn who_leaves_takes_along_what_he_sent_in_that_organization_only() {
    let mut builder = World::acme_builder().await;
    builder.pending("acme", "kim", InviteStatus::Approved, Some("bob")).await;
    builder.pending("globex", "lee", InviteStatus::Approved, Some("bob")).await;
    let world = builder.serve().await;
    let left = world.of("bob").delete("/api/0/organizations/acme/members/me/").await.expect(204).position();
    acted(&[&world.anonymous()], left).await;
    assert_eq!(types_after(&world, left).await, ["InviteRevoked"]);
    world.of("greta").get(&world.path("globex", "lee")).await.expect(200);
}

/// A member who sent nothing leaves nothing to do: no event of a policy, whatever else has no sender.
#[tokio::test]
async fn nothing_follows_where_nothing_was_sent() {
    let mut builder = World::acme_builder().await;
    builder.pending("acme", "kim", InviteStatus::Approved, None).await;
    let world = builder.serve().await;
    let alice = world.of("alice");
    let removed = alice.delete(&world.path("acme", "dana")).await.expect(204).position();
    acted(&[&alice], removed).await;
    assert_eq!(world.head().await, removed);
}
