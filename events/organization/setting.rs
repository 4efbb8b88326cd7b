//! The settings of an organization, as data: one line each, options first, then flags (behaviour 7.1 and
//! 7.2).
//!
//! To add one: a line in `SETTINGS`; where no [`ValueType`] fits, a new one with its check in `value.rs`.
//! What a setting does is decided elsewhere; most are stored and shown, nothing more (decision D20).

mod relay;
mod selector;
mod value;

use serde_json::Value;

use super::feature::Feature;
use crate::roles::Roles;

pub(super) use relay::{TRUSTED_RELAYS, stamped as stamped_relays, without_times};
pub use value::{DefaultValue, InvalidValue, ValueType};

use self::Availability::{Always, ForStaff, IgnoredWithout, WhenStored, With};
use self::DefaultValue::{Bool, Integer, List, Null, Number, Text};
use self::ValueType::{
    Boolean, Choice, CrashReportCount, DistinctStrings, IntegerWithin, NumberWithin, OrgRole, PiiConfig,
    PiiSelectors, SensitiveFields, TrustedRelays,
};

/// One setting.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Setting {
    /// Its name in requests, answers and import files.
    pub field: &'static str,
    /// How it is kept.
    pub kind: SettingKind,
    /// Who can change it.
    pub availability: Availability,
}

/// How a setting is kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SettingKind {
    /// A value, stored once somebody sets it.
    Option {
        /// Which values there are.
        value: ValueType,
        /// The value while none is stored.
        default: DefaultValue,
    },
    /// One of the organization's flags, always stored.
    Flag {
        /// The flag's name in the log and in audit entries.
        stored: &'static str,
        /// Whether the flag is set when the field is false.
        inverted: bool,
        /// Place of the flag in the number that all flags make up.
        bit: u8,
        /// The field (not the flag) in a new organization.
        default: bool,
    },
}

