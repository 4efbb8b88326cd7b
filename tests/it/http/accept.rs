//! GET and POST accept-invite.

use muster::sealing::Subject;
use muster_events::{id::MemberId, organization::SsoProvider};
use serde_json::{Value, json};

use crate::support::{Answer, Client, World};

const MEMBERS: &str = "/api/0/organizations/acme/members/";

fn details(text: &str) -> Value {
    json!({ "details": text })
}

fn invalid() -> Value {
    details("Invalid invite code")
}

fn unable() -> Value {
    details("unable to accept organization invite")
}

fn link(world: &World, member: MemberId) -> String {
    let token = world.deployment.ledger.keys().invitation_token(member, 1);
    format!("/api/0/accept-invite/{member}/{token}/")
}

/// Invites an address, and gives the link that the letter would have.
async fn invite(world: &World, by: &str, organization: &str, body: &Value) -> (MemberId, String) {
    let members = format!("/api/0/organizations/{organization}/members/");
    let invited = world.of(by).post(&members, body).await.expect(201).json();
    let id = invited["id"].as_str().unwrap().parse().unwrap();
    (id, link(world, id))
}

async fn post(client: &Client, path: &str) -> Answer {
    client.post(path, &json!({})).await
}

/// A world with zoe, who is in no organization.
async fn with_zoe() -> World {
    let mut builder = World::acme_builder().await;
    builder.person_with("zoe", |zoe| zoe.authenticators.clear()).await;
    builder.serve().await
}

#[tokio::test]
async fn an_invitation_makes_whoever_accepts_it_a_member() {
    let world = with_zoe().await;
    let body = json!({"email": "ZOE@example.com", "orgRole": "manager", "teams": ["web"]});
    let (id, path) = invite(&world, "alice", "acme", &body).await;
    let open = json!({
        "orgSlug": "acme", "needsAuthentication": true, "needs2fa": false, "needsSso": false,
        "hasAuthProvider": false, "requireSso": false, "existingMember": false, "needsEmailVerification": false,
    });
    assert_eq!(world.anonymous().get(&path).await.expect(200).json(), open);
    let known = world.of("zoe").get(&path).await.expect(200).json();
    assert_eq!(known["needsAuthentication"], json!(false));
    let before = world.head().await;
    let accepted = post(&world.of("zoe"), &path).await.expect(204);
    assert_eq!((accepted.text.as_str(), accepted.position()), ("", before + 1));
    assert_eq!(world.types_after(before).await, ["InviteAccepted"]);
    let member = world.of("zoe").get(&format!("{MEMBERS}me/")).await.expect(200).json();
    assert_eq!(
        (&member["id"], &member["orgRole"], &member["teams"]),
        (&json!(id.to_string()), &json!("manager"), &json!(["web"]))
    );
    assert_eq!(
        (&member["pending"], &member["expired"], &member["email"]),
        (&json!(false), &json!(false), &json!("zoe@example.com"))
    );
    let events =
        world.of("alice").get(&format!("{MEMBERS}{id}/events/?order=desc&limit=1")).await.expect(200).json();
    assert_eq!(events["events"][0]["payload"]["email_matches"], json!(true));
    assert_eq!(world.anonymous().get(&path).await.expect(400).json(), invalid());
    assert_eq!(post(&world.of("zoe"), &path).await.expect(400).json(), unable());
}

#[tokio::test]
async fn the_address_of_the_invitation_is_his_and_is_erased_with_him() {
    let world = with_zoe().await;
    let (id, path) = invite(&world, "alice", "acme", &json!({"email": "zoe@example.com"})).await;
    post(&world.of("zoe"), &path).await.expect(204);
    let keys = world.deployment.ledger.keys();
    keys.erase(Subject::User(world.user("zoe"))).await.unwrap();
    let events = world.of("alice").get(&format!("{MEMBERS}{id}/events/")).await.expect(200).json();
    assert_eq!(events["events"][0]["payload"]["email"], json!("[erased]"), "{events}");
}

#[tokio::test]
async fn an_invitation_to_another_address_is_taken_and_the_difference_recorded() {
    let world = with_zoe().await;
    let (id, path) = invite(&world, "alice", "acme", &json!({"email": "work@example.com"})).await;
    post(&world.of("zoe"), &path).await.expect(204);
    let events =
        world.of("alice").get(&format!("{MEMBERS}{id}/events/?order=desc&limit=1")).await.expect(200).json();
    let payload = &events["events"][0]["payload"];
    assert_eq!(payload["email_matches"], json!(false));
    assert_eq!(
        (payload["addresses"].as_array().unwrap().len(), payload["released"].as_array().unwrap().len()),
        (1, 1)
    );
    let invited =
        world.of("alice").post(MEMBERS, &json!({"email": "zoe@example.com"})).await.expect(400).json();
    assert_eq!(invited, json!({"email": ["The user zoe@example.com is already a member"]}));
    invite(&world, "alice", "acme", &json!({"email": "work@example.com"})).await;
}

