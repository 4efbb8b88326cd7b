//! The sentence of an entry, and how changes of settings are written in it (behaviour.md 7.4 and 11).

use std::fmt::{Display, Write as _};

use muster_events::{
    event::Event,
    member::{MemberEvent, PendingReason},
    organization::OrganizationEvent,
};
use serde_json::{Value, json};

use super::{Entry, Kind, classify::CONSOLE_PLATFORMS};

/// What stands in a sentence in the place of what is not known, or of nothing.
const NOT_AVAILABLE: &str = "N/A";

/// What a sentence names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// The address of the member.
    pub email: String,
    /// Whether the member himself acted.
    pub own: bool,
    /// His organization role.
    pub role: Option<String>,
    /// The slugs of his teams.
    pub teams: Vec<String>,
    /// The slug of the team that it is about.
    pub team: String,
}

/// The sentence of an entry, after the name of who acted.
pub fn note(entry: &Entry, named: &Named) -> String {
    let Named { email, own, role, teams, team } = named;
    match entry.kind {
        Kind::MemberInvite => format!("invited member {email}"),
        Kind::MemberAdd if *own => "joined the organization".into(),
        Kind::MemberAdd => format!("add member {email}"),
        Kind::MemberAccept => "accepted the membership invite".into(),
        Kind::MemberEdit => {
            let role = role.as_deref().unwrap_or(NOT_AVAILABLE);
            let teams = if teams.is_empty() { NOT_AVAILABLE.into() } else { teams.join(", ") };
            format!("edited member {email} (role: {role}, teams: {teams})")
        }
        Kind::MemberRemove if *own => "left the organization".into(),
        Kind::MemberRemove => format!("removed member {email}"),
        Kind::MemberJoinTeam if *own => format!("joined team {team}"),
        Kind::MemberJoinTeam => format!("added {email} to team {team}"),
        Kind::MemberLeaveTeam if *own => format!("left team {team}"),
        Kind::MemberLeaveTeam => format!("removed {email} from team {team}"),
        Kind::MemberPending => format!("required member {email} to {}", demand(entry)),
        Kind::OrgAdd => "created the organization".into(),
        Kind::OrgEdit => format!("edited the organization setting: {}", listed(entry)),
        Kind::OrgRemove => "removed the organization".into(),
        Kind::OrgRestore => "restored the organization".into(),
        Kind::TeamAdd => format!("created team {team}"),
        Kind::TeamEdit => format!("edited team {team}"),
        Kind::TeamRemove => format!("removed team {team}"),
        Kind::SsoEnable => format!("enabled sso ({})", provider(entry)),
        Kind::SsoDisable => format!("disabled sso ({})", provider(entry)),
        Kind::SsoEdit => format!("edited sso settings: {}", listed(entry)),
        Kind::SsoIdentityLink => "linked their account to a new identity".into(),
        Kind::InviteRequestAdd => format!("request added to invite {email}"),
        Kind::InviteRequestRemove => format!("removed the invite request for {email}"),
        Kind::InviteRemove => format!("removed the invitation for {email}"),
        Kind::MemberReinvite => format!("reinvited member {email}"),
        Kind::OrgConsolePlatformEdit => format!("Enabled platforms: {}", platforms(entry)),
    }
}

fn demand(entry: &Entry) -> &'static str {
    match &entry.first().event {
        Event::Member(MemberEvent::MemberReturnedToPending {
            reason: PendingReason::EmailNotVerified,
            ..
        }) => "verify their email address",
        _ => "setup 2FA",
    }
}

/// The provider that the entry is about.
pub fn provider(entry: &Entry) -> &str {
    match &entry.first().event {
        Event::Organization(
            OrganizationEvent::SsoEnabled { provider, .. } | OrganizationEvent::SsoDisabled { provider },
        )
        | Event::Member(MemberEvent::SsoLinked { provider }) => provider,
        _ => NOT_AVAILABLE,
    }
}

fn platforms(entry: &Entry) -> String {
    match &entry.last().event {
        Event::Organization(OrganizationEvent::OrganizationOptionChanged { option, to, .. })
            if option == CONSOLE_PLATFORMS =>
        {
            let names = to.as_array().into_iter().flatten().filter_map(Value::as_str);
            names.collect::<Vec<_>>().join(", ")
        }
        _ => NOT_AVAILABLE.into(),
    }
}

fn listed(entry: &Entry) -> String {
    let mut out = String::new();
    for (name, change) in tracked(entry) {
        let comma = if out.is_empty() { "" } else { ", " };
        // Writing to a string cannot fail.
        let _ = write!(out, "{comma}{name} {change}");
    }
    out
}

/// The changed settings under their names in the log, each with the change in words.
pub fn tracked(entry: &Entry) -> Vec<(String, String)> {
    entry.events.iter().flat_map(|recorded| track(&recorded.event)).collect()
}

fn track(event: &Event) -> Vec<(String, String)> {
    let Event::Organization(event) = event else { return vec![] };
    let switched = |name: &str, on: bool| vec![(name.to_owned(), format!("to {}", python(&json!(on))))];
    let moved = |name: &str, from: &dyn Display, to: &dyn Display| {
        vec![(name.to_owned(), format!("from {from} to {to}"))]
    };
    match event {
        OrganizationEvent::OrganizationOptionChanged { option, from: Value::Null, to } => {
            vec![(option.clone(), format!("to {}", python(to)))]
        }
        OrganizationEvent::OrganizationOptionChanged { option, from, to } => {
            moved(option, &python(from), &python(to))
        }
        OrganizationEvent::OrganizationFlagChanged { flag, to } => switched(flag, *to),
        OrganizationEvent::DefaultRoleChanged { from, to } => moved("default_role", from, to),
        OrganizationEvent::TwoFactorRequired {} => switched("require_2fa", true),
        OrganizationEvent::TwoFactorRequirementLifted {} => switched("require_2fa", false),
        OrganizationEvent::FeatureSet { feature, on } => switched(feature.name(), *on),
        OrganizationEvent::EmailVerificationRequired {} => switched("require_email_verification", true),
        OrganizationEvent::EmailVerificationRequirementLifted {} => {
            switched("require_email_verification", false)
        }
        OrganizationEvent::OrganizationRenamed { from, to } => moved("name", from, to),
        OrganizationEvent::OrganizationSlugChanged { from, to } => moved("slug", from, to),
        OrganizationEvent::SsoChanged { from, to } => {
            let mut all = vec![];
            if from.name != to.name {
                all.extend(moved("name", &from.name, &to.name));
            }
            if from.allow_unlinked != to.allow_unlinked {
                all.extend(switched("allow_unlinked", to.allow_unlinked));
            }
            all
        }
        OrganizationEvent::OrganizationCreated { .. }
        | OrganizationEvent::AvatarChanged { .. }
        | OrganizationEvent::SsoEnabled { .. }
        | OrganizationEvent::SsoDisabled { .. }
        | OrganizationEvent::DeletionScheduled { .. }
        | OrganizationEvent::DeletionCancelled {}
        | OrganizationEvent::OrganizationDeleted { .. } => vec![],
    }
}

/// A value as the texts that clients compare write it.
fn python(value: &Value) -> String {
    let inside = |value: &Value| match value {
        Value::String(text) => format!("'{text}'"),
        other => python(other),
    };
    match value {
        Value::Null => "None".into(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(inside).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| format!("'{name}': {}", inside(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
    }
}
