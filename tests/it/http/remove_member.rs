//! DELETE member.

use muster_events::{
    claims::Claim,
    member::{InviteStatus, MemberFlag},
};
use serde_json::json;

use crate::support::World;

#[tokio::test]
async fn a_removed_member_is_gone_at_once_with_what_he_held() {
    let world = World::acme().await;
    let (alice, path, before) = (world.of("alice"), world.path("acme", "dana"), world.head().await);
    let gone = alice.delete(&path).await.expect(204);
    assert_eq!((gone.text.as_str(), gone.position()), ("", before + 1));
    assert_eq!(world.types_after(before).await, ["MemberRemoved"]);
    alice.get(&path).await.expect(404);
    alice.delete(&path).await.expect(404);
    world.of("dana").get("/api/0/organizations/acme/members/").await.expect(403);
    let events = alice.get(&format!("{path}events/?order=desc&limit=1")).await.expect(200).json();
    let removed = &events["events"][0]["payload"];
    assert_eq!((&removed["reason"], &removed["role"]), (&json!("removed"), &json!("member")));
    assert_eq!(removed["teams"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn everyone_may_leave_but_the_only_owner() {
    let world = World::acme().await;
    let me = "/api/0/organizations/acme/members/me/";
    let refused = world.of("alice").delete(me).await.expect(403).json();
    assert_eq!(refused, json!({"detail": "You cannot remove the only remaining owner of the organization."}));
    for key in ["mallory", "adam", "bob", "dana"] {
        let before = world.head().await;
        world.of(key).delete(me).await.expect(204);
        assert_eq!(world.types_after(before).await[0], "MemberRemoved", "{key}");
    }
}

#[tokio::test]
async fn who_may_not_remove_somebody_is_told_why() {
    let world = World::acme().await;
    let lacks = "You are missing the member:admin scope.";
    let higher = "You cannot remove a member who has more access than you.";
    for (key, target, text) in [
        ("bob", "dana", lacks),
        ("adam", "bob", lacks),
        ("bob", "ivan", "You cannot modify invitations sent by someone else."),
        ("mallory", "alice", higher),
    ] {
        let refused = world.of(key).delete(&world.path("acme", target)).await.expect(400).json();
        assert_eq!(refused, json!({ "detail": text }), "{key} removing {target}");
    }
    let machine = world.with("acme-integration").delete(&world.path("acme", "bob")).await.expect(400).json();
    assert_eq!(machine, json!({ "detail": higher }));
    world.of("greta").delete(&world.path("acme", "bob")).await.expect(403);
}

#[tokio::test]
async fn the_removal_of_an_invitation_is_its_revocation_and_frees_the_address() {
    let world = World::acme().await;
    let (mallory, path, before) = (world.of("mallory"), world.path("acme", "ivan"), world.head().await);
    mallory.delete(&path).await.expect(204);
    assert_eq!(world.types_after(before).await, ["InviteRevoked"]);
    mallory.get(&path).await.expect(404);
    mallory.delete(&path).await.expect(404);
    let ivan = world.deployment.ledger.keys().hash("email:ivan@example.com");
    let claim = Claim::address(world.organization("acme"), &ivan);
    assert_eq!(world.deployment.ledger.holder(&claim).await.unwrap(), None);
    let again = json!({"email": "ivan@example.com"});
    mallory.post("/api/0/organizations/acme/members/", &again).await.expect(201);
    mallory.delete(&world.path("acme", "jo")).await.expect(404);
}

#[tokio::test]
async fn a_plain_member_revokes_what_he_has_sent_himself() {
    let world = World::acme().await;
    let bob = world.of("bob");
    let members = "/api/0/organizations/acme/members/";
    let sent = bob.post(members, &json!({"email": "zoe@example.com"})).await.expect(201).json();
    let path = format!("{members}{}/", sent["id"].as_str().unwrap());
    let refused = world.of("dana").delete(&path).await.expect(400).json();
    assert_eq!(refused, json!({"detail": "You cannot modify invitations sent by someone else."}));
    let key = [("idempotency-key", "revoke-1")];
    let first = bob.delete_with(&path, &key).await.expect(204);
    let second = bob.delete_with(&path, &key).await.expect(204);
    assert_eq!((second.position(), second.header("idempotent-replayed")), (first.position(), Some("true")));
}

#[tokio::test]
async fn a_plain_member_takes_back_only_what_he_sent_and_only_where_members_invite() {
    let mut builder = World::acme_builder().await;
    builder.pending("acme", "own", InviteStatus::Approved, Some("bob")).await;
    builder.pending("acme", "nobodys", InviteStatus::Approved, None).await;
    let world = builder.serve().await;
    let bob = world.of("bob");
    let refused = bob.delete(&world.path("acme", "nobodys")).await.expect(400).json();
    assert_eq!(refused, json!({"detail": "You cannot modify invitations sent by someone else."}));
    bob.delete(&world.path("acme", "own")).await.expect(204);

    let mut builder = World::acme_with(&[("allowMemberInvite", json!(false))]).await;
    builder.pending("acme", "own", InviteStatus::Approved, Some("bob")).await;
    let world = builder.serve().await;
    let refused = world.of("bob").delete(&world.path("acme", "own")).await.expect(400).json();
    assert_eq!(refused, json!({"detail": "You are missing the member:admin scope."}));
}

#[tokio::test]
async fn members_who_are_managed_elsewhere_stay() {
    let mut builder = World::acme_builder().await;
    for (key, flag) in [("idp", MemberFlag::IdpProvisioned), ("partner", MemberFlag::PartnershipRestricted)] {
        builder.person(key).await;
        builder.member_with("acme", key, "member", &[], &[flag]).await;
    }
    let world = builder.serve().await;
    for (key, word) in [("idp", "identity provider"), ("partner", "partnership")] {
        let refused = world.of("alice").delete(&world.path("acme", key)).await.expect(403).json();
        assert!(refused["detail"].as_str().unwrap().contains(word), "{refused}");
    }
}

#[tokio::test]
async fn a_superuser_removes_anyone_but_the_only_owner() {
    let world = World::acme().await;
    world.of("root").delete(&world.path("acme", "mallory")).await.expect(204);
    world.of("root").delete(&world.path("acme", "alice")).await.expect(403);
}
