//! Settings as behaviour 7.1 and 7.2 specify them.

use serde_json::{Value, json};

use super::{Access, Setting, SettingKind, settings};
use crate::organization::feature::Feature;
use crate::roles::Roles;

fn check(field: &str, sent: &Value) -> Result<Value, String> {
    let setting = Setting::by_field(field).unwrap();
    setting.check(sent, &Roles::bundled()).map_err(|error| error.to_string())
}

fn access(field: &str, features: &[Feature], by_staff: bool, is_stored: bool) -> Access {
    Setting::by_field(field).unwrap().access(|feature| features.contains(&feature), by_staff, is_stored)
}

#[test]
fn names_in_requests_and_in_the_log_are_distinct() {
    for setting in settings() {
        assert_eq!(Setting::by_field(setting.field), Some(setting));
        assert_eq!(Setting::by_stored(setting.stored()), Some(setting));
    }
    assert_eq!(Setting::by_field("disable_member_invite"), None);
}

#[test]
fn every_default_is_a_value_that_could_have_been_sent() {
    for setting in settings() {
        let default = setting.default_value();
        if !default.is_null() {
            assert_eq!(check(setting.field, &default), Ok(default), "{}", setting.field);
        }
    }
}

#[test]
fn flags_have_the_bits_that_they_have_there() {
    let bits: Vec<_> = settings()
        .iter()
        .filter_map(|setting| match setting.kind {
            SettingKind::Flag { stored, bit, .. } => Some((bit, stored)),
            SettingKind::Option { .. } => None,
        })
        .collect();
    let expected = [
        (0, "allow_joinleave"),
        (1, "enhanced_privacy"),
        (2, "disable_shared_issues"),
        (3, "early_adopter"),
        (4, "require_2fa"),
        (6, "require_email_verification"),
        (7, "codecov_access"),
        (8, "disable_member_project_creation"),
        (9, "prevent_superuser_access"),
        (10, "disable_member_invite"),
    ];
    assert_eq!(bits, expected);
}

#[test]
fn a_new_organization_has_open_membership_and_no_project_creation_by_members() {
    let set: Vec<_> = settings()
        .iter()
        .filter(|setting| setting.is_flag())
        .filter(|setting| setting.flag_polarity(setting.default_value() == json!(true)))
        .map(Setting::stored)
        .collect();
    assert_eq!(set, ["allow_joinleave", "disable_member_project_creation"]);
    let invite = Setting::by_stored("disable_member_invite").unwrap();
    assert!(invite.flag_polarity(false) && !invite.flag_polarity(true));
}

#[test]
fn booleans_come_in_many_spellings() {
    for field in ["openMembership", "require2FA", "allowJoinRequests", "restrictInvitesToEmail"] {
        for sent in [
            json!(true),
            json!("true"),
            json!("True"),
            json!(1),
            json!("1"),
            json!("yes"),
            json!("on"),
            json!("t"),
            json!("y"),
        ] {
            assert_eq!(check(field, &sent), Ok(json!(true)), "{sent}");
        }
        for sent in [
            json!(false),
            json!("false"),
            json!(0),
            json!("0"),
            json!("no"),
            json!("off"),
            json!("f"),
            json!("n"),
        ] {
            assert_eq!(check(field, &sent), Ok(json!(false)), "{sent}");
        }
        for sent in [json!(null), json!(""), json!("maybe"), json!(2), json!([]), json!({})] {
            assert_eq!(check(field, &sent), Err("Must be a valid boolean.".into()), "{sent}");
        }
    }
}

/// One line per rule: the field, what is sent, and the value stored or the text answered.
fn expect(table: &[(&str, Value, Result<Value, &str>)]) {
    for (field, sent, expected) in table {
        assert_eq!(check(field, sent), expected.clone().map_err(str::to_owned), "{field}: {sent}");
    }
}

