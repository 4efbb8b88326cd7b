//! Requests to invite: proposed, listed, edited, approved, rejected.

use muster_events::{
    member::InviteStatus::{RequestedToBeInvited, RequestedToJoin},
    organization::{Feature, SsoProvider},
};
use serde_json::{Value, json};

use crate::support::{Client, World};

const ALL: &str = "/api/0/organizations/acme/invite-requests/";

fn path(world: &World, key: &str) -> String {
    format!("{ALL}{}/", world.member("acme", key))
}

/// The world of most tests, with what `kim` is proposed as by bob.
async fn world() -> World {
    let mut builder = World::acme_builder().await;
    builder.pending("acme", "kim", RequestedToBeInvited, Some("bob")).await;
    builder.serve().await
}

fn emails(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|row| row["email"].as_str().unwrap()).collect()
}

async fn listed(client: &Client, path: &str) -> Value {
    client.get(path).await.expect(200).json()
}

#[tokio::test]
async fn requests_are_listed_by_kind_and_address() {
    let mut builder = World::acme_builder().await;
    for (key, status) in
        [("zoe", RequestedToBeInvited), ("ben", RequestedToJoin), ("amy", RequestedToBeInvited)]
    {
        builder.pending("acme", key, status, Some("bob")).await;
    }
    builder.pending("globex", "gus", RequestedToBeInvited, None).await;
    let world = builder.serve().await;
    let upper = json!({"email": "Max@example.com", "teams": ["web", "core"]});
    world.of("bob").post(ALL, &upper).await.expect(201);

    let list = listed(&world.of("alice"), ALL).await;
    let names = ["amy", "Max", "zoe", "ben", "jo"].map(|name| format!("{name}@example.com"));
    assert_eq!(emails(&list), names);
    let statuses: Vec<_> = list.as_array().unwrap().iter().map(|row| row["inviteStatus"].clone()).collect();
    let (invite, join) = ("requested_to_be_invited", "requested_to_join");
    assert_eq!(statuses, [invite, invite, invite, join, join]);
    let max = &list[1];
    assert_eq!(max["teams"], json!(["core", "web"]));
    assert_eq!(
        max["teamRoles"],
        json!([{"teamSlug": "core", "role": null}, {"teamSlug": "web", "role": null}])
    );
    assert_eq!(
        (&max["pending"], &max["user"], &max["expired"], &max["inviterName"]),
        (&json!(true), &Value::Null, &json!(false), &json!("Bob"))
    );
    assert!(max.get("roles").is_none() && max.get("token").is_none());

    let first = world.of("alice").get(&format!("{ALL}?per_page=2")).await.expect(200);
    assert_eq!(emails(&first.json()), names[..2]);
    assert!(first.header("link").unwrap().contains("rel=\"next\"; results=\"true\"; cursor=\"0:2:0\""));
    let end = world.of("alice").get(&format!("{ALL}?per_page=2&cursor=0:4:0")).await.expect(200);
    assert_eq!(emails(&end.json()), names[4..]);
    assert!(end.header("link").unwrap().contains("rel=\"next\"; results=\"false\""));
    world.of("alice").get(&format!("{ALL}?per_page=0")).await.expect(400);
}

#[tokio::test]
async fn requests_to_join_are_hidden_where_none_are_taken() {
    let mut builder = World::acme_with(&[("allowJoinRequests", json!(false))]).await;
    builder.pending("acme", "kim", RequestedToBeInvited, Some("bob")).await;
    let world = builder.serve().await;
    assert_eq!(emails(&listed(&world.of("alice"), ALL).await), ["kim@example.com"]);
    world.of("alice").get(&path(&world, "jo")).await.expect(200);
    let refused = world.of("alice").put(&path(&world, "jo"), &json!({"approve": true})).await.expect(400);
    assert_eq!(refused.json(), json!({"approve": ["Your organization does not allow requests to join."]}));
    world.of("alice").put(&path(&world, "kim"), &json!({"approve": true})).await.expect(200);
}

