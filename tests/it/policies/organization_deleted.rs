//! Organizations that end, and what ends with them (behaviour.md D27).

use std::sync::Arc;

use muster::deployment::Deployment;
use muster_events::stream::Position;
use serde_json::json;

use super::{Acting, types_after};
use crate::{
    http::avatar::picture_of,
    support::{Ahead, World},
};

#[tokio::test]
async fn on_its_day_it_ends_and_with_it_everybodys_place_in_it_and_its_picture() {
    let world = World::acme().await;
    let (alice, acme) = (world.of("alice"), "/api/0/organizations/acme/");
    let body = json!({"avatar_type": "upload", "avatar_photo": picture_of(256)});
    let shown = alice.put(&format!("{acme}avatar/"), &body).await.expect(200).json();
    let picture = shown["avatar"]["avatarUuid"].as_str().unwrap().to_owned();
    assert!(world.deployment.blobs.get(&picture).await.unwrap().is_some());
    alice.delete(acme).await.expect(202);
    let before = world.head().await;
    let world = world.stopped().await;

    let later = Deployment::open_at(&world.place.options(), Arc::new(Ahead(2))).await.unwrap();
    let mut acting = Acting::start(&later);
    acting.reached(Position(before + 8)).await;
    acting.stop().await;

    let mut expected = vec!["OrganizationDeleted", "InviteRequestRejected", "InviteRevoked"];
    expected.extend(["MemberRemoved"; 5]);
    expected.sort_unstable();
    assert_eq!(types_after(&world, before).await, expected);
    assert!(later.blobs.get(&picture).await.unwrap().is_none());
}
