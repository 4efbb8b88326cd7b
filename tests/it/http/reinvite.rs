//! PUT member with `reinvite`: the invitation is sent again, and nothing else changes.

use muster::ledger::operations::{ExpireInvite, ImportMember, ImportedOrganization, MemberFact, Person};
use muster::ledger::{CommandMeta, Outcome, Turn};
use muster_events::{id::MemberId, member::InviteStatus, organization::SsoProvider, roles::RoleId};
use serde_json::{Value, json};

use crate::support::World;

const MEMBERS: &str = "/api/0/organizations/acme/members/";

fn detail(text: &str) -> Value {
    json!({ "detail": text })
}

/// An invitation that has ended already.
async fn ended(world: &World) -> MemberId {
    let organization =
        ImportedOrganization { id: world.organization("acme"), teams: std::collections::BTreeMap::new() };
    let person = Person::Pending {
        email: "late@example.com".into(),
        status: InviteStatus::Approved,
        inviter: Some(world.user("bob")),
        expires_at: Some("2020-01-01T00:00:00Z".parse().unwrap()),
    };
    let fact = MemberFact { person, role: RoleId::new("member").unwrap(), teams: vec![], flags: vec![] };
    let import = ImportMember { organization, fact };
    let done = world.deployment.ledger.execute(&import, &CommandMeta::import(), Turn::unkeyed()).await;
    done.unwrap().done().unwrap().answer
}

#[tokio::test]
async fn an_invitation_is_sent_again_and_nothing_else_changes() {
    let world = World::acme().await;
    let (mallory, path, before) = (world.of("mallory"), world.path("acme", "ivan"), world.head().await);
    let was = mallory.get(&path).await.expect(200).json();
    let answer = mallory.put(&path, &json!({"reinvite": true})).await.expect(200);
    assert_eq!(world.types_after(before).await, ["InviteResent"]);
    assert_eq!((answer.json(), answer.position()), (was.clone(), before + 1));
    let read = mallory.get(&path).await.expect(200);
    assert_eq!((read.json(), read.header("etag")), (was, answer.header("etag")));
}

#[tokio::test]
async fn a_new_token_makes_the_old_link_invalid() {
    let world = World::acme().await;
    let (mallory, before) = (world.of("mallory"), world.head().await);
    let (id, path) = (world.member("acme", "ivan"), world.path("acme", "ivan"));
    let link = |generation| {
        let token = world.deployment.ledger.keys().invitation_token(id, generation);
        format!("/api/0/accept-invite/{id}/{token}/")
    };
    let (anyone, old, new) = (world.anonymous(), link(1), link(2));
    anyone.get(&old).await.expect(200);
    anyone.get(&new).await.expect(400);
    mallory.put(&path, &json!({"reinvite": "yes", "regenerate": 1})).await.expect(200);
    assert_eq!(world.types_after(before).await, ["InviteTokenRegenerated", "InviteResent"]);
    anyone.get(&old).await.expect(400);
    anyone.get(&new).await.expect(200);
    let head = world.head().await;
    mallory.put(&path, &json!({"regenerate": true})).await.expect(200);
    assert_eq!(world.head().await, head, "a new token was made without sending it");
}

#[tokio::test]
async fn an_invitation_that_has_ended_needs_a_new_token() {
    let world = World::acme().await;
    let id = ended(&world).await;
    let path = format!("{MEMBERS}{id}/");
    let (alice, bob, before) = (world.of("alice"), world.of("bob"), world.head().await);
    let text = "You cannot resend an expired invitation without regenerating the token.";
    for client in [&alice, &bob] {
        let refused = client.put(&path, &json!({"reinvite": true})).await.expect(400).json();
        assert_eq!(refused, detail(text));
    }
    let both = json!({"reinvite": true, "regenerate": true});
    let refused = bob.put(&path, &both).await.expect(400).json();
    assert_eq!(refused, detail("You are missing the member:admin scope."));
    assert_eq!(world.head().await, before);
    let sent = alice.put(&path, &both).await.expect(200).json();
    assert_eq!(sent["expired"], json!(false));
    bob.put(&path, &json!({"reinvite": true})).await.expect(200);
}

#[tokio::test]
async fn the_expiry_is_recorded_once_and_the_row_stays_listed() {
    let world = World::acme().await;
    let id = ended(&world).await;
    let expire = async |member| {
        let ledger = &world.deployment.ledger;
        ledger.execute(&ExpireInvite { member }, &CommandMeta::system(), Turn::unkeyed()).await
    };
    let before = world.head().await;
    for _ in 0..2 {
        assert!(matches!(expire(id).await, Ok(Outcome::Done(_))));
    }
    assert_eq!(world.types_after(before).await, ["InviteExpired"]);
    assert!(matches!(expire(world.member("acme", "ivan")).await, Ok(Outcome::Done(_))));
    assert_eq!(world.types_after(before).await, ["InviteExpired"], "another one expired before its time");
    let listed = world.of("alice").get(MEMBERS).await.expect(200).json();
    let row =
        listed.as_array().unwrap().iter().find(|row| row["id"] == json!(id.to_string())).unwrap().clone();
    assert_eq!((&row["expired"], &row["pending"]), (&json!(true), &json!(true)));
    world.of("alice").delete(&format!("{MEMBERS}{id}/")).await.expect(204);
    assert!(matches!(expire(id).await, Ok(Outcome::Done(_))), "a revoked invitation is no trouble");
}

#[tokio::test]
async fn who_may_not_send_it_again_is_told_so() {
    let world = World::acme().await;
    let (path, again) = (world.path("acme", "ivan"), json!({"reinvite": true}));
    let before = world.head().await;
    world.anonymous().put(&path, &again).await.expect(401);
    world.of("greta").put(&path, &again).await.expect(403);
    let refused = world.of("bob").put(&path, &again).await.expect(403).json();
    assert_eq!(refused, detail("You cannot modify invitations sent by someone else."));
    let mixed = json!({"reinvite": true, "teams": []});
    let refused = world.of("alice").put(&path, &mixed).await.expect(403).json();
    let text =
        "You cannot modify member details when resending an invitation. Separate requests are required.";
    assert_eq!(refused, detail(text));
    let refused = world.of("alice").put(&world.path("acme", "bob"), &again).await.expect(400).json();
    assert_eq!(refused, detail("You cannot send an invitation to a user who is already a full member."));
    assert_eq!(world.head().await, before);
}

#[tokio::test]
async fn a_member_who_is_not_linked_is_asked_to_link_himself() {
    let mut builder = World::acme_builder().await;
    builder
        .organization_with("linked", "greta", &[], |linked| {
            let (provider, name) = ("okta".to_owned(), "Okta".to_owned());
            linked.sso = Some(SsoProvider { provider, name, allow_unlinked: true });
        })
        .await;
    builder.member("linked", "bob", "member", &[]).await;
    let world = builder.serve().await;
    let before = world.head().await;
    world.of("greta").put(&world.path("linked", "bob"), &json!({"reinvite": true})).await.expect(200);
    assert_eq!(world.types_after(before).await, ["SsoLinkRequested"]);
}
