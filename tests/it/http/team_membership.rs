//! One member on one team.

use reqwest::Method;
use serde_json::json;

use crate::support::{Client, World};

fn on(world: &World, member: &str, team: &str) -> String {
    format!("{}teams/{team}/", world.path("acme", member))
}

async fn closed() -> World {
    World::acme_with(&[("openMembership", json!(false))]).await.serve().await
}

#[tokio::test]
async fn a_membership_shows_the_stored_role() {
    let world = World::acme().await;
    let bob = world.of("bob");
    for (member, team, role) in [
        ("dana", "core", json!("admin")),
        ("dana", "infra", json!("contributor")),
        ("dana", "web", json!(null)),
        ("adam", "web", json!(null)),
    ] {
        let seen = bob.get(&on(&world, member, team)).await.expect(200);
        assert_eq!(seen.json(), json!({"isActive": true, "teamRole": role}));
    }
    bob.get("/api/0/organizations/acme/members/me/teams/core/").await.expect(200);
    bob.get(&on(&world, "bob", "web")).await.expect(404);
    bob.get(&on(&world, "bob", "nope")).await.expect(404);
    bob.get("/api/0/organizations/acme/members/12345/teams/core/").await.expect(404);
    bob.get("/api/0/organizations/acme/members/x/teams/core/").await.expect(404);
    let (member, greta) = (world.member("acme", "bob"), world.of("greta"));
    greta.get(&on(&world, "bob", "core")).await.expect(403);
    greta.get(&format!("/api/0/organizations/globex/members/{member}/teams/core/")).await.expect(404);
    greta
        .post(&format!("/api/0/organizations/globex/members/{member}/teams/fleet/"), &json!({}))
        .await
        .expect(404);
    world.anonymous().get(&on(&world, "bob", "core")).await.expect(401);
}

#[tokio::test]
async fn with_open_membership_a_member_joins_and_adds_others_without_a_body() {
    let world = World::acme().await;
    let bob = world.of("bob");
    let path = "/api/0/organizations/acme/members/me/teams/web/";
    let joined = Client::send(bob.request(Method::POST, path)).await.expect(201).json();
    assert_eq!(
        (&joined["slug"], &joined["isMember"], &joined["teamRole"], &joined["memberCount"]),
        (&json!("web"), &json!(true), &json!("contributor"), &json!(3))
    );
    let head = world.head().await;
    let again = Client::send(bob.request(Method::POST, path)).await.expect(204);
    assert_eq!((again.text.as_str(), world.head().await), ("", head));
    let added = bob.post(&on(&world, "alice", "web"), &json!({"isActive": true})).await.expect(201).json();
    assert_eq!((&added["isMember"], &added["memberCount"]), (&json!(true), &json!(4)));
    assert_eq!(world.types_after(head).await, ["TeamAssigned"]);
    bob.post(&on(&world, "ivan", "web"), &json!({})).await.expect(201);
    bob.post(&on(&world, "jo", "web"), &json!({})).await.expect(201);
    bob.post(&on(&world, "alice", "nope"), &json!({})).await.expect(404);
    let limited = world.with("acme-integration");
    limited.post("/api/0/organizations/acme/members/me/teams/web/", &json!({})).await.expect(404);
}

#[tokio::test]
async fn with_closed_membership_a_member_asks_and_is_on_record_once() {
    let world = closed().await;
    let bob = world.of("bob");
    let path = on(&world, "bob", "web");
    let before = world.head().await;
    let asked = bob.post(&path, &json!({})).await.expect(202);
    assert_eq!(asked.text, "");
    bob.post(&path, &json!({})).await.expect(202);
    world.of("dana").post(&path, &json!({})).await.expect(202);
    assert_eq!(world.types_after(before).await, ["TeamAccessRequested"]);
    let seen = bob.get("/api/0/teams/acme/web/").await;
    assert_eq!(seen.status, 403, "who is not on it has no access");
    let listed = bob.get("/api/0/organizations/acme/teams/?query=slug:web").await.expect(200).json();
    assert_eq!((&listed[0]["isPending"], &listed[0]["isMember"]), (&json!(true), &json!(false)));
    world.of("mallory").post(&path, &json!({})).await.expect(201);
    let listed = bob.get("/api/0/organizations/acme/teams/?query=slug:web").await.expect(200).json();
    assert_eq!((&listed[0]["isPending"], &listed[0]["isMember"]), (&json!(false), &json!(true)));
    let limited = world.with("acme-integration");
    limited.post(&on(&world, "bob", "infra"), &json!({})).await.expect(201);
    world.of("dana").post(&on(&world, "alice", "core"), &json!({})).await.expect(201);
}