#[tokio::test]
async fn who_may_do_what() {
    let world = world().await;
    let kim = path(&world, "kim");
    let clients = ["alice", "mallory", "adam", "bob", "greta", "root"].map(|key| (key, world.of(key)));
    let machine = ("machine", world.with("acme-integration"));
    for (key, client) in clients.iter().chain([&machine]) {
        let sees = *key != "greta";
        let answers = matches!(*key, "alice" | "mallory" | "root" | "machine");
        let expect = |may, status| if may { status } else { 403 };
        client.get(ALL).await.expect(expect(sees, 200));
        client.get(&kim).await.expect(expect(sees, 200));
        let body = json!({"email": format!("by-{key}@example.com"), "role": "owner"});
        let proposed = client.post(ALL, &body).await.expect(expect(sees, 201));
        client.put(&kim, &json!({})).await.expect(expect(answers, 200));
        if sees {
            let own = format!("{ALL}{}/", proposed.json()["id"].as_str().unwrap());
            client.delete(&own).await.expect(expect(answers, 204));
        }
        client.get(&format!("{ALL}me/")).await.expect(expect(sees, 404));
        client.put(&format!("{ALL}me/"), &json!({})).await.expect(expect(answers, 404));
        client.delete(&format!("{ALL}me/")).await.expect(expect(answers, 404));
    }
    let nobody = world.anonymous();
    nobody.get(ALL).await.expect(401);
    nobody.post(ALL, &json!({"email": "x@example.com"})).await.expect(401);
    nobody.put(&kim, &json!({"approve": true})).await.expect(401);
    nobody.delete(&kim).await.expect(401);
    world.of("alice").get("/api/0/organizations/nowhere/invite-requests/").await.expect(404);
    world.of("alice").post("/api/0/organizations/nowhere/invite-requests/", &json!({})).await.expect(404);
}

#[tokio::test]
async fn a_proposal_is_a_request_and_no_member() {
    let world = World::acme().await;
    let (bob, before) = (world.of("bob"), world.head().await);
    let body = json!({"email": "New.One@example.com", "orgRole": "manager", "role": "owner",
        "teamRoles": [{"teamSlug": "core", "role": "admin"}], "teams": ["web"]});
    let answer = bob.post_with(ALL, &body, &[("idempotency-key", "p")]).await.expect(201);
    assert_eq!(world.types_after(before).await, ["InviteRequested", "TeamAssigned"]);
    assert_eq!(answer.position(), before + 2);
    let made = answer.json();
    assert_eq!(
        (&made["email"], &made["orgRole"], &made["inviteStatus"], &made["inviterName"], &made["expired"]),
        (
            &json!("New.One@example.com"),
            &json!("manager"),
            &json!("requested_to_be_invited"),
            &json!("Bob"),
            &json!(false)
        )
    );
    assert!(made.get("teams").is_none());
    let own = format!("{ALL}{}/", made["id"].as_str().unwrap());
    let read = world.of("alice").get(&own).await.expect(200);
    assert_eq!(read.header("etag"), answer.header("etag"));
    assert_eq!(read.json()["teamRoles"], json!([{"teamSlug": "core", "role": null}]));
    let id = made["id"].as_str().unwrap();
    world.of("alice").get(&format!("/api/0/organizations/acme/members/{id}/")).await.expect(404);

    let again = bob.post_with(ALL, &body, &[("idempotency-key", "p")]).await.expect(201);
    assert_eq!((again.json(), again.position()), (made, answer.position()));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(world.head().await, before + 2);
}

#[tokio::test]
async fn an_address_that_is_known_is_not_proposed() {
    let world = world().await;
    let (bob, before) = (world.of("bob"), world.head().await);
    for (email, text) in [
        ("KIM@example.com", "There is an existing invite request for KIM@example.com"),
        ("jo@example.com", "There is an existing invite request for jo@example.com"),
        ("ivan@example.com", "The user ivan@example.com has already been invited"),
        ("Alice@example.com", "The user Alice@example.com is already a member"),
    ] {
        let refused = bob.post(ALL, &json!({ "email": email })).await.expect(400);
        assert_eq!(refused.json(), json!({"email": [text]}));
    }
    assert_eq!(world.head().await, before);
    bob.post(ALL, &json!({"email": "greta@example.com"})).await.expect(201);
}