#[test]
fn numbers_are_stored_as_numbers_within_their_limits() {
    expect(&[
        ("storeCrashReports", json!(true), Ok(json!(-1))),
        ("storeCrashReports", json!(false), Ok(json!(0))),
        ("storeCrashReports", json!(null), Ok(json!(0))),
        ("storeCrashReports", json!("20"), Ok(json!(20))),
        ("storeCrashReports", json!(5.0), Ok(json!(5))),
        ("storeCrashReports", json!(-1), Ok(json!(-1))),
        ("storeCrashReports", json!(101), Err("Ensure this value is less than or equal to 100.")),
        ("storeCrashReports", json!(-2), Err("Ensure this value is greater than or equal to -1.")),
        ("storeCrashReports", json!(5.5), Err("A valid integer is required.")),
        ("storeCrashReports", json!("many"), Err("A valid integer is required.")),
        ("apdexThreshold", json!(300), Ok(json!(300))),
        ("apdexThreshold", json!(0), Err("Ensure this value is greater than or equal to 1.")),
        ("apdexThreshold", json!(null), Err("This field may not be null.")),
        ("apdexThreshold", json!(true), Err("A valid integer is required.")),
        ("projectRateLimit", json!(49), Err("Ensure this value is greater than or equal to 50.")),
        ("accountRateLimit", json!(1_000_000), Ok(json!(1_000_000))),
        ("targetSampleRate", json!("0.25"), Ok(json!(0.25))),
        ("targetSampleRate", json!(1), Ok(json!(1.0))),
        ("targetSampleRate", json!(1.1), Err("Ensure this value is less than or equal to 1.")),
        ("targetSampleRate", json!(-0.1), Err("Ensure this value is greater than or equal to 0.")),
        ("targetSampleRate", json!("NaN"), Err("A valid number is required.")),
    ]);
}

#[test]
fn words_are_among_those_that_exist() {
    expect(&[
        ("samplingMode", json!("project"), Ok(json!("project"))),
        ("samplingMode", json!("magic"), Err("\"magic\" is not a valid choice.")),
        ("samplingMode", json!(7), Err("\"7\" is not a valid choice.")),
        ("attachmentsRole", json!("admin"), Ok(json!("admin"))),
        ("attachmentsRole", json!("billing"), Err("Invalid role")),
        ("debugFilesRole", json!(null), Err("Invalid role")),
    ]);
}

#[test]
fn lists_hold_filled_texts_and_not_too_many() {
    let longest = json!(vec!["ö".repeat(1000); 4]);
    let no_list = |got: &str| Err(format!("Expected a list of items but got type \"{got}\"."));
    expect(&[
        ("sensitiveFields", json!([" password ", "iban"]), Ok(json!(["password", "iban"]))),
        ("sensitiveFields", json!([]), Ok(json!([]))),
        ("sensitiveFields", json!(["a", ""]), Err("Empty values are not allowed.")),
        ("sensitiveFields", json!([1]), Err("Not a valid string.")),
        ("sensitiveFields", longest.clone(), Ok(longest)),
        ("sensitiveFields", json!(["a".repeat(4001)]), Err("List of sensitive fields is too long.")),
        ("safeFields", json!(["ok", "  "]), Err("Empty values are not allowed.")),
        ("enabledConsolePlatforms", json!(["a", "b", "a"]), Ok(json!(["a", "b"]))),
    ]);
    assert_eq!(check("sensitiveFields", &json!("password")), no_list("str"));
    assert_eq!(check("safeFields", &json!({})), no_list("dict"));
}

