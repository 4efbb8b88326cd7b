//! Changes of settings (behaviour 7.1 to 7.4).

use serde_json::{Value, json};

use super::{change, created, feature, roles};
use crate::{
    organization::{
        Access, Feature, Organization, OrganizationCommand, OrganizationEvent,
        SAMPLE_RATE_NEEDS_AUTOMATIC_MODE, Setting, settings,
    },
    refusal::{FieldError, Refusal},
    roles::ScopeOptions,
    specification::{Decided, given, state},
};

/// What a change of one setting does to an organization after these events.
fn changing(later: impl IntoIterator<Item = OrganizationEvent>, field: &str, value: Value) -> Decided {
    given::<Organization>([created()].into_iter().chain(later)).when(change(&[(field, value)]))
}

fn option(option: &str, from: Value, to: Value) -> OrganizationEvent {
    OrganizationEvent::OrganizationOptionChanged { option: option.into(), from, to }
}

fn flag(flag: &str, to: bool) -> OrganizationEvent {
    OrganizationEvent::OrganizationFlagChanged { flag: flag.into(), to }
}

#[test]
fn an_option_changes_from_null_when_none_was_stored() {
    changing([], "scrubIPAddresses", json!(true)).then([option(
        "scrubIPAddresses",
        Value::Null,
        json!(true),
    )]);
}

#[test]
fn an_option_changes_from_what_was_stored() {
    let before = option("scrubIPAddresses", Value::Null, json!(true));
    changing([before], "scrubIPAddresses", json!(false)).then([option(
        "scrubIPAddresses",
        json!(true),
        json!(false),
    )]);
}

#[test]
fn an_option_is_stored_in_one_form() {
    changing([], "scrubIPAddresses", json!("on")).then([option(
        "scrubIPAddresses",
        Value::Null,
        json!(true),
    )]);
    changing([], "apdexThreshold", json!("300")).then([option("apdexThreshold", Value::Null, json!(300))]);
}

#[test]
fn sending_every_setting_as_it_is_changes_nothing() {
    let organization: Organization = state([created()]);
    for setting in settings() {
        let value = organization.setting(setting);
        if setting.access(|_| true, true, false) == Access::Granted && !value.is_null() {
            let staff = OrganizationCommand::ChangeSettings {
                changes: vec![(setting.field.to_owned(), value)],
                by_staff: true,
                roles: roles(),
            };
            let custom = feature(Feature::DynamicSamplingCustom, true);
            given::<Organization>([created(), custom]).when(staff).then_nothing();
        }
    }
}

#[test]
fn a_value_that_is_stored_already_changes_nothing() {
    changing([option("apdexThreshold", Value::Null, json!(300))], "apdexThreshold", json!(300))
        .then_nothing();
    changing([flag("enhanced_privacy", true)], "enhancedPrivacy", json!("yes")).then_nothing();
}

#[test]
fn a_flag_is_stored_under_its_own_name() {
    changing([], "openMembership", json!(false)).then([flag("allow_joinleave", false)]);
    changing([], "isEarlyAdopter", json!(true)).then([flag("early_adopter", true)]);
}

#[test]
fn a_flag_may_have_the_opposite_sense_of_its_field() {
    changing([], "allowMemberInvite", json!(false)).then([flag("disable_member_invite", true)]);
    changing([flag("disable_member_invite", true)], "allowMemberInvite", json!(true))
        .then([flag("disable_member_invite", false)]);
    changing([], "allowMemberProjectCreation", json!(false)).then_nothing();
    changing([], "allowMemberProjectCreation", json!(true))
        .then([flag("disable_member_project_creation", false)]);
}

#[test]
fn a_new_organization_has_the_flags_of_the_table() {
    let organization: Organization = state([created()]);
    let set: Vec<_> = settings()
        .iter()
        .filter(|setting| setting.is_flag() && organization.flag(setting.stored()))
        .map(Setting::stored)
        .collect();
    assert_eq!(set, ["allow_joinleave", "disable_member_project_creation"]);
    assert!(!organization.flag("no_such_flag"));
}

#[test]
fn the_requirement_of_a_second_factor_has_events_of_its_own() {
    changing([], "require2FA", json!(true)).then([OrganizationEvent::TwoFactorRequired {}]);
    let required = OrganizationEvent::TwoFactorRequired {};
    changing([required.clone()], "require2FA", json!(true)).then_nothing();
    changing([required], "require2FA", json!(false)).then([OrganizationEvent::TwoFactorRequirementLifted {}]);
    changing([], "require2FA", json!(false)).then_nothing();
}

#[test]
fn a_field_that_is_no_setting_is_an_error_that_names_it() {
    changing([], "opnMembership", json!(true))
        .then_invalid([("opnMembership", "There is no setting \"opnMembership\".")]);
    changing([], "disable_member_invite", json!(true))
        .then_invalid([("disable_member_invite", "There is no setting \"disable_member_invite\".")]);
}