#[tokio::test]
async fn malformed_proposals_and_answers_are_field_errors() {
    let world = world().await;
    let (alice, kim, before) = (world.of("alice"), path(&world, "kim"), world.head().await);
    let long = format!("{}@example.com", "x".repeat(70));
    for email in [
        Value::Null,
        json!(""),
        json!([]),
        json!({}),
        json!(true),
        json!("x"),
        json!("a@QQ.com"),
        json!(long),
    ] {
        let refused = alice.post(ALL, &json!({ "email": email })).await.expect(400).json();
        assert!(refused["email"].is_array(), "{email}: {refused}");
    }
    assert_eq!(
        alice.post(ALL, &json!({})).await.expect(400).json(),
        json!({"email": ["This field is required."]})
    );
    for (field, value) in [
        ("orgRole", json!("emperor")),
        ("orgRole", Value::Null),
        ("role", json!({})),
        ("teams", json!("core")),
        ("teams", json!(["core", "core"])),
        ("teams", json!(["fleet"])),
        ("teams", Value::Null),
        ("teamRoles", json!([{"teamSlug": "core"}])),
        ("teamRoles", json!([{"teamSlug": "core", "role": "captain"}])),
        ("teamRoles", json!(["core"])),
    ] {
        let body = json!({"email": "fine@example.com", field: value});
        let refused = alice.post(ALL, &body).await.expect(400).json();
        assert!(refused[field].is_array(), "{body}: {refused}");
        let refused = alice.put(&kim, &json!({"approve": true, field: value})).await.expect(400).json();
        assert!(refused[field].is_array(), "{body}: {refused}");
    }
    for approve in [json!("perhaps"), Value::Null, json!([]), json!({}), json!(2)] {
        let refused = alice.put(&kim, &json!({ "approve": approve })).await.expect(400).json();
        assert_eq!(refused, json!({"approve": ["Must be a valid boolean."]}), "{approve}");
    }
    let text = alice.request(reqwest::Method::POST, ALL).header("content-type", "text/plain").body("x");
    Client::send(text).await.expect(415);
    assert_eq!(world.head().await, before);
}

#[tokio::test]
async fn requests_are_found_by_their_own_organization_only() {
    let world = world().await;
    let through = format!("/api/0/organizations/globex/invite-requests/{}/", world.member("acme", "kim"));
    let (alice, greta) = (world.of("alice"), world.of("greta"));
    let approved = path(&world, "ivan");
    let member = path(&world, "dana");
    for (client, path) in [
        (&greta, through.as_str()),
        (&alice, &approved),
        (&alice, &member),
        (&alice, "/api/0/organizations/acme/invite-requests/12345/"),
        (&alice, "/api/0/organizations/acme/invite-requests/-1/"),
        (&alice, "/api/0/organizations/acme/invite-requests/99999999999999999999999/"),
        (&alice, "/api/0/organizations/acme/invite-requests/%00/"),
    ] {
        client.get(path).await.expect(404);
        client.put(path, &json!({"approve": true})).await.expect(404);
        client.delete(path).await.expect(404);
    }
}

#[tokio::test]
async fn an_edit_changes_what_it_names_and_rests_on_what_was_seen() {
    let world = world().await;
    let (alice, kim, before) = (world.of("alice"), path(&world, "kim"), world.head().await);
    let seen = alice.get(&kim).await.expect(200).header("etag").unwrap().to_owned();
    let body = json!({"orgRole": "owner", "role": "member", "teams": ["web", "core"]});
    let edited = alice.put_with(&kim, &body, &[("if-match", &seen)]).await.expect(200);
    assert_eq!(world.types_after(before).await, ["OrgRoleChanged", "TeamAssigned", "TeamAssigned"]);
    let read = alice.get(&kim).await.expect(200);
    assert_eq!((edited.json(), edited.header("etag")), (read.json(), read.header("etag")));
    assert_eq!((&read.json()["orgRole"], &read.json()["teams"]), (&json!("owner"), &json!(["core", "web"])));

    alice.put_with(&kim, &json!({"approve": true}), &[("if-match", &seen)]).await.expect(412);
    alice.delete_with(&kim, &[("if-match", &seen)]).await.expect(412);
    world.of("bob").put_with(&kim, &json!({}), &[("if-match", &seen)]).await.expect(403);
    let untouched = alice.put(&kim, &body).await.expect(200);
    assert_eq!((world.head().await, untouched.position()), (before + 3, before + 3));
    let cleared = alice.put(&kim, &json!({"teamRoles": []})).await.expect(200).json();
    assert_eq!((&cleared["teams"], &cleared["orgRole"]), (&json!([]), &json!("owner")));
}

