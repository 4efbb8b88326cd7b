//! PUT organization.

use muster_events::{organization::SsoProvider, token::TokenOwner};
use serde_json::{Value, json};

use crate::support::World;

const ACME: &str = "/api/0/organizations/acme/";

#[tokio::test]
async fn what_is_named_changes_in_one_append_and_is_shown() {
    let world = World::acme().await;
    // Reads wait for the views for longer than the answers to commands do.
    world.of("alice").get(ACME).await.expect(200);
    let before = world.head().await;
    let body = json!({
        "name": "Apex", "slug": "apex", "defaultRole": "manager", "openMembership": false,
        "allowMemberInvite": "no", "apdexThreshold": 300, "unknown": {"a": 1},
    });
    let answer = world.of("alice").put(ACME, &body).await.expect(200);
    let types = [
        "OrganizationRenamed",
        "OrganizationSlugChanged",
        "DefaultRoleChanged",
        "OrganizationFlagChanged",
        "OrganizationFlagChanged",
        "OrganizationOptionChanged",
    ];
    assert_eq!(world.types_after(before).await, types);
    assert_eq!(answer.position(), before + 6);
    let changed = answer.json();
    assert_eq!((&changed["name"], &changed["slug"]), (&json!("Apex"), &json!("apex")));
    assert_eq!((&changed["defaultRole"], &changed["apdexThreshold"]), (&json!("manager"), &json!(300)));
    assert_eq!((&changed["openMembership"], &changed["allowMemberInvite"]), (&json!(false), &json!(false)));
    assert_eq!(changed["teams"].as_array().unwrap().len(), 3);
    let shown = world.of("alice").get("/api/0/organizations/apex/").await.expect(200);
    assert_eq!((shown.json(), shown.header("etag")), (changed, answer.header("etag")));
}

#[tokio::test]
async fn a_slug_moves_and_the_old_one_is_held_for_the_organization() {
    let world = World::acme().await;
    let (alice, greta) = (world.of("alice"), world.of("greta"));
    alice.put(ACME, &json!({"slug": "apex"})).await.expect(200);
    alice.get(ACME).await.expect(404);
    let taken = json!({"slug": ["The slug \"acme\" is already in use."]});
    let globex = "/api/0/organizations/globex/";
    assert_eq!(greta.put(globex, &json!({"slug": "acme"})).await.expect(400).json(), taken);
    let id = world.organization("acme");
    alice.put(&format!("/api/0/organizations/{id}/"), &json!({"slug": "acme"})).await.expect(200);
    alice.get(ACME).await.expect(200);
    alice.get("/api/0/organizations/apex/").await.expect(404);
}

#[tokio::test]
async fn what_has_another_slug_is_not_found_by_its_former_one_whatever_is_asked() {
    let world = World::acme().await;
    let alice = world.of("alice");
    let invitation = json!({"email": "x@example.com", "orgRole": "member"});
    let invited = alice.post(&format!("{ACME}members/"), &invitation).await.expect(201).json();
    let id = invited["id"].as_str().unwrap().parse().unwrap();
    let renamed = alice.put(ACME, &json!({"slug": "apex"})).await.expect(200).position();
    let y = json!({"email": "y@example.com", "orgRole": "member"});
    alice.post(&format!("{ACME}members/"), &y).await.expect(404);
    world.anonymous().post(&format!("{ACME}join-request/"), &y).await.expect(404);
    let token = json!({"organization": "acme", "name": "machine", "scopes": ["org:read"]});
    let refused = world.of("root").post("/api/0/api-tokens/", &token).await.expect(400).json();
    assert_eq!(refused, json!({"organization": ["Object does not exist."]}));
    assert_eq!(world.head().await, renamed);
    // A link that was sent before leads there still.
    let token = world.deployment.ledger.keys().invitation_token(id, 1);
    for slug in ["acme", "apex"] {
        let link = format!("/api/0/accept-invite/{slug}/{id}/{token}/");
        assert_eq!(world.anonymous().get(&link).await.expect(200).json()["orgSlug"], json!("apex"));
    }
}

#[tokio::test]
async fn of_two_who_want_one_slug_one_gets_it() {
    let world = World::acme().await;
    let (alice, greta) = (world.of("alice"), world.of("greta"));
    let body = json!({"slug": "wanted"});
    let (one, other) = tokio::join!(alice.put(ACME, &body), greta.put("/api/0/organizations/globex/", &body));
    let (winner, loser) = if one.status == 200 { (one, other) } else { (other, one) };
    winner.expect(200);
    let words = loser.expect(400).json()["slug"][0].as_str().unwrap().to_owned();
    assert!(words.starts_with("The slug \"wanted\" is "), "{words}");
}

