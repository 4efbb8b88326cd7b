//! Accounts that cannot be used, and the owners that an organization keeps.

use serde_json::json;

use crate::support::World;

fn path_of(world: &World, key: &str) -> String {
    format!("/api/0/users/{}/", world.user(key))
}

#[tokio::test]
async fn a_deactivated_account_has_no_token_that_can_be_used_until_it_is_reactivated() {
    let world = World::acme().await;
    let (root, bob, path) = (world.of("root"), world.of("bob"), path_of(&world, "bob"));
    root.put(&path, &json!({"active": false})).await.expect(200);
    bob.get("/api/0/users/me/").await.expect(401);
    assert_eq!(root.get(&path).await.expect(200).json()["active"], json!(false));
    let before = world.head().await;
    root.put(&path, &json!({"active": false})).await.expect(200);
    assert_eq!(world.head().await, before, "nothing has changed");
    let back = root.put(&path, &json!({"active": true})).await.expect(200).json();
    assert_eq!(back["active"], json!(true));
    bob.get("/api/0/users/me/").await.expect(200);
}

#[tokio::test]
async fn the_only_owner_cannot_be_deactivated() {
    let world = World::acme().await;
    let (root, before) = (world.of("root"), world.head().await);
    let refused = root.put(&path_of(&world, "alice"), &json!({"active": false})).await.expect(403).json();
    assert_eq!(refused, json!({"detail": "You cannot remove the only remaining owner of the organization."}));
    let both = json!({"active": false, "name": "A", "superuser": true});
    root.put(&path_of(&world, "alice"), &both).await.expect(403);
    assert_eq!(world.head().await, before);
    let promoted = json!({"orgRole": "owner"});
    world.of("alice").put(&world.path("acme", "mallory"), &promoted).await.expect(200);
    root.put(&path_of(&world, "alice"), &json!({"active": false})).await.expect(200);
    root.put(&path_of(&world, "mallory"), &json!({"active": false})).await.expect(403);
}

#[tokio::test]
async fn a_reactivated_owner_counts_again() {
    let world = World::acme().await;
    let root = world.of("root");
    let mallory = world.path("acme", "mallory");
    root.put(&path_of(&world, "mallory"), &json!({"active": false})).await.expect(200);
    // Made an owner while he cannot act: he is none until he can.
    root.put(&mallory, &json!({"orgRole": "owner"})).await.expect(200);
    root.put(&path_of(&world, "alice"), &json!({"active": false})).await.expect(403);
    root.put(&path_of(&world, "mallory"), &json!({"active": true})).await.expect(200);
    root.put(&path_of(&world, "alice"), &json!({"active": false})).await.expect(200);
    // And he is the only one now, also for who would take that from him.
    let refused = root.put(&mallory, &json!({"orgRole": "member"})).await.expect(400).json();
    assert_eq!(refused, json!(["An organization must have at least one owner"]));
    root.delete(&mallory).await.expect(403);
}

#[tokio::test]
async fn of_two_owners_who_are_deactivated_at_one_instant_one_stays() {
    let mut builder = World::acme_builder().await;
    builder.person("second").await;
    builder.member("acme", "second", "owner", &[]).await;
    let world = builder.serve().await;
    let root = world.of("root");
    let body = json!({"active": false});
    for _ in 0..8 {
        let (first, second) = (path_of(&world, "alice"), path_of(&world, "second"));
        let (one, other) = tokio::join!(root.put(&first, &body), root.put(&second, &body));
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 403]);
        let gone = if one.status == 200 { first } else { second };
        root.put(&gone, &json!({"active": true})).await.expect(200);
    }
}

#[tokio::test]
async fn of_an_owner_who_leaves_and_one_who_is_deactivated_one_stays() {
    let mut builder = World::acme_builder().await;
    builder.person("second").await;
    builder.member("acme", "second", "owner", &[]).await;
    let world = builder.serve().await;
    let (root, path, body) = (world.of("root"), path_of(&world, "alice"), json!({"active": false}));
    let leaving = world.path("acme", "second");
    let (one, other) = tokio::join!(root.put(&path, &body), root.delete(&leaving));
    let statuses = (one.status, other.status);
    assert!(statuses == (200, 403) || statuses == (403, 204), "{statuses:?}");
}
