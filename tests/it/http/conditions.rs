//! `Idempotency-Key` and `If-Match`.

use serde_json::json;

use crate::support::World;

#[tokio::test]
async fn a_repeated_key_is_answered_alike_and_changes_nothing() {
    let world = World::acme().await;
    let (alice, path, body) = (world.of("alice"), world.path("acme", "dana"), json!({"orgRole": "manager"}));
    let first = alice.put_with(&path, &body, &[("idempotency-key", "k-1")]).await.expect(200);
    let head = world.head().await;
    let second = alice.put_with(&path, &body, &[("idempotency-key", "k-1")]).await.expect(200);
    assert_eq!(world.head().await, head);
    assert_eq!((second.position(), second.header("idempotent-replayed")), (first.position(), Some("true")));
    assert_eq!(first.header("idempotent-replayed"), None);
    assert_eq!(second.json(), first.json());
}

#[tokio::test]
async fn a_repetition_is_answered_alike_after_the_world_has_moved_on() {
    let world = World::acme().await;
    let (alice, path) = (world.of("alice"), world.path("acme", "dana"));
    let key = [("idempotency-key", "k-2")];
    let first = alice.put_with(&path, &json!({"orgRole": "manager"}), &key).await.expect(200);
    alice.put(&path, &json!({"orgRole": "member"})).await.expect(200);
    let head = world.head().await;
    let again = alice.put_with(&path, &json!({"orgRole": "manager"}), &key).await.expect(200);
    assert_eq!(again.position(), first.position());
    assert_eq!(world.head().await, head, "the repetition was carried out again");
    assert_eq!(again.json()["orgRole"], json!("member"), "the body is rendered now");
}

#[tokio::test]
async fn a_refusal_is_repeated_in_the_same_words() {
    let world = World::acme().await;
    let (alice, path) = (world.of("alice"), world.path("acme", "alice"));
    let key = [("idempotency-key", "k-3")];
    let first = alice.put_with(&path, &json!({"orgRole": "manager"}), &key).await.expect(400);
    let second = alice.put_with(&path, &json!({"orgRole": "manager"}), &key).await.expect(400);
    assert_eq!((second.json(), second.position()), (first.json(), first.position()));
    assert_eq!(second.header("idempotent-replayed"), Some("true"));
}

#[tokio::test]
async fn a_key_of_another_request_is_refused() {
    let world = World::acme().await;
    let (alice, path) = (world.of("alice"), world.path("acme", "dana"));
    let key = [("idempotency-key", "k-4")];
    alice.put_with(&path, &json!({"orgRole": "manager"}), &key).await.expect(200);
    alice.put_with(&path, &json!({"orgRole": "member"}), &key).await.expect(422);
    alice.put_with(&world.path("acme", "bob"), &json!({"orgRole": "manager"}), &key).await.expect(422);
    let condition = [("idempotency-key", "k-4"), ("if-match", "\"1\"")];
    alice.put_with(&path, &json!({"orgRole": "manager"}), &condition).await.expect(422);
}

#[tokio::test]
async fn the_same_key_of_another_person_is_another_key() {
    let world = World::acme().await;
    let (path, body, key) =
        (world.path("acme", "dana"), json!({"teams": ["web"]}), [("idempotency-key", "k-5")]);
    world.of("alice").put_with(&path, &body, &key).await.expect(200);
    let other = world.of("mallory").put_with(&path, &body, &key).await.expect(200);
    assert_eq!(other.header("idempotent-replayed"), None);
}

#[tokio::test]
async fn whoever_left_with_a_key_is_told_again_that_he_left() {
    let world = World::acme().await;
    let bob = world.of("bob");
    let key = [("idempotency-key", "bye")];
    let me = "/api/0/organizations/acme/members/me/";
    let first = bob.delete_with(me, &key).await.expect(204);
    let second = bob.delete_with(me, &key).await.expect(204);
    assert_eq!((second.position(), second.header("idempotent-replayed")), (first.position(), Some("true")));
    bob.delete(me).await.expect(403);
}

#[tokio::test]
async fn many_at_once_with_one_key_change_the_member_once() {
    let world = World::acme().await;
    let (alice, path) = (world.of("alice"), world.path("acme", "dana"));
    let before = world.head().await;
    let requests = (0..32).map(|_| {
        let (alice, path) = (alice.clone(), path.clone());
        tokio::spawn(async move {
            alice.put_with(&path, &json!({"orgRole": "manager"}), &[("idempotency-key", "k-6")]).await
        })
    });
    let answers = futures_util::future::join_all(requests.collect::<Vec<_>>()).await;
    let positions: Vec<_> =
        answers.into_iter().map(|answer| answer.unwrap().expect(200).position()).collect();
    assert!(positions.iter().all(|position| *position == before + 3), "{positions:?}");
    assert_eq!(world.head().await, before + 3);
}