#[tokio::test]
async fn all_that_is_wrong_is_said_and_nothing_changes() {
    let world = World::acme().await;
    let before = world.head().await;
    let body = json!({
        "name": "", "slug": "Ab", "defaultRole": "king", "openMembership": 7, "storeCrashReports": 101,
        "avatarType": null, "avatar": "nonsense!", "isEarlyAdopter": true, "attachmentsRole": "king",
    });
    let refused = world.of("alice").put(ACME, &body).await.expect(400).json();
    let expected = json!({
        "avatarType": ["This field may not be null."],
        "avatar": ["Invalid image format."],
        "name": ["This field may not be blank."],
        "slug": ["This slug \"Ab\" is too short. Minimum of 3 characters."],
        "defaultRole": ["\"king\" is not a valid choice."],
        "openMembership": ["Must be a valid boolean."],
        "storeCrashReports": ["Ensure this value is less than or equal to 100."],
        "attachmentsRole": ["Invalid role"],
    });
    assert_eq!(refused, expected);
    assert_eq!(world.head().await, before);
}

#[tokio::test]
async fn what_is_of_the_wrong_kind_is_refused_by_its_name() {
    let world = World::acme().await;
    let alice = world.of("alice");
    for (field, value) in [
        ("name", json!([])),
        ("name", json!(null)),
        ("name", json!("x".repeat(65))),
        ("name", json!("a\0b")),
        ("slug", json!({})),
        ("slug", json!("under_score")),
        ("slug", json!("a b c")),
        ("slug", json!("api")),
        ("slug", json!("12345")),
        ("slug", json!("globex")),
        ("defaultRole", json!({})),
        ("cancelDeletion", json!("perhaps")),
        ("sensitiveFields", json!("password")),
        ("safeFields", json!([""])),
        ("trustedRelays", json!([{"name": "a"}])),
        ("avatarType", json!("gravatar")),
        ("avatar", json!(7)),
        ("require2FA", json!([])),
        ("enabledConsolePlatforms", json!(["xbox"])),
        ("targetSampleRate", json!(0.5)),
        ("accountRateLimit", json!(7)),
    ] {
        let refused = alice.put(ACME, &json!({ field: value })).await.expect(400).json();
        assert!(refused[field][0].is_string(), "{field}: {refused}");
    }
    for body in [json!([]), json!("text"), json!(null)] {
        alice.put(ACME, &body).await.expect(400);
    }
}

#[tokio::test]
async fn nothing_new_appends_nothing() {
    let world = World::acme().await;
    let (alice, before) = (world.of("alice"), world.head().await);
    let seen = alice.get(ACME).await.expect(200);
    let answer = alice.put(ACME, &json!({})).await.expect(200);
    assert_eq!((answer.position(), answer.header("etag")), (before, seen.header("etag")));
    assert_eq!(answer.json(), seen.json());
    let same = json!({"name": "The acme", "slug": "acme", "openMembership": true, "sensitiveFields": [],
        "defaultRole": "member", "avatarType": "letter_avatar", "require2FA": false});
    alice.put(ACME, &same).await.expect(200);
    let after = world.types_after(before).await;
    assert_eq!(after, ["OrganizationOptionChanged"], "an empty list is another value than none");
}

#[tokio::test]
async fn a_manager_may_change_all_but_the_default_role() {
    let world = World::acme().await;
    let body = json!({"name": "Apex", "defaultRole": "owner", "cancelDeletion": "perhaps"});
    let changed = world.of("mallory").put(ACME, &body).await.expect(200).json();
    assert_eq!((&changed["name"], &changed["defaultRole"]), (&json!("Apex"), &json!("member")));
    for key in ["bob", "adam", "greta"] {
        world.of(key).put(ACME, &body).await.expect(403);
    }
    world.anonymous().put(ACME, &body).await.expect(401);
    world.of("alice").put("/api/0/organizations/nowhere/", &body).await.expect(404);
    world.with("acme-integration").put(ACME, &json!({"name": "By machine"})).await.expect(200);
    world.with("acme-integration").put("/api/0/organizations/globex/", &body).await.expect(403);
}

