//! People who are erased, over HTTP.

use muster_events::{member::InviteStatus, user::Authenticator};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Client, World};

const ERASED: &str = "[erased]";
const INVITEES: &str = "/api/0/invitees/";

fn path_of(world: &World, key: &str) -> String {
    format!("/api/0/users/{}/", world.user(key))
}

async fn erase_invitee(client: &Client, email: &str) -> Answer {
    Client::send(client.request(Method::DELETE, INVITEES).json(&json!({ "email": email }))).await
}

/// The event that a receipt names, as the history shows it.
async fn event_of(world: &World, receipt: &Value) -> Value {
    let position = receipt["position"].as_u64().unwrap();
    let page = world.of("root").get(&format!("/api/0/events/?after={}&limit=1", position - 1)).await;
    let event = page.expect(200).json()["events"][0].clone();
    assert_eq!((&event["event_id"], &event["leaf"]), (&receipt["id"], &receipt["leaf"]));
    event
}

/// All that the history of the deployment shows.
async fn history(world: &World) -> String {
    world.of("root").get("/api/0/events/?limit=1000").await.expect(200).text
}

/// Until the policies have removed the member.
async fn removed(world: &World, organization: &str, key: &str) {
    let path = world.path(organization, key);
    for _ in 0..600 {
        if world.of("root").get(&path).await.status == 404 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{key} is still in {organization}");
}

#[tokio::test]
async fn a_person_erases_himself_and_nothing_of_him_can_be_read() {
    let world = World::acme().await;
    let (bob, root) = (world.of("bob"), world.of("root"));
    bob.put("/api/0/users/me/", &json!({"name": "Robert"})).await.expect(200);
    let before = history(&world).await;
    assert!(before.contains("bob@example.com") && before.contains("Robert") && before.contains("127.0.0.1"));

    let answer = bob.delete("/api/0/users/me/").await.expect(200);
    let receipt = answer.json();
    assert_eq!(receipt["subject"], json!(format!("user:{}", world.user("bob"))));
    let event = event_of(&world, &receipt).await;
    assert_eq!((&event["type"], &event["metadata"]["ip"]), (&json!("UserErased"), &json!(ERASED)));
    bob.get("/api/0/users/me/").await.expect(401);
    root.get(&path_of(&world, "bob")).await.expect(404);
    removed(&world, "acme", "bob").await;
    removed(&world, "globex", "bob").await;
    let after = history(&world).await;
    for canary in ["bob@example.com", "Robert", "\"bob\"", "Bob"] {
        assert!(!after.contains(canary), "{canary} is in the history");
    }
    assert!(after.contains("dana@example.com"), "others are still there");
    let found =
        world.of("alice").get("/api/0/organizations/acme/members/?query=bob").await.expect(200).json();
    assert_eq!(found, json!([]));
    let users = root.get("/api/0/users/").await.expect(200).text;
    assert!(!users.contains(ERASED) && !users.contains("bob"));
    let audit = world.of("alice").get("/api/0/organizations/acme/audit-logs/").await.expect(200);
    assert!(!audit.text.contains("bob"), "{}", audit.text);
}

#[tokio::test]
async fn erased_again_the_receipt_is_the_same() {
    let world = World::acme().await;
    let (root, path) = (world.of("root"), path_of(&world, "bob"));
    let first = root.delete_with(&path, &[("idempotency-key", "k1")]).await.expect(200);
    let again = root.delete_with(&path, &[("idempotency-key", "k1")]).await.expect(200);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.header("muster-position"), first.header("muster-position"));
    assert_eq!(again.json(), first.json());
    let before = world.head().await;
    assert_eq!(root.delete(&path).await.expect(200).json(), first.json());
    let types = world.types_after(before).await;
    assert_eq!(types, [""; 0], "nothing more was put on record");
    // Nothing else can be asked of the account.
    root.put(&path, &json!({"active": true})).await.expect(404);
    Client::send(
        root.request(Method::POST, &format!("{path}emails/")).json(&json!({"email": "b@example.com"})),
    )
    .await
    .expect(404);
}