/// Zoe comes by another address while her own is invited: the latter stays held by its invitation, and is hers after it.
#[tokio::test]
async fn an_address_of_his_that_another_row_holds_stays_there() {
    let world = with_zoe().await;
    let (own, _) = invite(&world, "alice", "acme", &json!({"email": "zoe@example.com"})).await;
    let (_, path) = invite(&world, "alice", "acme", &json!({"email": "work@example.com"})).await;
    post(&world.of("zoe"), &path).await.expect(204);
    let refused =
        world.of("alice").post(MEMBERS, &json!({"email": "zoe@example.com"})).await.expect(400).json();
    assert_eq!(refused, json!({"email": ["The user zoe@example.com has already been invited"]}));
    world.of("alice").delete(&format!("{MEMBERS}{own}/")).await.expect(204);
    let refused =
        world.of("alice").post(MEMBERS, &json!({"email": "zoe@example.com"})).await.expect(400).json();
    assert_eq!(refused, json!({"email": ["The user zoe@example.com is already a member"]}));
}

#[tokio::test]
async fn an_organization_may_insist_on_the_invited_address() {
    let mut builder = World::acme_with(&[("restrictInvitesToEmail", json!(true))]).await;
    builder.person("zoe").await;
    let world = builder.serve().await;
    let (_, path) = invite(&world, "alice", "acme", &json!({"email": "Zoe@Example.com"})).await;
    let refused = post(&world.of("greta"), &path).await.expect(400).json();
    assert_eq!(refused, details("This invitation was sent to another address."));
    post(&world.of("zoe"), &path).await.expect(204);
}

#[tokio::test]
async fn nobody_and_no_machine_accepts() {
    let world = with_zoe().await;
    let (_, path) = invite(&world, "alice", "acme", &json!({"email": "zoe@example.com"})).await;
    let before = world.head().await;
    assert_eq!(post(&world.anonymous(), &path).await.expect(400).json(), unable());
    assert_eq!(post(&world.with("acme-integration"), &path).await.expect(400).json(), unable());
    post(&world.with("nobody's"), &path).await.expect(401);
    world.with("nobody's").get(&path).await.expect(401);
    let machine = world.with("acme-integration").get(&path).await.expect(200).json();
    assert_eq!((&machine["needsAuthentication"], world.head().await), (&json!(true), before));
}

#[tokio::test]
async fn a_link_that_leads_nowhere_says_no_more_than_that() {
    let world = with_zoe().await;
    let (id, path) = invite(&world, "alice", "acme", &json!({"email": "zoe@example.com"})).await;
    let (other, _) = invite(&world, "alice", "acme", &json!({"email": "other@example.com"})).await;
    let token = path.trim_end_matches('/').rsplit('/').next().unwrap().to_owned();
    let member = world.member("acme", "bob");
    // Where there is nothing to accept the answer is one, where there is something that the token does not open another.
    let nowhere = [
        (format!("7/{token}"), invalid()),
        (format!("x/{token}"), invalid()),
        (format!("globex/{id}/{token}"), invalid()),
        (format!("nowhere/{id}/{token}"), invalid()),
        (format!("{id}/{}", "0".repeat(64)), unable()),
        (format!("{id}/{}", token.to_uppercase()), unable()),
        (format!("{id}/{}", &token[..63]), unable()),
        (format!("{id}/%00"), unable()),
        (format!("{other}/{token}"), unable()),
        (format!("{member}/{token}"), unable()),
    ];
    let before = world.head().await;
    for (place, of_post) in nowhere {
        let path = format!("/api/0/accept-invite/{place}/");
        for client in [world.anonymous(), world.of("zoe")] {
            assert_eq!(client.get(&path).await.expect(400).json(), invalid(), "{path}");
        }
        let refused = post(&world.of("zoe"), &path).await.expect(400).json();
        assert_eq!(refused, of_post, "{path}");
    }
    assert_eq!(world.head().await, before);
    let slug = format!("/api/0/accept-invite/acme/{id}/{token}/");
    world.anonymous().get(&slug).await.expect(200);
    let number = format!("/api/0/accept-invite/{}/{id}/{token}", world.organization("acme"));
    post(&world.of("zoe"), &number).await.expect(204);
}

