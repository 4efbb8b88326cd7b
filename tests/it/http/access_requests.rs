//! Requests to join teams, and the answers to them.

use muster_events::token::TokenOwner;
use serde_json::{Value, json};

use crate::support::World;

const REQUESTS: &str = "/api/0/organizations/acme/access-requests/";

fn on(world: &World, member: &str, team: &str) -> String {
    format!("{}teams/{team}/", world.path("acme", member))
}

/// Membership of `acme` is closed; bob asks for web himself, dana asks that mallory's invitee ivan may join core.
async fn asked() -> World {
    let mut builder = World::acme_with(&[("openMembership", json!(false))]).await;
    let globex = builder.organization("umbrella", "greta", &[]).await;
    builder.token("umbrella-integration", TokenOwner::Organization(globex), None).await;
    let world = builder.serve().await;
    world.of("bob").post(&on(&world, "bob", "web"), &json!({})).await.expect(202);
    world.of("bob").post(&on(&world, "ivan", "core"), &json!({})).await.expect(202);
    world
}

fn of<'a>(list: &'a Value, team: &str) -> &'a Value {
    let mut rows = list.as_array().unwrap().iter();
    rows.find(|row| row["team"]["slug"] == team).unwrap_or_else(|| panic!("no {team} in {list}"))
}