#[tokio::test]
async fn who_may_erase_whom() {
    let world = World::acme().await;
    let (alice, bob, root, before) =
        (world.of("alice"), world.of("bob"), world.of("root"), world.head().await);
    alice.delete(&path_of(&world, "bob")).await.expect(403);
    bob.delete("/api/0/users/12345/").await.expect(403);
    world.anonymous().delete(&path_of(&world, "bob")).await.expect(401);
    world.with("acme-integration").delete(&path_of(&world, "bob")).await.expect(403);
    root.delete("/api/0/users/12345/").await.expect(404);
    root.delete("/api/0/users/garbage/").await.expect(404);
    let stale = root.request(Method::DELETE, &path_of(&world, "bob")).header("if-match", "\"1\"");
    Client::send(stale).await.expect(412);
    let refused = root.delete(&path_of(&world, "alice")).await.expect(403).json();
    assert_eq!(refused, json!({"detail": "You cannot remove the only remaining owner of the organization."}));
    alice.delete("/api/0/users/me/").await.expect(403);
    erase_invitee(&alice, "ivan@example.com").await.expect(403);
    erase_invitee(&root, "nobody@example.com").await.expect(404);
    erase_invitee(&root, "no address").await.expect(400);
    let refused = erase_invitee(&root, "BOB@example.com").await.expect(409).json();
    let says = format!("The address is one of the account {}: erase the account.", world.user("bob"));
    assert_eq!(refused, json!({ "detail": says }));
    assert_eq!(world.head().await, before);
    // With another owner beside her she can go.
    alice.put(&world.path("acme", "mallory"), &json!({"orgRole": "owner"})).await.expect(200);
    alice.delete("/api/0/users/me/").await.expect(200);
}

#[tokio::test]
async fn whoever_was_invited_without_an_account_is_erased_everywhere() {
    let mut builder = World::acme_builder().await;
    builder.pending("globex", "ivan", InviteStatus::RequestedToBeInvited, Some("greta")).await;
    let world = builder.serve().await;
    let (root, alice) = (world.of("root"), world.of("alice"));
    let before = world.head().await;
    let answer = erase_invitee(&root, "Ivan@example.com").await.expect(200).json();
    let receipts = answer["receipts"].as_array().unwrap();
    let subjects: Vec<_> = receipts.iter().map(|receipt| receipt["subject"].clone()).collect();
    let expected = ["acme", "globex"].map(|place| json!(format!("invitee:{}", world.member(place, "ivan"))));
    assert_eq!(subjects, expected);
    for receipt in receipts {
        assert_eq!(event_of(&world, receipt).await["type"], json!("InviteeErased"));
    }
    let types = world.types_after(before).await;
    assert_eq!(types, ["InviteRevoked", "InviteeErased", "InviteRequestRejected", "InviteeErased"]);
    alice.get(&world.path("acme", "ivan")).await.expect(404);
    assert!(!history(&world).await.to_lowercase().contains("ivan@example.com"));
    let before = world.head().await;
    assert_eq!(erase_invitee(&root, "ivan@example.com").await.expect(200).json(), answer);
    assert_eq!(world.head().await, before);

    // The address can be invited again, with a key of its own.
    let body = json!({"email": "ivan@example.com", "orgRole": "member"});
    let path = "/api/0/organizations/acme/members/";
    let invited = Client::send(alice.request(Method::POST, path).json(&body)).await.expect(201).json();
    assert_eq!(invited["email"], json!("ivan@example.com"));
    assert!(history(&world).await.contains("ivan@example.com"));
    let answer = erase_invitee(&root, "ivan@example.com").await.expect(200).json();
    assert_eq!(answer["receipts"].as_array().unwrap().len(), 3);
    assert!(!history(&world).await.contains("ivan@example.com"));
}

/// Rows that an address of his stands in, also where they were never his by an account.
#[tokio::test]
async fn invitations_to_his_addresses_end_with_him() {
    let mut builder = World::acme_builder().await;
    builder
        .person_with("zoe", |zoe| {
            zoe.emails.push(("z2@example.com".into(), true));
            zoe.emails.push(("z3@example.com".into(), false));
            zoe.authenticators = vec![Authenticator::Totp];
        })
        .await;
    for key in ["zoe", "z2", "z3"] {
        builder.pending("acme", key, InviteStatus::Approved, Some("alice")).await;
    }
    let world = builder.serve().await;
    let alice = world.of("alice");
    alice.delete(&world.path("acme", "z2")).await.expect(204);
    let before = world.head().await;
    world.of("zoe").delete("/api/0/users/me/").await.expect(200);
    let mut types = world.types_after(before).await;
    types.sort();
    assert_eq!(types, ["InviteRevoked", "InviteeErased", "InviteeErased", "UserErased"]);
    let history = history(&world).await;
    assert!(!history.contains("zoe@example.com") && !history.contains("z2@example.com"));
    // It was never shown to be hers: whoever was invited by it is somebody else, for all that is known.
    alice.get(&world.path("acme", "z3")).await.expect(200);
    assert!(history.contains("z3@example.com"));
    erase_invitee(&world.of("root"), "z3@example.com").await.expect(200);
}

