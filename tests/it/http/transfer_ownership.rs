//! POST transfer-ownership (behaviour.md D25).

use muster_events::token::TokenOwner;
use serde_json::{Value, json};

use crate::support::World;

const PATH: &str = "/api/0/organizations/acme/transfer-ownership/";

fn to(world: &World, key: &str) -> Value {
    json!({"member": world.member("acme", key).to_string()})
}

async fn role_of(world: &World, key: &str) -> String {
    let shown = world.of("root").get(&world.path("acme", key)).await.expect(200).json();
    shown["orgRole"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn both_change_at_once_and_the_new_owner_is_the_answer() {
    let mut builder = World::acme_builder().await;
    builder.person("olga").await;
    builder.member("acme", "olga", "owner", &[("web", None), ("core", Some("admin"))]).await;
    let world = builder.serve().await;
    let before = world.head().await;
    let answer = world.of("olga").post(PATH, &to(&world, "dana")).await.expect(200);
    let dana = answer.json();
    assert_eq!((&dana["orgRole"], &dana["email"]), (&json!("owner"), &json!("dana@example.com")));
    let roles: Vec<_> = dana["teamRoles"].as_array().unwrap().iter().map(|team| &team["role"]).collect();
    assert_eq!(roles, [&Value::Null; 3], "an owner needs no role on a team");
    assert_eq!(dana["isOnlyOwner"], json!(false), "alice is one too");
    let allowed =
        dana["orgRoleList"].as_array().unwrap().iter().filter(|role| role["isAllowed"] == json!(true));
    assert_eq!(allowed.count(), 3, "the requester is a manager from now on");
    let appended = world.types_after(before).await;
    let expected =
        ["OrgRoleChanged", "TeamRoleCleared", "TeamRoleCleared", "OrgRoleChanged", "TeamRoleCleared"];
    assert_eq!(appended, expected);
    assert_eq!(answer.position(), before + 5);
    assert_eq!(role_of(&world, "olga").await, "manager");
    let details = world.of("alice").get(&world.path("acme", "dana")).await.expect(200);
    assert_eq!(details.header("etag"), answer.header("etag"));
    // Who has handed over cannot do it again.
    world.of("olga").post(PATH, &to(&world, "bob")).await.expect(403);
}

#[tokio::test]
async fn the_only_owner_can_transfer_and_leave() {
    let world = World::acme().await;
    let alice = world.of("alice");
    let me = "/api/0/organizations/acme/members/me/";
    alice.delete(me).await.expect(403);
    let mallory = alice.post(PATH, &to(&world, "mallory")).await.expect(200).json();
    assert_eq!(mallory["isOnlyOwner"], json!(true));
    alice.delete(me).await.expect(204);
    world.of("mallory").delete(me).await.expect(403);
}

#[tokio::test]
async fn only_a_person_who_is_an_owner_transfers() {
    let mut builder = World::acme_builder().await;
    let (alice, acme) = (builder.user("alice"), builder.organization_id("acme"));
    builder.token("alice-writes", TokenOwner::User(alice), Some(&["org:write", "member:admin"])).await;
    builder.token("acme-all", TokenOwner::Organization(acme), Some(&["org:admin", "member:admin"])).await;
    let world = builder.serve().await;
    let (body, before) = (to(&world, "bob"), world.head().await);
    for who in ["mallory", "adam", "bob", "greta", "root"] {
        let refused = world.of(who).post(PATH, &body).await.expect(403).json();
        assert_eq!(refused, json!({"detail": "You do not have permission to perform this action."}), "{who}");
    }
    world.with("alice-writes").post(PATH, &body).await.expect(403);
    world.with("acme-integration").post(PATH, &body).await.expect(403);
    let refused = world.with("acme-all").post(PATH, &body).await.expect(400).json();
    assert_eq!(refused, json!({"detail": "This endpoint is restricted to user tokens."}));
    world.anonymous().post(PATH, &body).await.expect(401);
    world.of("alice").post("/api/0/organizations/nowhere/transfer-ownership/", &body).await.expect(404);
    world.of("alice").post("/api/0/organizations/globex/transfer-ownership/", &body).await.expect(403);
    world.of("alice").get(PATH).await.expect(405);
    assert_eq!(world.head().await, before);
}

#[tokio::test]
async fn the_new_owner_is_a_claimed_member_whose_account_is_active() {
    let mut builder = World::acme_builder().await;
    builder.person_with("idle", |idle| idle.active = false).await;
    builder.member("acme", "idle", "member", &[]).await;
    let world = builder.serve().await;
    let (alice, before) = (world.of("alice"), world.head().await);
    let text = "The new owner must be a member of the organization whose account is active.";
    let greta = json!({"member": world.member("globex", "greta").to_string()});
    let mut bodies: Vec<_> = ["ivan", "jo", "idle"].iter().map(|key| to(&world, key)).collect();
    bodies.extend([greta, json!({"member": "12345"}), json!({"member": "me"}), json!({"member": ""})]);
    for body in bodies {
        let refused = alice.post(PATH, &body).await.expect(400).json();
        assert_eq!(refused, json!({"member": [text]}), "{body}");
    }
    let refused = alice.post(PATH, &to(&world, "alice")).await.expect(400).json();
    assert_eq!(refused, json!({"member": ["You are an owner of the organization already."]}));
    for (body, text) in [
        (json!({}), "This field is required."),
        (json!({"member": null}), "This field may not be null."),
        (json!({"member": ["1"]}), "Not a valid string."),
        (json!({"member": {"id": 1}}), "Not a valid string."),
    ] {
        let refused = alice.post(PATH, &body).await.expect(400).json();
        assert_eq!(refused, json!({"member": [text]}), "{body}");
    }
    alice.post(PATH, &json!([])).await.expect(400);
    // An id may be a number, too.
    assert_eq!(world.head().await, before);
    alice.post(PATH, &json!({"member": world.member("acme", "bob").get()})).await.expect(200);
}

#[tokio::test]
async fn a_repeated_request_transfers_once() {
    let world = World::acme().await;
    let (alice, body, key) = (world.of("alice"), to(&world, "bob"), [("Idempotency-Key", "t1")]);
    let first = alice.post_with(PATH, &body, &key).await.expect(200);
    let head = world.head().await;
    let again = alice.post_with(PATH, &body, &key).await.expect(200);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(
        (again.json()["id"].clone(), again.position()),
        (first.json()["id"].clone(), first.position())
    );
    alice.post_with(PATH, &to(&world, "dana"), &key).await.expect(422);
    let refused = [("Idempotency-Key", "t2")];
    alice.post_with(PATH, &body, &refused).await.expect(403);
    alice.post_with(PATH, &body, &refused).await.expect(403);
    assert_eq!(world.head().await, head);
}

/// Two owners hand over at once, to each other or to a third: there is always an owner, and every transfer that was
/// answered with success took the ownership of who asked.
#[tokio::test(flavor = "multi_thread")]
async fn two_transfers_at_once_leave_an_owner() {
    let mut builder = World::acme_builder().await;
    builder.person("olga").await;
    builder.member("acme", "olga", "owner", &[]).await;
    let world = builder.serve().await;
    let (alice, olga, root) = (world.of("alice"), world.of("olga"), world.of("root"));
    let owner = json!({"orgRole": "owner"});
    for round in 0..40 {
        let (of_alice, of_olga) = if round % 2 == 0 { ("olga", "alice") } else { ("dana", "dana") };
        let (to_one, to_other) = (to(&world, of_alice), to(&world, of_olga));
        let (one, other) = tokio::join!(alice.post(PATH, &to_one), olga.post(PATH, &to_other));
        assert!([&one, &other].iter().all(|answer| matches!(answer.status, 200 | 403)), "{one:?} {other:?}");
        let mut owners = vec![];
        for key in ["alice", "olga", "dana"] {
            if role_of(&world, key).await == "owner" {
                owners.push(key);
            }
        }
        let succeeded = [&one, &other].iter().filter(|answer| answer.status == 200).count();
        if round % 2 == 0 {
            // Who was second is an owner no more, or became one again by the other's transfer.
            assert!(succeeded >= 1 && owners.len() == 1, "round {round}: {owners:?} {one:?} {other:?}");
        } else {
            assert_eq!((succeeded, owners.as_slice()), (2, ["dana"].as_slice()), "round {round}");
        }
        for key in ["alice", "olga"] {
            root.put(&world.path("acme", key), &owner).await.expect(200);
        }
        root.put(&world.path("acme", "dana"), &json!({"orgRole": "member"})).await.expect(200);
    }
}

/// The one who is to be the owner leaves, or is removed, at the same moment: either the transfer comes first, and the
/// only owner cannot leave, or he is gone, and nothing is transferred.
#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_and_a_removal_of_the_new_owner_exclude_each_other() {
    for round in 0..6 {
        let world = World::acme().await;
        let (alice, body, path) = (world.of("alice"), to(&world, "dana"), world.path("acme", "dana"));
        let remover = world.of(if round % 2 == 0 { "dana" } else { "mallory" });
        let (handed_over, gone) = tokio::join!(alice.post(PATH, &body), remover.delete(&path));
        match (handed_over.status, gone.status) {
            (200, 403 | 400) => assert_eq!(role_of(&world, "alice").await, "manager"),
            (400, 204) => assert_eq!(role_of(&world, "alice").await, "owner"),
            _ => panic!("round {round}: {handed_over:?} {gone:?}"),
        }
    }
}
