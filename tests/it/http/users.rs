//! Accounts, administered over HTTP.

use muster_events::token::TokenOwner;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Client, World};

const USERS: &str = "/api/0/users/";
const ME: &str = "/api/0/users/me/";

async fn post(client: &Client, path: &str, body: &Value) -> Answer {
    Client::send(client.request(Method::POST, path).json(body)).await
}

async fn post_with(client: &Client, path: &str, body: &Value, key: &str) -> Answer {
    Client::send(client.request(Method::POST, path).json(body).header("idempotency-key", key)).await
}

fn path_of(world: &World, key: &str) -> String {
    format!("{USERS}{}/", world.user(key))
}

/// The name in paths of an address of the caller.
async fn hash_of(client: &Client, address: &str) -> String {
    let emails = client.get(&format!("{ME}emails/")).await.expect(200).json();
    let mut emails = emails.as_array().unwrap().iter();
    let email = emails.find(|email| email["email"] == address).unwrap();
    email["hash"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_superuser_registers_an_account_with_the_keys_of_an_import_file() {
    let world = World::acme().await;
    let root = world.of("root");
    let body = json!({
        "email": "Nina@example.com", "name": "Nina", "username": "nina", "verified": true,
        "emails": [{"email": "n2@example.com", "verified": false}], "authenticators": ["totp"],
        "superuser": false, "active": true,
    });
    let made = post(&root, USERS, &body).await.expect(201);
    let shown = made.json();
    for (field, value) in body.as_object().unwrap().iter().filter(|(field, _)| *field != "emails") {
        assert_eq!(shown[field], *value, "{field}");
    }
    assert_eq!(shown["emails"][0]["email"], json!("n2@example.com"));
    assert!(shown["dateCreated"].is_string());
    assert_eq!(made.header("etag"), Some("\"4\""));
    let path = format!("{USERS}{}/", shown["id"].as_str().unwrap());
    assert_eq!(root.get(&path).await.expect(200).json(), shown);
    let least = post(&root, USERS, &json!({"email": "o@example.com"})).await.expect(201).json();
    assert_eq!((&least["username"], &least["name"]), (&json!("o@example.com"), &Value::Null));
    let taken = post(&root, USERS, &json!({"email": "NINA@example.com"})).await.expect(409).json();
    assert_eq!(taken, json!({"detail": "Another account has this address."}));
    post(&root, USERS, &json!({"email": "p@example.com", "username": "NINA"})).await.expect(409);
}

#[tokio::test]
async fn accounts_are_listed_in_pages_for_superusers() {
    let world = World::acme().await;
    let root = world.of("root");
    let all = root.get(USERS).await.expect(200).json();
    let all = all.as_array().unwrap();
    assert_eq!(all.len(), 7);
    let first = root.get(&format!("{USERS}?per_page=4")).await.expect(200);
    assert!(first.header("link").unwrap().contains("results=\"true\""));
    let rest = root.get(&format!("{USERS}?per_page=4&cursor=0:4:0")).await.expect(200).json();
    let pages = [first.json().as_array().unwrap().clone(), rest.as_array().unwrap().clone()].concat();
    assert_eq!(&pages, all);
    root.get(&format!("{USERS}?per_page=0")).await.expect(400);
}

#[tokio::test]
async fn everybody_has_his_own_account_and_no_other() {
    let world = World::acme().await;
    let (bob, before) = (world.of("bob"), world.head().await);
    let me = bob.get(ME).await.expect(200).json();
    assert_eq!((&me["username"], &me["id"]), (&json!("bob"), &json!(world.user("bob").to_string())));
    assert_eq!(bob.get(&path_of(&world, "bob")).await.expect(200).json(), me);
    let generic = json!({"detail": "You do not have permission to perform this action."});
    let (alice, nobody) = (path_of(&world, "alice"), format!("{USERS}12345/"));
    for path in [alice.as_str(), nobody.as_str(), "/api/0/users/garbage/"] {
        for path in [
            path.to_owned(),
            format!("{path}emails/"),
            format!("{path}authenticators/"),
            format!("{path}events/"),
        ] {
            assert_eq!(bob.get(&path).await.expect(403).json(), generic, "{path}");
            world.anonymous().get(&path).await.expect(401);
        }
        bob.put(path, &json!({"name": "X"})).await.expect(403);
        post(&bob, &format!("{path}emails/"), &json!({"email": "x@example.com"})).await.expect(403);
        post(&bob, &format!("{path}authenticators/"), &json!({"kind": "sms"})).await.expect(403);
        bob.put(&format!("{path}emails/h1:00/"), &json!({"primary": true})).await.expect(403);
        bob.delete(&format!("{path}emails/h1:00/")).await.expect(403);
        bob.delete(&format!("{path}authenticators/totp/")).await.expect(403);
    }
    bob.get(USERS).await.expect(403);
    post(&bob, USERS, &json!({"email": "x@example.com"})).await.expect(403);
    assert_eq!(world.head().await, before);
    let root = world.of("root");
    root.get(&alice).await.expect(200);
    root.get(&nobody).await.expect(404);
    root.put("/api/0/users/garbage/", &json!({})).await.expect(404);
    world.with("acme-integration").get(ME).await.expect(403);
    world.with("acme-integration").get(&alice).await.expect(403);
    assert_eq!(
        post(&root, &alice, &json!({})).await.expect(405).header("allow"),
        Some("GET,HEAD,PUT,DELETE")
    );
}

#[tokio::test]
async fn a_name_changes_and_the_history_tells_both() {
    let world = World::acme().await;
    let (bob, before) = (world.of("bob"), world.head().await);
    let changed = bob.put(ME, &json!({"name": "Robert", "username": "rob"})).await.expect(200);
    assert_eq!((&changed.json()["name"], &changed.json()["username"]), (&json!("Robert"), &json!("rob")));
    assert_eq!(world.types_after(before).await, ["UserRenamed"]);
    let member = world.of("alice").get(&world.path("acme", "bob")).await.expect(200).json();
    assert_eq!(member["name"], json!("Robert"));
    let page = bob.get(&format!("{ME}events/?type=UserRenamed")).await.expect(200).json();
    let payload = &page["events"][0]["payload"];
    assert_eq!(payload["username"], json!({"from": "bob", "to": "rob"}));
    assert_eq!(payload["name"], json!({"from": "Bob", "to": "Robert"}));
    let head = world.head().await;
    let all = json!({"name": "Robert", "username": "rob", "active": true, "superuser": false});
    let same = bob.put(ME, &all).await.expect(200);
    assert_eq!((same.position(), world.head().await), (head, head), "nothing has changed");
    // The old name is free, and taken names are not.
    world.of("root").put(&path_of(&world, "greta"), &json!({"username": "BOB"})).await.expect(200);
    let taken = bob.put(ME, &json!({"username": "Greta"})).await;
    assert_eq!(taken.status, 200, "greta is called otherwise now");
    bob.put(ME, &json!({"username": "ALICE"})).await.expect(409);
    bob.put(ME, &json!({"username": "greta"})).await.expect(200);
    let cleared = bob.put(ME, &json!({"name": null})).await.expect(200).json();
    assert_eq!(cleared["name"], Value::Null);
}

#[tokio::test]
async fn what_only_superusers_change_is_refused_to_others() {
    let world = World::acme().await;
    let (bob, before) = (world.of("bob"), world.head().await);
    for body in
        [json!({"superuser": true}), json!({"active": false}), json!({"name": "X", "superuser": true})]
    {
        bob.put(ME, &body).await.expect(403);
    }
    assert_eq!(world.head().await, before);
    let path = path_of(&world, "bob");
    world.of("root").put(&path, &json!({"superuser": true})).await.expect(200);
    bob.get(USERS).await.expect(200);
    bob.put(ME, &json!({"superuser": false})).await.expect(200);
    bob.get(USERS).await.expect(403);
    assert_eq!(world.types_after(before).await, ["SuperuserGranted", "SuperuserRevoked"]);
}

#[tokio::test]
async fn a_limited_token_shows_the_account_and_changes_nothing() {
    let mut builder = World::acme_builder().await;
    let lena = builder.person_with("lena", |lena| lena.superuser = true).await;
    builder.token("limited", TokenOwner::User(lena), Some(&["org:admin", "member:admin"])).await;
    let world = builder.serve().await;
    let limited = world.with("limited");
    limited.get(ME).await.expect(200);
    limited.put(ME, &json!({"name": "X"})).await.expect(403);
    post(&limited, &format!("{ME}emails/"), &json!({"email": "x@example.com"})).await.expect(403);
    limited.get(USERS).await.expect(403);
    limited.get("/api/0/events/").await.expect(403);
    limited.put("/api/0/organizations/acme/administration/", &json!({})).await.expect(403);
    world.of("lena").get(USERS).await.expect(200);
}

#[tokio::test]
async fn addresses_come_become_primary_and_go() {
    let world = World::acme().await;
    let (bob, before) = (world.of("bob"), world.head().await);
    let emails = format!("{ME}emails/");
    let added = post(&bob, &emails, &json!({"email": "Rob@home.example"})).await.expect(201).json();
    assert_eq!((&added["verified"], &added["primary"]), (&json!(false), &json!(false)));
    post(&bob, &emails, &json!({"email": "rob@HOME.example"})).await.expect(201);
    let (second, first) = (hash_of(&bob, "Rob@home.example").await, hash_of(&bob, "bob@example.com").await);
    assert_eq!(added["hash"], json!(second));
    let (second, first) = (format!("{emails}{second}/"), format!("{emails}{first}/"));
    let refused = bob.delete(&first).await.expect(400).json();
    assert!(refused["detail"].as_str().unwrap().starts_with("The primary address cannot be removed"));
    let changed = bob.put(&second, &json!({"verified": true, "primary": true})).await.expect(200).json();
    assert_eq!((&changed["verified"], &changed["primary"]), (&json!(true), &json!(true)));
    let me = bob.get(ME).await.expect(200).json();
    assert_eq!(
        (&me["email"], &me["emails"][0]["email"]),
        (&json!("Rob@home.example"), &json!("bob@example.com"))
    );
    let listed = bob.get(&emails).await.expect(200).json();
    assert_eq!(listed[0]["primary"], json!(true));
    let member = world.of("alice").get(&world.path("acme", "bob")).await.expect(200).json();
    assert_eq!(member["email"], json!("Rob@home.example"));
    for body in [json!({"verified": false}), json!({"primary": false})] {
        bob.put(&second, &body).await.expect(400);
    }
    bob.delete(&first).await.expect(204);
    bob.delete(&first).await.expect(404);
    bob.put(&first, &json!({"verified": true})).await.expect(404);
    let types = ["EmailAdded", "EmailVerified", "PrimaryEmailChanged", "EmailRemoved"];
    assert_eq!(world.types_after(before).await, types);
    // What was given back is free.
    let root = world.of("root");
    post(&root, USERS, &json!({"email": "BOB@example.com"})).await.expect(201);
    post(&bob, &emails, &json!({"email": "bob@example.com"})).await.expect(409);
}

#[tokio::test]
async fn an_address_is_held_and_freed_in_every_organization_of_the_person() {
    let world = World::acme().await;
    let (bob, emails) = (world.of("bob"), format!("{ME}emails/"));
    post(&bob, &emails, &json!({"email": "rob@example.com"})).await.expect(201);
    let page = bob.get(&format!("{ME}events/?type=EmailAdded")).await.expect(200).json();
    assert_eq!(page["events"][0]["payload"]["memberships"].as_array().unwrap().len(), 2);
    // Ivan is invited to acme: his address is nobody else's there.
    let refused = post(&bob, &emails, &json!({"email": "ivan@example.com"})).await.expect(409).json();
    assert_eq!(refused, json!({"detail": "The address is in the organization already."}));
    let hash = hash_of(&bob, "rob@example.com").await;
    bob.delete(&format!("{emails}{hash}/")).await.expect(204);
    let page = bob.get(&format!("{ME}events/?type=EmailRemoved")).await.expect(200).json();
    assert_eq!(page["events"][0]["payload"]["memberships"].as_array().unwrap().len(), 2);
    post(&world.of("greta"), &emails, &json!({"email": "rob@example.com"})).await.expect(201);
}

#[tokio::test]
async fn authenticators_are_enrolled_and_removed() {
    let world = World::acme().await;
    let (bob, before) = (world.of("bob"), world.head().await);
    let path = format!("{ME}authenticators/");
    let enrolled = post(&bob, &path, &json!({"kind": "u2f"})).await.expect(201).json();
    assert_eq!(enrolled["kind"], json!("u2f"));
    post(&bob, &path, &json!({"kind": "u2f"})).await.expect(201);
    assert_eq!(bob.get(&path).await.expect(200).json().as_array().unwrap().len(), 2);
    for kind in ["u2f", "totp", "totp"] {
        bob.delete(&format!("{path}{kind}/")).await.expect(204);
    }
    bob.delete(&format!("{path}fax/")).await.expect(404);
    assert_eq!(bob.get(&path).await.expect(200).json(), json!([]));
    let types = ["AuthenticatorEnrolled", "AuthenticatorRemoved", "AuthenticatorRemoved"];
    assert_eq!(world.types_after(before).await, types);
}

#[tokio::test]
async fn bad_input_is_named_field_by_field() {
    let world = World::acme().await;
    let (root, bob, before) = (world.of("root"), world.of("bob"), world.head().await);
    let refused = post(&root, USERS, &json!({"username": "x"})).await.expect(400).json();
    assert_eq!(refused, json!({"email": ["This field is required."]}));
    let long = "x".repeat(129);
    let body = json!({"email": "x", "username": long, "authenticators": ["fax"], "emails": 7});
    let refused = post(&root, USERS, &body).await.expect(400).json();
    assert_eq!(refused["email"], json!(["Enter a valid email address."]));
    assert_eq!(refused["username"], json!(["Ensure this field has no more than 128 characters."]));
    assert_eq!(refused["authenticators"], json!(["\"fax\" is not a valid choice."]));
    assert!(refused["emails"].is_array());
    for body in
        [json!({"username": null}), json!({"username": ""}), json!({"name": ["x"]}), json!({"active": 7})]
    {
        bob.put(ME, &body).await.expect(400);
    }
    for body in [json!({}), json!({"email": null}), json!({"email": "no"}), json!({"email": {}})] {
        post(&bob, &format!("{ME}emails/"), &body).await.expect(400);
        post(&bob, &format!("{ME}authenticators/"), &body).await.expect(400);
    }
    let request = bob.request(Method::PUT, ME).header("content-type", "application/json").body("[1]");
    Client::send(request).await.expect(400);
    for path in ["emails/garbage/", "emails/%ff/", "emails/h1:0000/"] {
        bob.put(&format!("{ME}{path}"), &json!({"primary": true})).await.expect(404);
        bob.delete(&format!("{ME}{path}")).await.expect(404);
    }
    assert_eq!(world.head().await, before);
}

#[tokio::test]
async fn a_repetition_is_answered_alike_and_a_stale_change_is_refused() {
    let world = World::acme().await;
    let (root, bob) = (world.of("root"), world.of("bob"));
    let body = json!({"email": "nina@example.com"});
    let first = post_with(&root, USERS, &body, "register").await.expect(201);
    let again = post_with(&root, USERS, &body, "register").await.expect(201);
    assert_eq!((again.json(), again.position()), (first.json(), first.position()));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    post_with(&root, USERS, &json!({"email": "other@example.com"}), "register").await.expect(422);
    let tag = bob.get(ME).await.expect(200).header("etag").unwrap().to_owned();
    let changed = bob.put_with(ME, &json!({"name": "B"}), &[("if-match", &tag)]).await.expect(200);
    bob.put_with(ME, &json!({"name": "C"}), &[("if-match", &tag)]).await.expect(412);
    let tag = changed.header("etag").unwrap();
    bob.put_with(ME, &json!({"name": "C"}), &[("if-match", tag)]).await.expect(200);
}

#[tokio::test]
async fn the_history_of_an_account_shows_origins_to_superusers_only() {
    let world = World::acme().await;
    let (bob, root) = (world.of("bob"), world.of("root"));
    root.put(&path_of(&world, "bob"), &json!({"name": "Rob"})).await.expect(200);
    let own = bob.get(&format!("{ME}events/?order=desc&limit=1")).await.expect(200).json();
    assert!(own["events"][0]["metadata"].get("ip").is_none());
    let seen =
        root.get(&format!("{}events/?order=desc&limit=1", path_of(&world, "bob"))).await.expect(200).json();
    assert_eq!(seen["events"][0]["metadata"]["ip"], json!("127.0.0.1"));
    let all = bob.get(&format!("{ME}events/")).await.expect(200).json();
    let id = json!(world.user("bob").to_string());
    assert!(all["events"].as_array().unwrap().iter().all(|event| event["aggregate_id"] == id));
    root.get(&format!("{USERS}12345/events/")).await.expect(404);
}