#[tokio::test]
async fn a_second_factor_is_demanded_by_those_who_have_one_and_not_beside_sso() {
    let mut builder = World::acme_builder().await;
    builder.person_with("plain", |plain| plain.authenticators = vec![]).await;
    builder.member("acme", "plain", "manager", &[]).await;
    let sso = SsoProvider { provider: "okta".into(), name: "Okta".into(), allow_unlinked: true };
    builder.organization_with("initech", "alice", &[], |new| new.sso = Some(sso)).await;
    let world = builder.serve().await;
    let demand = json!({"require2FA": true});
    let without = "Cannot require two-factor authentication without personal two-factor enabled.";
    let refused = world.of("plain").put(ACME, &demand).await.expect(400).json();
    assert_eq!(refused, json!({ "require2FA": [without] }));
    let beside = "Cannot require two-factor authentication with SSO enabled";
    let refused = world.of("alice").put("/api/0/organizations/initech/", &demand).await.expect(400).json();
    assert_eq!(refused, json!({ "require2FA": [beside] }));
    let before = world.head().await;
    assert_eq!(world.of("alice").put(ACME, &demand).await.expect(200).json()["require2FA"], json!(true));
    world.of("alice").put(ACME, &demand).await.expect(200);
    let types = world.types_after(before).await;
    // Behind it, those without a second factor become invitations again.
    let demands: Vec<_> = types.iter().filter(|name| *name != "MemberReturnedToPending").collect();
    assert_eq!(demands, ["TwoFactorRequired"]);
    // Not let in at first, and no member as soon as that has happened.
    let status = world.of("plain").get(ACME).await.status;
    assert!([401, 403].contains(&status), "{status}");
}

#[tokio::test]
async fn console_platforms_are_for_staff_and_each_stands_once() {
    let world = World::acme().await;
    let body = json!({"enabledConsolePlatforms": ["xbox", "xbox"]});
    let refused = world.of("alice").put(ACME, &body).await.expect(400).json();
    let words = "Only staff members can toggle console platforms.";
    assert_eq!(refused, json!({ "enabledConsolePlatforms": [words] }));
    let changed = world.of("root").put(ACME, &body).await.expect(200).json();
    assert_eq!(changed["enabledConsolePlatforms"], json!(["xbox"]));
}

#[tokio::test]
async fn relays_are_shown_with_the_times_of_their_changes() {
    let world = World::acme().await;
    let alice = world.of("alice");
    let relay = |name: &str, letter: &str| json!({"name": name, "publicKey": letter.repeat(43)});
    let put = |relays: Value| {
        let alice = alice.clone();
        async move {
            let body = json!({ "trustedRelays": relays });
            alice.put(ACME, &body).await.expect(200).json()["trustedRelays"].clone()
        }
    };
    let first = put(json!([relay("a", "a")])).await;
    assert_eq!((&first[0]["description"], &first[0]["created"]), (&json!(""), &first[0]["lastModified"]));
    let head = world.head().await;
    assert_eq!(put(json!([relay("a", "a")])).await, first);
    assert_eq!(world.head().await, head);
    let second = put(json!([relay("b", "a"), relay("c", "c")])).await;
    assert_eq!(second[0]["created"], first[0]["created"]);
    assert_ne!(second[0]["lastModified"], first[0]["lastModified"]);
    let twice = json!({"trustedRelays": [relay("a", "a"), relay("b", "a")]});
    let refused = alice.put(ACME, &twice).await.expect(400).json();
    let words = format!("Duplicated key in Trusted Relays: '{}'", "a".repeat(43));
    assert_eq!(refused, json!({ "trustedRelays": [words] }));
}

#[tokio::test]
async fn a_repetition_changes_nothing_and_a_stale_change_is_refused() {
    let world = World::acme().await;
    let alice = world.of("alice");
    let seen = alice.get(ACME).await.expect(200).header("etag").unwrap().to_owned();
    let key = [("idempotency-key", "o-1"), ("if-match", seen.as_str())];
    let body = json!({"name": "Apex", "slug": "apex"});
    let first = alice.put_with(ACME, &body, &key).await.expect(200);
    let head = world.head().await;
    let again = alice.put_with(ACME, &body, &key).await;
    // The path names nothing any more, and the key still answers.
    let again = again.expect(200);
    assert_eq!((again.position(), again.header("idempotent-replayed")), (first.position(), Some("true")));
    assert_eq!(again.json(), first.json());
    let path = "/api/0/organizations/apex/";
    alice.put_with(path, &json!({"name": "Late"}), &[("if-match", &seen)]).await.expect(412);
    world.of("bob").put_with(path, &json!({"name": "Late"}), &[("if-match", &seen)]).await.expect(403);
    assert_eq!(world.head().await, head);
}

#[tokio::test]
async fn a_token_that_is_limited_changes_as_much_as_it_allows() {
    let mut builder = World::acme_builder().await;
    let second = builder.person("second").await;
    builder.member("acme", "second", "owner", &[]).await;
    builder.token("writes", TokenOwner::User(second), Some(&["org:write"])).await;
    builder.token("reads", TokenOwner::User(second), Some(&["org:read"])).await;
    let world = builder.serve().await;
    let body = json!({"name": "Apex", "defaultRole": "manager"});
    world.with("reads").put(ACME, &body).await.expect(403);
    let changed = world.with("writes").put(ACME, &body).await.expect(200).json();
    assert_eq!((&changed["name"], &changed["defaultRole"]), (&json!("Apex"), &json!("member")));
    assert_eq!(changed["access"], json!(["org:read", "org:write"]));
}