#[tokio::test]
async fn a_request_opens_for_nobody() {
    let world = with_zoe().await;
    let path = link(&world, world.member("acme", "jo"));
    assert_eq!(world.of("zoe").get(&path).await.expect(400).json(), invalid());
    assert_eq!(post(&world.of("zoe"), &path).await.expect(400).json(), unable());
}

#[tokio::test]
async fn who_is_a_member_already_is_told_so_and_the_invitation_stays() {
    let world = with_zoe().await;
    let (_, path) = invite(&world, "alice", "acme", &json!({"email": "zoe@example.com"})).await;
    assert_eq!(world.of("bob").get(&path).await.expect(200).json()["existingMember"], json!(true));
    let before = world.head().await;
    assert_eq!(post(&world.of("bob"), &path).await.expect(400).json(), details("member already exists"));
    assert_eq!(world.head().await, before);
    post(&world.of("zoe"), &path).await.expect(204);
}

#[tokio::test]
async fn a_required_second_factor_is_asked_for_first() {
    let mut builder = World::acme_builder().await;
    builder.person_with("zoe", |zoe| zoe.authenticators.clear()).await;
    builder
        .organization_with("safe", "greta", &[], |safe| {
            safe.settings = vec![("require2FA".into(), json!(true))];
        })
        .await;
    let world = builder.serve().await;
    let (_, path) = invite(&world, "greta", "safe", &json!({"email": "zoe@example.com"})).await;
    let needs = async |client: Client| client.get(&path).await.expect(200).json()["needs2fa"].clone();
    let all = [needs(world.anonymous()).await, needs(world.of("zoe")).await, needs(world.of("bob")).await];
    assert_eq!(all, [json!(true), json!(true), json!(false)]);
    assert_eq!(post(&world.of("zoe"), &path).await.expect(400).json(), unable());
    post(&world.of("bob"), &path).await.expect(204);
}

#[tokio::test]
async fn where_sso_is_required_the_answer_is_success_and_nothing_changes() {
    let mut builder = World::acme_builder().await;
    for (slug, allow_unlinked) in [("strict", false), ("lax", true)] {
        builder
            .organization_with(slug, "greta", &[], |linked| {
                let (provider, name) = ("okta".to_owned(), "Okta".to_owned());
                linked.sso = Some(SsoProvider { provider, name, allow_unlinked });
            })
            .await;
    }
    let world = builder.serve().await;
    for (slug, require_sso, types) in [("strict", true, vec![]), ("lax", false, vec!["InviteAccepted"])] {
        let (_, path) = invite(&world, "greta", slug, &json!({"email": "bob@example.com"})).await;
        let shown = world.of("bob").get(&path).await.expect(200).json();
        assert_eq!(
            [&shown["needsSso"], &shown["hasAuthProvider"], &shown["requireSso"], &shown["ssoProvider"]],
            [&json!(true), &json!(true), &json!(require_sso), &json!("Okta")]
        );
        let before = world.head().await;
        post(&world.of("bob"), &path).await.expect(204);
        assert_eq!(world.types_after(before).await, types);
    }
}

#[tokio::test]
async fn an_invited_owner_counts_as_one_when_he_has_accepted() {
    let world = with_zoe().await;
    let body = json!({"email": "zoe@example.com", "orgRole": "owner"});
    let (_, path) = invite(&world, "alice", "acme", &body).await;
    world.of("alice").delete(&format!("{MEMBERS}me/")).await.expect(403);
    post(&world.of("zoe"), &path).await.expect(204);
    world.of("alice").delete(&format!("{MEMBERS}me/")).await.expect(204);
    world.of("zoe").delete(&format!("{MEMBERS}me/")).await.expect(403);
}

#[tokio::test]
async fn a_repeated_key_accepts_once_and_is_ignored_without_a_person() {
    let world = with_zoe().await;
    let (_, path) = invite(&world, "alice", "acme", &json!({"email": "zoe@example.com"})).await;
    let key = [("idempotency-key", "accept-1")];
    world.anonymous().post_with(&path, &json!({}), &key).await.expect(400);
    let first = world.of("zoe").post_with(&path, &json!({}), &key).await.expect(204);
    let second = world.of("zoe").post_with(&path, &json!({}), &key).await.expect(204);
    assert_eq!((second.position(), second.header("idempotent-replayed")), (first.position(), Some("true")));
}