#[tokio::test]
async fn an_approved_request_is_an_invitation() {
    let world = world().await;
    let (mallory, kim, before) = (world.of("mallory"), path(&world, "kim"), world.head().await);
    let body = json!({"approve": 1, "role": "manager", "teams": ["core"]});
    let key = [("idempotency-key", "approve")];
    let approved = mallory.put_with(&kim, &body, &key).await.expect(200);
    assert_eq!(world.types_after(before).await, ["OrgRoleChanged", "TeamAssigned", "InviteApproved"]);
    let shown = approved.json();
    assert_eq!(
        (&shown["inviteStatus"], &shown["orgRole"], &shown["teams"], &shown["expired"], &shown["pending"]),
        (&json!("approved"), &json!("manager"), &json!(["core"]), &json!(false), &json!(true))
    );
    mallory.get(&kim).await.expect(404);
    mallory.put(&kim, &body).await.expect(404);
    mallory.delete(&kim).await.expect(404);
    let member = mallory.get(&world.path("acme", "kim")).await.expect(200);
    assert_eq!(member.header("etag"), approved.header("etag"));
    let store = world.deployment.ledger.store();
    let last = store.read_all(muster_events::stream::Position(before + 2), 10).await.unwrap();
    let payload: Value = serde_json::from_str(&last[0].payload).unwrap();
    let until: muster_events::time::Timestamp =
        serde_json::from_value(payload["expires_at"].clone()).unwrap();
    assert_eq!(payload["generation"], json!(1));
    let days = (until.as_micros() - last[0].recorded_at.as_micros()) / 86_400_000_000;
    assert!((29..=30).contains(&days), "{payload}");

    let again = mallory.put_with(&kim, &body, &key).await.expect(200);
    assert_eq!((again.json(), again.position()), (shown, approved.position()));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(emails(&listed(&mallory, ALL).await), ["jo@example.com"]);
}

#[tokio::test]
async fn an_edit_that_is_refused_at_its_approval_changes_nothing() {
    let world = world().await;
    let (mallory, kim, before) = (world.of("mallory"), path(&world, "kim"), world.head().await);
    let body = json!({"approve": true, "orgRole": "owner", "teams": ["core"]});
    let refused = mallory.put(&kim, &body).await.expect(400);
    let text = "You do not have permission to approve a member invitation with the role owner.";
    assert_eq!(refused.json(), json!({"approve": [text]}));
    assert_eq!(world.head().await, before);
    mallory.put(&kim, &json!({"orgRole": "owner"})).await.expect(200);
    mallory.put(&kim, &json!({"approve": "yes"})).await.expect(400);
    world.of("alice").put(&kim, &json!({"approve": "yes"})).await.expect(200);
}

#[tokio::test]
async fn features_and_providers_stand_against_requests() {
    let mut builder = World::acme_builder().await;
    builder.person("olga").await;
    let closed = |closed: &mut muster::ledger::operations::ImportOrganization| {
        closed.features = vec![(Feature::InviteMembers, false)];
        let (provider, name) = ("okta".into(), "Okta".into());
        closed.sso = Some(SsoProvider { provider, name, allow_unlinked: false });
    };
    builder.organization_with("closed", "olga", &[], closed).await;
    let kim = builder.pending("closed", "kim", RequestedToBeInvited, None).await;
    let world = builder.serve().await;
    let (olga, all) = (world.of("olga"), "/api/0/organizations/closed/invite-requests/");
    let refused = olga.put(&format!("{all}{kim}/"), &json!({"approve": true})).await.expect(400);
    assert_eq!(refused.json(), json!({"approve": ["Your organization is not allowed to invite members."]}));
    let refused = olga.post(all, &json!({"email": "new@example.com"})).await.expect(400);
    let text = "Your organization must use its single sign-on provider to register new members.";
    assert_eq!(refused.json(), json!({ "detail": text }));
    olga.post(all, &json!({"email": "kim@example.com"})).await.expect(400).json()["email"]
        .as_array()
        .unwrap();
}

#[tokio::test]
async fn a_rejected_address_is_free_again() {
    let world = world().await;
    let (alice, kim, before) = (world.of("alice"), path(&world, "kim"), world.head().await);
    let key = [("idempotency-key", "no")];
    let gone = alice.delete_with(&kim, &key).await.expect(204);
    assert_eq!(
        (world.types_after(before).await, gone.position()),
        (vec!["InviteRequestRejected".into()], before + 1)
    );
    alice.get(&kim).await.expect(404);
    alice.delete(&kim).await.expect(404);
    let again = alice.delete_with(&kim, &key).await.expect(204);
    assert_eq!((again.position(), again.header("idempotent-replayed")), (before + 1, Some("true")));
    world.of("bob").post(ALL, &json!({"email": "Kim@example.com"})).await.expect(201);
}
