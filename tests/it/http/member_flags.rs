//! What the marks on a member do (behaviour.md 2.6).

use muster_events::member::MemberFlag;
use serde_json::json;

use crate::support::World;

#[tokio::test]
async fn who_is_suspended_over_the_limit_gets_401_everywhere_but_at_the_details_of_members() {
    let mut builder = World::acme_builder().await;
    for (key, org_role) in [("otto", "manager"), ("olga", "owner")] {
        builder.person(key).await;
        builder.member_with("acme", key, org_role, &[], &[MemberFlag::MemberLimitRestricted]).await;
    }
    let world = builder.serve().await;
    let (otto, own) = (world.of("otto"), world.path("acme", "otto"));
    for path in [
        "/api/0/organizations/acme/".to_owned(),
        "/api/0/organizations/acme/members/".to_owned(),
        "/api/0/organizations/acme/members/?query=x".to_owned(),
        "/api/0/organizations/acme/teams/".to_owned(),
        "/api/0/organizations/acme/events/".to_owned(),
        format!("{own}events/"),
        "/api/0/organizations/acme/members/me/events/".to_owned(),
    ] {
        let refused = otto.get(&path).await.expect(401).json();
        assert_eq!(refused["detail"]["code"], json!("member-disabled-over-limit"), "{path}");
        assert_eq!(refused["detail"]["message"], json!("Organization over member limit"));
        assert_eq!(refused["detail"]["extra"], json!({"next": "/organizations/acme/disabled-member/"}));
    }
    let transfer = "/api/0/organizations/acme/transfer-ownership/";
    let to = json!({"member": world.member("acme", "bob").to_string()});
    let refused = world.of("olga").post(transfer, &to).await.expect(401).json();
    assert_eq!(refused["detail"]["code"], json!("member-disabled-over-limit"));
    otto.get(&world.path("acme", "bob")).await.expect(200);
    otto.put(&world.path("acme", "bob"), &json!({"teams": ["web"]})).await.expect(200);
    otto.delete("/api/0/organizations/acme/members/me/").await.expect(204);
}

#[tokio::test]
async fn a_member_of_a_partnership_is_neither_changed_nor_removed() {
    let mut builder = World::acme_builder().await;
    builder.person("pat").await;
    builder.member_with("acme", "pat", "member", &[], &[MemberFlag::PartnershipRestricted]).await;
    let world = builder.serve().await;
    let (path, before) = (world.path("acme", "pat"), world.head().await);
    let text = "This member is managed by an active partnership and cannot be modified until the end of the partnership.";
    for who in ["alice", "root", "mallory"] {
        for body in [json!({}), json!({"orgRole": "manager"}), json!({"reinvite": true})] {
            let refused = world.of(who).put(&path, &body).await.expect(403).json();
            assert_eq!(refused, json!({ "detail": text }), "{who} {body}");
        }
        let refused = world.of(who).delete(&path).await.expect(403).json();
        assert_eq!(refused, json!({ "detail": text }), "{who}");
    }
    // What is wrong with the body, and who may not even ask, comes before.
    world.of("alice").put(&path, &json!({"orgRole": "emperor"})).await.expect(400);
    let refused = world.of("bob").delete(&path).await.expect(400).json();
    assert_eq!(refused, json!({"detail": "You are missing the member:admin scope."}));
    world.of("pat").delete("/api/0/organizations/acme/members/me/").await.expect(403);
    assert_eq!(world.head().await, before);
}

#[tokio::test]
async fn who_comes_from_the_identity_provider_is_changed_but_not_removed() {
    let mut builder = World::acme_builder().await;
    for (key, flag) in [("ida", MemberFlag::IdpProvisioned), ("rory", MemberFlag::IdpRoleRestricted)] {
        builder.person(key).await;
        builder.member_with("acme", key, "member", &[], &[flag]).await;
    }
    let world = builder.serve().await;
    let alice = world.of("alice");
    let (ida, rory) = (world.path("acme", "ida"), world.path("acme", "rory"));
    alice.put(&ida, &json!({"orgRole": "manager"})).await.expect(200);
    let refused = alice.delete(&ida).await.expect(403).json();
    let text = "This user is managed through your organization's identity provider.";
    assert_eq!(refused, json!({ "detail": text }));
    world.of("ida").delete(&ida).await.expect(403);
    // A restricted role stands in nobody's way.
    alice.put(&rory, &json!({"orgRole": "manager"})).await.expect(200);
    alice.delete(&rory).await.expect(204);
}

#[tokio::test]
async fn marks_are_shown_and_those_of_sso_do_nothing_by_themselves() {
    let mut builder = World::acme_builder().await;
    for (key, flag) in [("lin", MemberFlag::SsoLinked), ("ivo", MemberFlag::SsoInvalid)] {
        builder.person(key).await;
        builder.member_with("acme", key, "member", &[], &[flag]).await;
    }
    let world = builder.serve().await;
    for (key, set) in [("lin", "sso:linked"), ("ivo", "sso:invalid")] {
        let own = world.of(key).get("/api/0/organizations/acme/members/me/").await.expect(200).json();
        for flag in MemberFlag::ALL {
            assert_eq!(own["flags"][flag.name()], json!(flag.name() == set), "{key} {flag}");
        }
        world.of(key).get("/api/0/organizations/acme/members/").await.expect(200);
        world.of("alice").put(&world.path("acme", key), &json!({"orgRole": "manager"})).await.expect(200);
    }
}

/// The choices are those of whoever looks, not of the one who is looked at (behaviour.md D12).
#[tokio::test]
async fn the_roles_say_what_the_requester_may_give() {
    let world = World::acme().await;
    let allowed = async |who: &str, path: &str| -> Vec<String> {
        let shown = world.of(who).get(path).await.expect(200).json();
        let roles = shown["orgRoleList"].as_array().unwrap().clone();
        let allowed = roles.iter().filter(|role| role["isAllowed"] == json!(true));
        allowed.map(|role| role["id"].as_str().unwrap().to_owned()).collect()
    };
    let all = ["member", "admin", "manager", "owner"];
    for target in ["alice", "mallory", "adam", "bob"] {
        let path = world.path("acme", target);
        assert_eq!(allowed("alice", &path).await, all);
        assert_eq!(allowed("root", &path).await, all);
        assert_eq!(allowed("mallory", &path).await, all[..3]);
        assert_eq!(allowed("adam", &path).await, [""; 0]);
        assert_eq!(allowed("bob", &path).await, [""; 0]);
    }
    assert_eq!(allowed("mallory", "/api/0/organizations/acme/members/me/").await, all[..3]);
}