#[tokio::test]
async fn malformed_keys_and_conditions_are_named() {
    let world = World::acme().await;
    let (alice, path) = (world.of("alice"), world.path("acme", "dana"));
    let long = "x".repeat(256);
    for key in ["", long.as_str()] {
        let refused = alice.put_with(&path, &json!({}), &[("idempotency-key", key)]).await.expect(400).json();
        assert!(refused["Idempotency-Key"].is_array());
    }
    for tag in ["7", "\"x\"", "W/\"1\""] {
        let refused = alice.put_with(&path, &json!({}), &[("if-match", tag)]).await.expect(400).json();
        assert!(refused["If-Match"].is_array());
    }
}

#[tokio::test]
async fn a_change_of_what_was_not_seen_is_refused() {
    let world = World::acme().await;
    let (alice, path) = (world.of("alice"), world.path("acme", "dana"));
    let seen = alice.get(&path).await.expect(200).header("etag").unwrap().to_owned();
    let changed = alice.put_with(&path, &json!({"teams": ["web"]}), &[("if-match", &seen)]).await.expect(200);
    let head = world.head().await;
    alice.put_with(&path, &json!({"teams": []}), &[("if-match", &seen)]).await.expect(412);
    alice.delete_with(&path, &[("if-match", &seen)]).await.expect(412);
    assert_eq!(world.head().await, head);
    world.of("greta").put_with(&path, &json!({}), &[("if-match", &seen)]).await.expect(403);
    let tag = changed.header("etag").unwrap();
    alice.delete_with(&path, &[("if-match", tag)]).await.expect(204);
}

#[tokio::test]
async fn a_repetition_keeps_its_status_when_the_member_or_the_right_to_see_him_is_gone() {
    let world = World::acme().await;
    let (alice, mallory, path) = (world.of("alice"), world.of("mallory"), world.path("acme", "dana"));
    let body = json!({"teams": ["web"]});
    let of_alice = alice.put_with(&path, &body, &[("idempotency-key", "a")]).await.expect(200);
    let of_mallory = mallory.put_with(&path, &body, &[("idempotency-key", "m")]).await.expect(200);
    alice.delete(&path).await.expect(204);
    alice.delete(&world.path("acme", "mallory")).await.expect(204);
    for (client, key, first) in [(&alice, "a", of_alice), (&mallory, "m", of_mallory)] {
        let again = client.put_with(&path, &body, &[("idempotency-key", key)]).await.expect(200);
        assert_eq!((again.position(), again.header("idempotent-replayed")), (first.position(), Some("true")));
        assert_eq!(again.json(), json!({"id": world.member("acme", "dana").to_string()}));
    }
}

#[tokio::test]
async fn a_request_for_nobody_uses_up_its_key_too() {
    let world = World::acme().await;
    let (alice, key) = (world.of("alice"), [("idempotency-key", "nobody")]);
    let nobody = "/api/0/organizations/acme/members/12345/";
    alice.put_with(nobody, &json!({}), &key).await.expect(404);
    let again = alice.put_with(nobody, &json!({}), &key).await.expect(404);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    alice.put_with(&world.path("acme", "dana"), &json!({}), &key).await.expect(422);
}

#[tokio::test]
async fn field_errors_are_repeated_without_having_been_kept() {
    let world = World::acme().await;
    let (alice, path) = (world.of("alice"), world.path("acme", "dana"));
    let body =
        json!({"email": "Planted.Canary@example.com", "orgRole": "planted-role-canary", "teams": ["x"]});
    let key = [("idempotency-key", "fields")];
    let first = alice.put_with(&path, &body, &key).await.expect(400);
    let again = alice.put_with(&path, &body, &key).await.expect(400);
    assert_eq!((again.json(), again.header("idempotent-replayed")), (first.json(), Some("true")));
    let bytes = world.place.everything_stored().await.to_ascii_lowercase();
    for canary in [&b"planted.canary"[..], b"planted-role-canary"] {
        assert!(!bytes.windows(canary.len()).any(|window| window == canary), "what was written is kept");
    }
}