/// Who can change a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Availability {
    /// Everybody who may change settings.
    Always,
    /// Organizations with the feature; others are refused with the text.
    With(Feature, &'static str),
    /// Organizations with the feature; what others send is dropped without a word.
    IgnoredWithout(Feature),
    /// Superusers; others are refused with the text.
    ForStaff(&'static str),
    /// Superusers and imports; others only where the option is stored already, else they are refused with the text.
    WhenStored(&'static str),
}

/// What becomes of a change, by its [`Availability`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It can be made.
    Granted,
    /// The request goes on as if the field were not there.
    Ignored,
    /// The error of the field (status 400).
    Refused(&'static str),
}

/// Refusal of a `targetSampleRate` where the sampling mode after the request is `project`; an error of the
/// request as a whole (`non_field_errors`), because it concerns two fields.
pub const SAMPLE_RATE_NEEDS_AUTOMATIC_MODE: &str =
    "Must be in Automatic Mode to configure the organization sample rate.";

const NO_CUSTOM_SAMPLING: &str = "Organization does not have the custom dynamic sample rate feature enabled.";
const STAFF_ONLY: &str = "Only staff members can toggle console platforms.";
/// Both rate limits are refused in the name of one of them, as clients know it (behaviour 7.1).
const NO_LEGACY_LIMITS: &str = "The accountRateLimit option cannot be configured for this organization";

const AUTOMATION_TUNINGS: &[&str] = &["off", "super_low", "low", "medium", "high", "always"];

const fn option(field: &'static str, value: ValueType, default: DefaultValue) -> Setting {
    Setting { field, kind: SettingKind::Option { value, default }, availability: Always }
}

const fn flag(bit: u8, field: &'static str, stored: &'static str, default: bool) -> Setting {
    Setting { field, kind: SettingKind::Flag { stored, inverted: false, bit, default }, availability: Always }
}

const fn inverted(bit: u8, field: &'static str, stored: &'static str, default: bool) -> Setting {
    Setting { field, kind: SettingKind::Flag { stored, inverted: true, bit, default }, availability: Always }
}

impl Setting {
    const fn only(self, availability: Availability) -> Self {
        Self { availability, ..self }
    }
}

#[rustfmt::skip]
const SETTINGS: &[Setting] = &[
    option("dataScrubber",                  Boolean,                                Bool(false)),
    option("dataScrubberDefaults",          Boolean,                                Bool(false)),
    option("sensitiveFields",               SensitiveFields,                        Null),
    option("safeFields",                    PiiSelectors,                           Null),
    option("scrapeJavaScript",              Boolean,                                Bool(true)),
    option("storeCrashReports",             CrashReportCount,                       Integer(0)),
    option("attachmentsRole",               OrgRole,                                Text("member")),
    option("debugFilesRole",                OrgRole,                                Text("admin")),
    option("eventsMemberAdmin",             Boolean,                                Bool(true)),
    option("alertsMemberWrite",             Boolean,                                Bool(true)),
    option("scrubIPAddresses",              Boolean,                                Bool(false)),
    option("relayPiiConfig",                PiiConfig,                              Null),
    option("allowJoinRequests",             Boolean,                                Bool(true)),
    option("restrictInvitesToEmail",        Boolean,                                Bool(false)),
    option("apdexThreshold",                IntegerWithin(1, i64::MAX),             Null),
    option("githubPRBot",                   Boolean,                                Bool(true)),
    option("githubOpenPRBot",               Boolean,                                Bool(true)),
    option("githubNudgeInvite",             Boolean,                                Bool(true)),
    option("gitlabPRBot",                   Boolean,                                Bool(true)),
    option("aiSuggestedSolution",           Boolean,                                Bool(true)),
    option("issueAlertsThreadFlag",         Boolean,                                Bool(true)),
    option("metricAlertsThreadFlag",        Boolean,                                Bool(true)),
    option("hideAiFeatures",                Boolean,                                Bool(false)),
    option("targetSampleRate",              NumberWithin(0, 1),                     Number(1.0))
        .only(With(Feature::DynamicSamplingCustom, NO_CUSTOM_SAMPLING)),
    option("samplingMode",                  Choice(&["organization", "project"]),   Text("organization"))
        .only(With(Feature::DynamicSamplingCustom, NO_CUSTOM_SAMPLING)),
    option("rollbackEnabled",               Boolean,                                Bool(true)),
    // No feature of decision D15 gates this one, so nobody is refused.
    option("ingestThroughTrustedRelaysOnly", Choice(&["enabled", "disabled"]),      Text("disabled")),
    option("enabledConsolePlatforms",       DistinctStrings,                        List)
        .only(ForStaff(STAFF_ONLY)),
    option("defaultAutofixAutomationTuning", Choice(AUTOMATION_TUNINGS),            Text("off")),
    option("defaultSeerScannerAutomation",  Boolean,                                Bool(true)),
    option("enableSeerCoding",              Boolean,                                Bool(true)),
    option("projectRateLimit",              IntegerWithin(50, 100),                 Integer(100))
        .only(WhenStored(NO_LEGACY_LIMITS)),
    option("accountRateLimit",              IntegerWithin(0, 1_000_000),            Integer(0))
        .only(WhenStored(NO_LEGACY_LIMITS)),
    option(TRUSTED_RELAYS,                  TrustedRelays,                          List),

    // Bit 5 belongs to a flag that no request reaches (`disable_new_visibility_features`).
    flag(    0,  "openMembership",             "allow_joinleave",                 true),
    flag(    1,  "enhancedPrivacy",            "enhanced_privacy",                false),
    inverted(2,  "allowSharedIssues",          "disable_shared_issues",           true),
    flag(    3,  "isEarlyAdopter",             "early_adopter",                   false),
    flag(    4,  "require2FA",                 "require_2fa",                     false),
    flag(    6,  "requireEmailVerification",   "require_email_verification",      false)
        .only(IgnoredWithout(Feature::RequiredEmailVerification)),
    flag(    7,  "codecovAccess",              "codecov_access",                  false),
    inverted(8,  "allowMemberProjectCreation", "disable_member_project_creation", false),
    inverted(9,  "allowSuperuserAccess",       "prevent_superuser_access",        true),
    inverted(10, "allowMemberInvite",          "disable_member_invite",           true),
];

/// Every setting: options in the order of behaviour 7.1, then flags by bit.
pub const fn settings() -> &'static [Setting] {
    SETTINGS
}

impl Setting {
    /// The setting with this name in requests.
    pub fn by_field(field: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.field == field)
    }

    /// The setting with this name in the log.
    pub fn by_stored(stored: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.stored() == stored)
    }

    /// Its name in the log and in audit entries: a flag has one of its own, an option that of its field.
    pub const fn stored(&self) -> &'static str {
        match self.kind {
            SettingKind::Flag { stored, .. } => stored,
            SettingKind::Option { .. } => self.field,
        }
    }

    /// Whether it is one of the organization's flags.
    pub const fn is_flag(&self) -> bool {
        matches!(self.kind, SettingKind::Flag { .. })
    }

    /// The field in an organization in which nobody has set it.
    pub fn default_value(&self) -> Value {
        match self.kind {
            SettingKind::Option { default, .. } => default.to_value(),
            SettingKind::Flag { default, .. } => Value::Bool(default),
        }
    }

    /// From the field to the flag and, being its own inverse, from the flag to the field.
    pub const fn flag_polarity(&self, on: bool) -> bool {
        match self.kind {
            SettingKind::Flag { inverted, .. } => on != inverted,
            SettingKind::Option { .. } => on,
        }
    }

    /// Checks a value that was sent for the field, and answers it in the one form in which it is stored. The
    /// error's text is the answer for the field (status 400). For a flag the result is still the field: see
    /// [`Setting::flag_polarity`].
    pub fn check(&self, sent: &Value, roles: &Roles) -> Result<Value, InvalidValue> {
        match self.kind {
            SettingKind::Option { value, .. } => value.check(sent, roles),
            SettingKind::Flag { .. } => ValueType::Boolean.check(sent, roles),
        }
    }

    /// What becomes of a change of this setting. `by_staff`: the requester is an active superuser;
    /// `is_stored`: the organization has a value of its own for the option.
    pub fn access(&self, has: impl FnOnce(Feature) -> bool, by_staff: bool, is_stored: bool) -> Access {
        let (granted, otherwise) = match self.availability {
            Always => (true, Access::Granted),
            With(feature, text) => (has(feature), Access::Refused(text)),
            IgnoredWithout(feature) => (has(feature), Access::Ignored),
            ForStaff(text) => (by_staff, Access::Refused(text)),
            WhenStored(text) => (is_stored || by_staff, Access::Refused(text)),
        };
        if granted { Access::Granted } else { otherwise }
    }
}

#[cfg(test)]
#[path = "setting_tests.rs"]
mod tests;