#[test]
fn several_errors_are_said_together_and_nothing_changes() {
    let changes = [
        ("openMembership", json!(false)),
        ("scrapeJavaScript", json!("perhaps")),
        ("storeCrashReports", json!(101)),
        ("attachmentsRole", json!("emperor")),
        ("nonsense", json!(1)),
    ];
    given::<Organization>([created()]).when(change(&changes)).then_invalid([
        ("scrapeJavaScript", "Must be a valid boolean."),
        ("storeCrashReports", "Ensure this value is less than or equal to 100."),
        ("attachmentsRole", "Invalid role"),
        ("nonsense", "There is no setting \"nonsense\"."),
    ]);
}

#[test]
fn several_settings_change_in_the_order_in_which_they_are_sent() {
    let changes =
        [("openMembership", json!(false)), ("require2FA", json!(1)), ("hideAiFeatures", json!(true))];
    given::<Organization>([created()]).when(change(&changes)).then([
        flag("allow_joinleave", false),
        OrganizationEvent::TwoFactorRequired {},
        option("hideAiFeatures", Value::Null, json!(true)),
    ]);
}

#[test]
fn a_setting_behind_a_feature_is_refused_without_it() {
    let why = "Organization does not have the custom dynamic sample rate feature enabled.";
    changing([], "targetSampleRate", json!(0.5)).then_invalid([("targetSampleRate", why)]);
    changing([feature(Feature::DynamicSamplingCustom, true)], "targetSampleRate", json!(0.5)).then([option(
        "targetSampleRate",
        Value::Null,
        json!(0.5),
    )]);
}

#[test]
fn there_is_no_sample_rate_of_the_organization_where_each_project_has_its_own() {
    let custom = || feature(Feature::DynamicSamplingCustom, true);
    let by_project = || option("samplingMode", Value::Null, json!("project"));
    let errors = vec![FieldError::new("non_field_errors", SAMPLE_RATE_NEEDS_AUTOMATIC_MODE)];
    let refusal = Refusal::InvalidFields { errors };

    changing([custom(), by_project()], "targetSampleRate", json!(0.5)).then_refused_as(refusal.clone());
    let both = |mode: &str| change(&[("targetSampleRate", json!(0.5)), ("samplingMode", json!(mode))]);
    given::<Organization>([created(), custom()]).when(both("project")).then_refused_as(refusal);
    given::<Organization>([created(), custom(), by_project()]).when(both("organization")).then([
        option("targetSampleRate", Value::Null, json!(0.5)),
        option("samplingMode", json!("project"), json!("organization")),
    ]);
}

#[test]
fn a_setting_may_be_dropped_without_a_word() {
    changing([], "requireEmailVerification", json!(true)).then_nothing();
    changing([], "requireEmailVerification", json!("nonsense")).then_nothing();
    changing([feature(Feature::RequiredEmailVerification, true)], "requireEmailVerification", json!(true))
        .then([OrganizationEvent::EmailVerificationRequired {}]);
}

#[test]
fn console_platforms_are_for_staff() {
    let platforms = json!(["playstation", "xbox", "playstation"]);
    let why = "Only staff members can toggle console platforms.";
    changing([], "enabledConsolePlatforms", platforms.clone())
        .then_invalid([("enabledConsolePlatforms", why)]);
    let changes = vec![("enabledConsolePlatforms".to_owned(), platforms)];
    let by_staff = OrganizationCommand::ChangeSettings { changes, by_staff: true, roles: roles() };
    given::<Organization>([created()]).when(by_staff).then([option(
        "enabledConsolePlatforms",
        Value::Null,
        json!(["playstation", "xbox"]),
    )]);
}

#[test]
fn a_legacy_limit_changes_only_where_it_is_stored() {
    let why = "The accountRateLimit option cannot be configured for this organization";
    changing([], "projectRateLimit", json!(60)).then_invalid([("projectRateLimit", why)]);
    changing([option("projectRateLimit", Value::Null, json!(80))], "projectRateLimit", json!(60))
        .then([option("projectRateLimit", json!(80), json!(60))]);
}

#[test]
fn two_options_take_scopes_away() {
    let options = |events: Vec<OrganizationEvent>| {
        state::<Organization>([created()].into_iter().chain(events)).scope_options()
    };
    assert_eq!(options(vec![]), ScopeOptions::default());
    let off = options(vec![
        option("eventsMemberAdmin", Value::Null, json!(false)),
        option("alertsMemberWrite", Value::Null, json!(false)),
    ]);
    assert!(!off.events_member_admin && !off.alerts_member_write);
}