async fn id_of(world: &World, team: &str) -> String {
    let list = world.of("alice").get(REQUESTS).await.expect(200).json();
    of(&list, team)["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn requests_are_seen_by_those_who_answer_them() {
    let world = asked().await;
    let all = world.of("mallory").get(REQUESTS).await.expect(200).json();
    assert_eq!(all.as_array().unwrap().len(), 2);
    let (web, core) = (of(&all, "web"), of(&all, "core"));
    assert_eq!((&web["member"]["email"], &web["requester"]), (&json!("bob@example.com"), &json!(null)));
    assert_eq!(core["member"]["email"], "ivan@example.com");
    assert_eq!(core["requester"]["email"], "bob@example.com");
    let acme = world.of("alice").get("/api/0/organizations/acme/").await.expect(200).json();
    assert_eq!(acme["pendingAccessRequests"], json!(2));
    let of_adam = world.of("adam").get(REQUESTS).await.expect(200).json();
    assert_eq!(of_adam.as_array().unwrap().len(), 1);
    of(&of_adam, "web");
    let of_dana = world.of("dana").get(REQUESTS).await.expect(200).json();
    assert_eq!(of_dana.as_array().unwrap().len(), 1);
    of(&of_dana, "core");
    assert_eq!(world.of("bob").get(REQUESTS).await.expect(200).json(), json!([]));
    let page = world.of("alice").get(&format!("{REQUESTS}?per_page=1&cursor=0:1:0")).await.expect(200).json();
    assert_eq!((page.as_array().unwrap().len(), &page[0]["team"]["slug"]), (1, &json!("core")));
    world.of("greta").get(REQUESTS).await.expect(403);
    world.with("umbrella-integration").get(REQUESTS).await.expect(403);
    world.anonymous().get(REQUESTS).await.expect(401);
}

#[tokio::test]
async fn a_granted_request_puts_the_member_on_the_team() {
    let world = asked().await;
    let (adam, before) = (world.of("adam"), world.head().await);
    let path = format!("{REQUESTS}{}/", id_of(&world, "web").await);
    let granted = adam.put(&path, &json!({"isApproved": true})).await.expect(204);
    assert_eq!(granted.text, "");
    assert_eq!(world.types_after(before).await, ["TeamAccessApproved", "TeamAssigned"]);
    let on_web = world.of("bob").get(&on(&world, "bob", "web")).await.expect(200).json();
    assert_eq!(on_web, json!({"isActive": true, "teamRole": null}));
    let head = world.head().await;
    adam.put(&path, &json!({"isApproved": true})).await.expect(204);
    adam.put(&path, &json!({"isApproved": false})).await.expect(404);
    assert_eq!(world.head().await, head);
}

#[tokio::test]
async fn a_refused_request_is_gone_and_can_be_made_again() {
    let world = asked().await;
    let (dana, before) = (world.of("dana"), world.head().await);
    let path = format!("{REQUESTS}{}/", id_of(&world, "core").await);
    dana.put(&path, &json!({"isApproved": "no"})).await.expect(204);
    assert_eq!(world.types_after(before).await, ["TeamAccessDenied"]);
    assert_eq!(dana.get(REQUESTS).await.expect(200).json(), json!([]));
    dana.put(&path, &json!({"isApproved": true})).await.expect(404);
    world.of("bob").post(&on(&world, "ivan", "core"), &json!({})).await.expect(202);
    dana.put(&path, &json!({"isApproved": true})).await.expect(204);
}

#[tokio::test]
async fn others_neither_answer_nor_learn_of_a_request() {
    let world = asked().await;
    let before = world.head().await;
    let id = id_of(&world, "web").await;
    let path = format!("{REQUESTS}{id}/");
    let yes = json!({"isApproved": true});
    for key in ["bob", "dana"] {
        let refused = world.of(key).put(&path, &yes).await.expect(403).json();
        assert_eq!(refused, json!({"detail": "You do not have permission to perform this action."}));
    }
    world.of("greta").put(&path, &yes).await.expect(403);
    world
        .of("greta")
        .put(&format!("/api/0/organizations/globex/access-requests/{id}/"), &yes)
        .await
        .expect(404);
    world.with("umbrella-integration").put(&path, &yes).await.expect(403);
    world.anonymous().put(&path, &yes).await.expect(401);
    let alice = world.of("alice");
    let (member, team) = id.split_once('-').unwrap();
    for unknown in [
        "x",
        "1",
        "1-2",
        "-",
        &format!("{member}-"),
        &format!("{member}-1"),
        &format!("1-{team}"),
        &format!("{}-{team}", world.member("acme", "mallory")),
        "99999999999999999999-99999999999999999999",
    ] {
        alice.put(&format!("{REQUESTS}{unknown}/"), &yes).await.expect(404);
    }
    assert_eq!(world.head().await, before);
}

#[tokio::test]
async fn an_answer_is_yes_or_no() {
    let world = asked().await;
    let before = world.head().await;
    let (alice, path) = (world.of("alice"), format!("{REQUESTS}{}/", id_of(&world, "web").await));
    for body in
        [json!({}), json!({"isApproved": null}), json!({"isApproved": "perhaps"}), json!({"isApproved": []})]
    {
        assert!(alice.put(&path, &body).await.expect(400).json()["isApproved"].is_array(), "{body}");
    }
    alice.put(&path, &json!([true])).await.expect(400);
    assert_eq!(world.head().await, before);
    let keyed = [("Idempotency-Key", "answer")];
    alice.put_with(&path, &json!({"isApproved": false}), &keyed).await.expect(204);
    let again = alice.put_with(&path, &json!({"isApproved": false}), &keyed).await.expect(204);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
}

#[tokio::test]
async fn a_request_for_a_deleted_team_is_gone_with_it() {
    let world = asked().await;
    let (alice, path) = (world.of("alice"), format!("{REQUESTS}{}/", id_of(&world, "web").await));
    alice.delete("/api/0/teams/acme/web/").await.expect(204);
    alice.put(&path, &json!({"isApproved": true})).await.expect(404);
    let left = alice.get(REQUESTS).await.expect(200).json();
    assert_eq!(left.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_request_that_was_met_in_another_way_is_not_listed() {
    let world = asked().await;
    let alice = world.of("alice");
    alice.put(&world.path("acme", "bob"), &json!({"teams": ["web"]})).await.expect(200);
    let left = alice.get(REQUESTS).await.expect(200).json();
    assert_eq!(left.as_array().unwrap().len(), 1);
    of(&left, "core");
}