#[test]
fn scrubbing_rules_are_well_formed() {
    let selectors = json!(["$error.value", "a.** && !(b || c)", "'odd ''key'.*"]);
    let config = json!(r#"{"applications":{"$string":["@ip"]}}"#);
    expect(&[
        ("safeFields", selectors.clone(), Ok(selectors)),
        ("safeFields", json!(["broken selector!?"]), Err("invalid syntax near \"selector!?\"")),
        ("safeFields", json!(["(a || b"]), Err("invalid syntax near \"\"")),
        ("safeFields", json!(["a."]), Err("invalid syntax near \"\"")),
        ("relayPiiConfig", json!(null), Ok(json!(null))),
        ("relayPiiConfig", json!(""), Ok(json!(""))),
        ("relayPiiConfig", config.clone(), Ok(config)),
        ("relayPiiConfig", json!("[]"), Err("invalid scrubbing rules: expected an object")),
        ("relayPiiConfig", json!(r#"{"applications":{"!":[]}}"#), Err("invalid syntax near \"\"")),
        ("relayPiiConfig", json!({}), Err("Not a valid string.")),
    ]);
}

#[test]
fn trusted_relays_have_a_name_and_a_public_key_of_their_own() {
    let key = "A".repeat(43);
    let told = |relays: &Value| check("trustedRelays", relays).unwrap_err();
    let sent = json!([{"name": " r ", "publicKey": key, "created": "now"}]);
    let stored = json!([{"name": "r", "publicKey": key, "description": ""}]);
    assert_eq!(check("trustedRelays", &sent), Ok(stored));
    assert_eq!(told(&json!(["r"])), "Bad structure received for Trusted Relays");
    assert_eq!(told(&json!([{"name": 5}])), "Bad structure received for Trusted Relays");
    assert_eq!(told(&json!([{"publicKey": key}])), "Relay key info with missing name in Trusted Relays");
    assert_eq!(told(&json!([{"name": " "}])), "Relay key info with empty name in Trusted Relays");
    let named = "key for relay key info with name:'r' in Trusted Relays";
    assert_eq!(told(&json!([{"name": "r"}])), format!("Missing public {named}"));
    assert_eq!(told(&json!([{"name": "r", "publicKey": "short"}])), format!("Invalid public {named}"));
    let twice = json!([{"name": "a", "publicKey": key}, {"name": "b", "publicKey": key}]);
    assert_eq!(told(&twice), format!("Duplicated key in Trusted Relays: '{key}'"));
}

#[test]
fn selectors_nested_beyond_all_reason_are_refused_rather_than_followed() {
    let nested = |depth: usize| json!([format!("{}a{}", "(".repeat(depth), ")".repeat(depth))]);
    assert!(check("safeFields", &nested(20)).is_ok());
    assert!(check("safeFields", &nested(100_000)).is_err());
}

#[test]
fn some_settings_are_not_everybodys() {
    let sampling = "Organization does not have the custom dynamic sample rate feature enabled.";
    let limits = "The accountRateLimit option cannot be configured for this organization";
    for field in ["targetSampleRate", "samplingMode"] {
        assert_eq!(access(field, &[], true, true), Access::Refused(sampling));
        assert_eq!(access(field, &[Feature::DynamicSamplingCustom], false, false), Access::Granted);
    }
    for field in ["accountRateLimit", "projectRateLimit"] {
        assert_eq!(access(field, &[], false, false), Access::Refused(limits));
        assert_eq!(access(field, &[], true, false), Access::Granted, "an import may store it");
        assert_eq!(access(field, &[], false, true), Access::Granted);
    }
    assert_eq!(
        access("enabledConsolePlatforms", &[], false, true),
        Access::Refused("Only staff members can toggle console platforms.")
    );
    assert_eq!(access("enabledConsolePlatforms", &[], true, false), Access::Granted);
    assert_eq!(access("requireEmailVerification", &[], true, true), Access::Ignored);
    assert_eq!(
        access("requireEmailVerification", &[Feature::RequiredEmailVerification], false, false),
        Access::Granted
    );
    assert_eq!(access("openMembership", &[], false, false), Access::Granted);
}

#[test]
fn features_are_known_by_name_and_three_are_on_by_default() {
    for feature in Feature::all() {
        assert_eq!(Feature::by_name(feature.name()), Some(*feature));
        assert_eq!(json!(feature), json!(feature.name()));
    }
    let on: Vec<_> =
        Feature::all().iter().filter(|feature| feature.default_on()).map(|feature| feature.name()).collect();
    assert_eq!(on, ["team-roles", "invite-members", "invite-members-rate-limits"]);
}