#[tokio::test]
async fn who_leaves_is_off_and_who_is_off_stays_off() {
    let world = World::acme().await;
    let bob = world.of("bob");
    let before = world.head().await;
    let left = bob.delete("/api/0/organizations/acme/members/me/teams/core/").await.expect(200).json();
    assert_eq!(
        (&left["slug"], &left["isMember"], &left["teamRole"], &left["memberCount"]),
        (&json!("core"), &json!(false), &json!(null), &json!(1))
    );
    bob.delete("/api/0/organizations/acme/members/me/teams/core/").await.expect(200);
    assert_eq!(world.types_after(before).await, ["TeamUnassigned"]);
    let refused = bob.delete(&on(&world, "dana", "core")).await.expect(400).json();
    assert_eq!(refused, json!({"detail": "You do not have permission to edit that user's membership."}));
    let seen = world.of("adam").delete(&on(&world, "dana", "web")).await.expect(200).json();
    assert_eq!(seen["isMember"], true, "as adam sees it");
    world.of("mallory").delete(&on(&world, "dana", "infra")).await.expect(200);
    world.of("dana").delete(&on(&world, "dana", "core")).await.expect(200);
    world.of("greta").delete(&on(&world, "adam", "web")).await.expect(403);
}

#[tokio::test]
async fn a_role_on_a_team_is_given_and_taken() {
    let world = World::acme().await;
    let (alice, bob, path) = (world.of("alice"), world.of("bob"), on(&world, "bob", "core"));
    let before = world.head().await;
    let set = alice.put(&path, &json!({"teamRole": "admin"})).await.expect(200);
    assert_eq!(set.json(), json!({"isActive": true, "teamRole": "admin"}));
    let set = bob.put(&path, &json!({"teamRole": "contributor", "isActive": false})).await.expect(200);
    assert_eq!(set.json(), json!({"isActive": true, "teamRole": null}));
    assert_eq!(world.types_after(before).await, ["TeamRoleChanged", "TeamRoleChanged"]);
    let head = world.head().await;
    for body in [json!({}), json!({"teamRole": null}), json!({"teamRole": "contributor"})] {
        bob.put(&path, &body).await.expect(200);
    }
    let refused = bob.put(&path, &json!({"teamRole": "admin"})).await.expect(400).json();
    assert_eq!(refused, json!({"detail": "You do not have permission to edit that user's membership."}));
    let redundant = alice.put(&on(&world, "adam", "web"), &json!({"teamRole": "admin"})).await.expect(200);
    assert_eq!(redundant.json(), json!({"isActive": true, "teamRole": null}));
    alice.put(&on(&world, "bob", "web"), &json!({"teamRole": "admin"})).await.expect(404);
    for body in [
        json!({"teamRole": "owner"}),
        json!({"teamRole": ""}),
        json!({"teamRole": ["admin"]}),
        json!({"teamRole": {"a": 1}}),
        json!({"teamRole": true}),
    ] {
        assert!(alice.put(&path, &body).await.expect(400).json()["teamRole"].is_array(), "{body}");
    }
    assert!(alice.put(&path, &json!({"isActive": 7})).await.expect(400).json()["isActive"].is_array());
    assert_eq!(world.head().await, head);
}

#[tokio::test]
async fn a_repetition_has_the_status_of_the_first_answer() {
    let world = closed().await;
    let (bob, alice) = (world.of("bob"), world.of("alice"));
    let web = on(&world, "bob", "web");
    let keyed = |key| [("Idempotency-Key", key)];
    for _ in 0..2 {
        bob.post_with(&web, &json!({}), &keyed("ask")).await.expect(202);
    }
    let first = alice.post_with(&web, &json!({}), &keyed("add")).await.expect(201).json();
    let again = alice.post_with(&web, &json!({}), &keyed("add")).await.expect(201);
    assert_eq!((again.json(), again.header("idempotent-replayed")), (first, Some("true")));
    for _ in 0..2 {
        let there = alice.post_with(&web, &json!({}), &keyed("there")).await.expect(204);
        assert_eq!(there.text, "");
    }
    let set = json!({"teamRole": "admin"});
    for _ in 0..2 {
        let answer = alice.put_with(&web, &set, &keyed("set")).await.expect(200);
        assert_eq!(answer.json()["teamRole"], "admin");
    }
    for _ in 0..2 {
        let answer = alice.delete_with(&web, &keyed("leave")).await.expect(200);
        assert_eq!(answer.json()["slug"], "web");
    }
    alice.post_with(&web, &json!({"x": 1}), &keyed("add")).await.expect(422);
}

#[tokio::test]
async fn a_member_who_has_changed_is_not_changed_by_who_has_not_seen_him() {
    let world = World::acme().await;
    let (alice, path) = (world.of("alice"), on(&world, "bob", "core"));
    let tag = alice.get(&path).await.expect(200).header("etag").unwrap().to_owned();
    let tagged = [("If-Match", tag.as_str())];
    let changed = alice.put_with(&path, &json!({"teamRole": "admin"}), &tagged).await.expect(200);
    assert_ne!(changed.header("etag"), Some(tag.as_str()));
    alice.put_with(&path, &json!({"teamRole": "contributor"}), &tagged).await.expect(412);
    alice.delete_with(&path, &tagged).await.expect(412);
    let tag = alice.get(&path).await.expect(200).header("etag").unwrap().to_owned();
    alice.delete_with(&path, &[("If-Match", tag.as_str())]).await.expect(200);
}
