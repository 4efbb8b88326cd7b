//! GET organization.

use muster_events::{organization::settings, token::TokenOwner};
use serde_json::{Value, json};

use crate::support::World;

const ACME: &str = "/api/0/organizations/acme/";

#[tokio::test]
async fn everything_is_shown_to_those_who_may_read_it() {
    let changed = [("eventsMemberAdmin", json!(false)), ("allowMemberInvite", json!(false))];
    let world = World::acme_with(&changed).await.serve().await;
    let answer = world.of("bob").get(ACME).await.expect(200);
    let seen = answer.json();
    for setting in settings() {
        assert!(seen.get(setting.field).is_some(), "{} is not shown", setting.field);
    }
    assert_eq!(seen["eventsMemberAdmin"], json!(false));
    assert_eq!(seen["allowMemberInvite"], json!(false));
    assert_eq!(seen["sensitiveFields"], json!([]));
    assert_eq!(
        (&seen["slug"], &seen["role"], &seen["defaultRole"]),
        (&json!("acme"), &json!("member"), &json!("member"))
    );
    let access = seen["access"].as_array().unwrap();
    assert!(!access.contains(&json!("event:admin")), "an option took it away");
    let slugs: Vec<_> = seen["teams"].as_array().unwrap().iter().map(|team| team["slug"].clone()).collect();
    assert_eq!(slugs, ["core", "infra", "web"]);
    assert!(seen.get("features").is_none());
    assert!(answer.header("etag").is_some());
}

#[tokio::test]
async fn parts_can_be_left_out_and_features_asked_for() {
    let world = World::acme().await;
    let seen =
        world.of("bob").get(&format!("{ACME}?detailed=0&include_feature_flags=1")).await.expect(200).json();
    assert!(seen.get("teams").is_none() && seen.get("projects").is_none());
    assert!(seen["features"].as_array().unwrap().contains(&json!("team-roles")));
}

#[tokio::test]
async fn a_token_without_org_read_gets_a_summary() {
    let mut builder = World::acme_builder().await;
    let alice = builder.person("second").await;
    builder.member("acme", "second", "owner", &[]).await;
    builder.token("narrow", TokenOwner::User(alice), Some(&["member:read"])).await;
    let world = builder.serve().await;
    let seen = world.with("narrow").get(ACME).await.expect(200).json();
    assert_eq!((&seen["slug"], &seen["access"]), (&json!("acme"), &json!(["member:read"])));
    assert!(seen.get("openMembership").is_none());
}

/// What the published description demands of the details, by kind.
const STRINGS: &[&str] = &[
    "attachmentsRole",
    "dateCreated",
    "debugFilesRole",
    "defaultAutofixAutomationTuning",
    "defaultAutomatedRunStoppingPoint",
    "defaultCodingAgent",
    "defaultRole",
    "id",
    "name",
    "slug",
];
const BOOLEANS: &[&str] = &[
    "aggregatedDataConsent",
    "alertsMemberWrite",
    "allowJoinRequests",
    "allowMemberInvite",
    "allowMemberProjectCreation",
    "allowSharedIssues",
    "allowSuperuserAccess",
    "autoEnableCodeReview",
    "autoOpenPrs",
    "dataScrubber",
    "dataScrubberDefaults",
    "defaultSeerScannerAutomation",
    "enableSeerCoding",
    "enhancedPrivacy",
    "eventsMemberAdmin",
    "hasAuthProvider",
    "hideAiFeatures",
    "isDefault",
    "isDynamicallySampled",
    "isEarlyAdopter",
    "issueAlertsThreadFlag",
    "metricAlertsThreadFlag",
    "openMembership",
    "require2FA",
    "requiresSso",
    "scrapeJavaScript",
    "scrubIPAddresses",
];
const NUMBERS: &[&str] = &["pendingAccessRequests", "storeCrashReports"];
const LISTS: &[&str] = &[
    "defaultCodeReviewTriggers",
    "orgRoleList",
    "projects",
    "safeFields",
    "sensitiveFields",
    "teamRoleList",
    "teams",
    "trustedRelays",
];
const OBJECTS: &[&str] = &["avatar", "experiments", "links", "status"];
const STRINGS_OR_NULL: &[&str] = &["defaultCodingAgentIntegrationId", "relayDsnEndpoint", "relayPiiConfig"];

#[tokio::test]
async fn the_details_have_everything_that_the_published_description_demands() {
    let relay = json!([{"name": "r", "publicKey": "k".repeat(43)}]);
    let world = World::acme_with(&[("trustedRelays", relay)]).await.serve().await;
    let read = world.of("alice").get(ACME).await.expect(200).json();
    let changed = world.of("alice").put(ACME, &json!({"name": "Apex"})).await.expect(200).json();
    let going = world.of("alice").delete(ACME).await.expect(202).json();
    for seen in [read, changed, going] {
        let all = |fields: &[&str], fits: fn(&Value) -> bool| {
            for field in fields {
                assert!(seen.get(field).is_some_and(fits), "{field}: {:?}", seen.get(field));
            }
        };
        all(STRINGS, Value::is_string);
        all(BOOLEANS, Value::is_boolean);
        all(NUMBERS, Value::is_u64);
        all(LISTS, Value::is_array);
        all(OBJECTS, Value::is_object);
        all(STRINGS_OR_NULL, |value| value.is_string() || value.is_null());
        assert!(seen["targetSampleRate"].is_number() && seen["samplingMode"].is_string());
        for field in ["name", "description", "publicKey", "created", "lastModified"] {
            assert!(seen["trustedRelays"][0][field].is_string(), "{field}");
        }
        assert!(seen["onboardingTasks"].is_array() && seen["access"].is_array());
    }
}
