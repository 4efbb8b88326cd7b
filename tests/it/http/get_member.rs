//! GET member.

use muster_events::member::MemberFlag;
use serde_json::json;

use crate::support::World;

#[tokio::test]
async fn a_member_is_shown_with_teams_and_roles() {
    let world = World::acme().await;
    let answer = world.of("alice").get(&world.path("acme", "dana")).await.expect(200);
    let mut member = answer.json();
    assert_eq!(answer.header("etag"), Some("\"4\""));
    for volatile in ["id", "dateCreated"] {
        member[volatile].as_str().unwrap();
        member[volatile] = json!("volatile");
    }
    for volatile in ["id", "dateJoined"] {
        member["user"][volatile] = json!("volatile");
    }
    member["user"]["authenticators"][0]["dateCreated"] = json!("volatile");
    for list in ["roles", "orgRoleList", "teamRoleList"] {
        for role in member[list].as_array_mut().unwrap() {
            role.as_object_mut().unwrap().remove("scopes").unwrap();
            role.as_object_mut().unwrap().remove("desc").unwrap();
        }
    }
    assert_eq!(member["roles"], member["orgRoleList"]);
    member.as_object_mut().unwrap().remove("roles");
    insta::assert_json_snapshot!(member);
}

#[tokio::test]
async fn me_is_the_requesters_own_membership() {
    let world = World::acme().await;
    let own = world.of("bob").get("/api/0/organizations/acme/members/me/").await.expect(200).json();
    assert_eq!(own["id"], json!(world.member("acme", "bob").to_string()));
    assert_eq!(own["email"], json!("bob@example.com"));
    world.with("acme-integration").get("/api/0/organizations/acme/members/me/").await.expect(404);
}

#[tokio::test]
async fn an_organization_is_named_by_slug_or_id_with_or_without_a_trailing_slash() {
    let world = World::acme().await;
    let (alice, id) = (world.of("alice"), world.member("acme", "dana"));
    let organization = world.organization("acme");
    for path in [
        format!("/api/0/organizations/acme/members/{id}/"),
        format!("/api/0/organizations/acme/members/{id}"),
        format!("/api/0/organizations/{organization}/members/{id}/"),
    ] {
        let member = alice.get(&path).await.expect(200).json();
        assert_eq!(member["id"], json!(id.to_string()), "{path}");
    }
}

#[tokio::test]
async fn only_the_only_owner_is_the_only_owner() {
    let world = World::acme().await;
    let alice = world.of("alice");
    let only = |member: serde_json::Value| member["isOnlyOwner"].clone();
    assert_eq!(only(alice.get(&world.path("acme", "alice")).await.json()), json!(true));
    assert_eq!(only(alice.get(&world.path("acme", "dana")).await.json()), json!(false));
    let promoted = alice.put(&world.path("acme", "mallory"), &json!({"orgRole": "owner"})).await.expect(200);
    assert_eq!(only(promoted.json()), json!(false));
    assert_eq!(only(alice.get(&world.path("acme", "alice")).await.json()), json!(false));
}

#[tokio::test]
async fn garbage_unknown_ids_and_requests_are_not_found() {
    let world = World::acme().await;
    let alice = world.of("alice");
    let jo = world.path("acme", "jo");
    let elsewhere = format!("/api/0/organizations/acme/members/{}/", world.member("globex", "greta"));
    for path in [
        "/api/0/organizations/acme/members/garbage/",
        "/api/0/organizations/acme/members/0/",
        "/api/0/organizations/acme/members/-1/",
        "/api/0/organizations/acme/members/9007199254740993/",
        "/api/0/organizations/acme/members/99999999999999999999999/",
        "/api/0/organizations/acme/members/12345/",
        "/api/0/organizations/acme/members/%00/",
        "/api/0/organizations/acme/members/%ff%fe/",
        "/api/0/organizations/nowhere/members/me/",
        "/api/0/organizations/12345/members/me/",
        &jo,
        &elsewhere,
    ] {
        let status = alice.get(path).await.status;
        assert_eq!(status, 404, "{path}");
    }
}

#[tokio::test]
async fn details_of_the_account_are_for_those_who_manage_members() {
    let world = World::acme().await;
    let path = world.path("acme", "dana");
    let seen = world.of("mallory").get(&path).await.expect(200).json();
    assert_eq!(seen["user"]["canReset2fa"], json!(true));
    let seen = world.of("mallory").get(&world.path("acme", "bob")).await.expect(200).json();
    assert_eq!(seen["user"]["canReset2fa"], json!(false), "bob is in two organizations");
    let seen = world.of("bob").get(&path).await.expect(200).json();
    assert!(seen["user"].get("authenticators").is_none());
    assert_eq!(seen["user"]["has2fa"], json!(true));
}

#[tokio::test]
async fn a_member_over_the_limit_sees_himself_and_nothing_else() {
    let mut builder = World::acme_builder().await;
    builder.person("otto").await;
    builder.member_with("acme", "otto", "member", &[], &[MemberFlag::MemberLimitRestricted]).await;
    let world = builder.serve().await;
    let otto = world.of("otto");
    let own = otto.get("/api/0/organizations/acme/members/me/").await.expect(200).json();
    assert_eq!(own["flags"]["member-limit:restricted"], json!(true));
    let refused = otto.get("/api/0/organizations/acme/members/").await.expect(401).json();
    assert_eq!(refused["detail"]["code"], json!("member-disabled-over-limit"));
}