/// The address of an account that became an invitation again is the person's, whatever is known of it.
#[tokio::test]
async fn who_was_returned_to_pending_is_erased_as_that() {
    let mut builder = World::acme_builder().await;
    builder
        .person_with("zoe", |zoe| {
            zoe.emails = vec![("zoe@example.com".into(), false)];
            zoe.authenticators = vec![];
        })
        .await;
    builder.member("acme", "zoe", "member", &[]).await;
    let world = builder.serve().await;
    let (alice, path) = (world.of("alice"), world.path("acme", "zoe"));
    alice.put("/api/0/organizations/acme/", &json!({"require2FA": true})).await.expect(200);
    let mut tries = 0;
    while alice.get(&path).await.expect(200).json()["pending"] != json!(true) {
        tries += 1;
        assert!(tries < 1000, "zoe is still a member");
    }
    assert!(history(&world).await.contains("zoe@example.com"));
    world.of("zoe").delete("/api/0/users/me/").await.expect(200);
    alice.get(&path).await.expect(404);
    assert!(!history(&world).await.contains("zoe@example.com"));
}

#[tokio::test]
async fn of_two_owners_who_are_erased_at_one_instant_one_stays() {
    for _ in 0..4 {
        let mut builder = World::acme_builder().await;
        builder.person("second").await;
        builder.member("acme", "second", "owner", &[]).await;
        let world = builder.serve().await;
        let (alice, second) = (world.of("alice"), world.of("second"));
        let (one, other) = tokio::join!(alice.delete("/api/0/users/me/"), second.delete("/api/0/users/me/"));
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 403]);
    }
}

/// A request that was under way when its person was erased leaves no key behind that seals nothing.
#[tokio::test]
async fn what_he_asks_for_at_the_same_moment_brings_nobody_back() {
    for _ in 0..4 {
        let world = World::acme().await;
        let (bob, root, path) = (world.of("bob"), world.of("root"), path_of(&world, "bob"));
        let paths = [
            "/api/0/users/me/authenticators/totp/",
            "/api/0/organizations/acme/members/me/",
            "/api/0/organizations/globex/members/me/",
        ];
        let asked = paths.iter().map(|path| bob.delete(path));
        let (answers, erased) = tokio::join!(futures_util::future::join_all(asked), root.delete(&path));
        erased.expect(200);
        assert!(answers.iter().all(|answer| [204, 401, 403, 404].contains(&answer.status)), "{answers:?}");
        assert!(!history(&world).await.contains("bob@example.com"));
        assert_eq!(world.place.wrapped_key(&format!("user:{}", world.user("bob"))).await, None);
    }
}

/// Address and user name are free at once, and whoever registers by them is somebody else.
#[tokio::test]
async fn what_he_was_called_is_free_again() {
    let world = World::acme().await;
    let root = world.of("root");
    root.delete(&path_of(&world, "bob")).await.expect(200);
    let body = json!({"email": "bob@example.com", "username": "bob", "name": "Another Bob"});
    let made = Client::send(root.request(Method::POST, "/api/0/users/").json(&body)).await.expect(201).json();
    assert_ne!(made["id"], json!(world.user("bob").to_string()));
    let path = format!("/api/0/users/{}/", made["id"].as_str().unwrap());
    assert_eq!(root.get(&path).await.expect(200).json()["email"], json!("bob@example.com"));
    removed(&world, "acme", "bob").await;
    let invite = json!({"email": "bob@example.com", "orgRole": "member"});
    let path = "/api/0/organizations/acme/members/";
    Client::send(world.of("alice").request(Method::POST, path).json(&invite)).await.expect(201);
}
