//! What an event changed, from what to what.

use muster_events::{
    event::Event,
    id::TeamId,
    member::{MemberEvent, MemberFlag},
    organization::{OrganizationEvent, Setting},
    roles::RoleId,
    team::TeamEvent,
};
use serde_json::json;

/// A value before or after a change.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// One that can be shown as it is; null where there was or is none.
    Plain(serde_json::Value),
    /// A team by its slug, which stands in the log of the team.
    Team(TeamId),
    /// A team by its slug, with the explicit role on it.
    TeamRole(TeamId, Option<RoleId>),
}

/// One field, before and after.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Its name in requests and answers.
    pub field: String,
    /// Before.
    pub from: Value,
    /// After.
    pub to: Value,
}

const NOTHING: Value = Value::Plain(serde_json::Value::Null);

fn plain(value: impl serde::Serialize) -> Value {
    Value::Plain(json!(value))
}

fn change(field: impl Into<String>, from: Value, to: Value) -> Change {
    Change { field: field.into(), from, to }
}

fn switched(field: impl Into<String>, to: bool) -> Change {
    change(field, plain(!to), plain(to))
}

fn flag(flag: MemberFlag, to: bool) -> Change {
    switched(format!("flags.{}", flag.name()), to)
}

/// What `event` changed, in the order in which it says so.
pub fn changes(event: &Event) -> Vec<Change> {
    match event {
        Event::Member(event) => of_member(event),
        Event::Organization(event) => of_organization(event),
        Event::Team(event) => of_team(event),
        Event::User(_) | Event::Token(_) | Event::Roles(_) | Event::Letter(_) => vec![],
    }
}

fn of_member(event: &MemberEvent) -> Vec<Change> {
    let team_role = |team: &TeamId, role: &Option<RoleId>| Value::TeamRole(*team, role.clone());
    match event {
        MemberEvent::MemberInvited { org_role, .. }
        | MemberEvent::MemberAdded { org_role, .. }
        | MemberEvent::InviteRequested { org_role, .. }
        | MemberEvent::JoinRequested { org_role, .. } => vec![change("orgRole", NOTHING, plain(org_role))],
        MemberEvent::MemberRemoved { role, teams, .. }
        | MemberEvent::InviteRevoked { role, teams, .. }
        | MemberEvent::InviteRequestRejected { role, teams, .. } => {
            let teams = teams.iter().map(|team| change("teams", Value::Team(*team), NOTHING));
            std::iter::once(change("orgRole", plain(role), NOTHING)).chain(teams).collect()
        }
        MemberEvent::InviteAccepted { user, .. } => vec![change("user", NOTHING, plain(user))],
        MemberEvent::MemberReturnedToPending { user, .. } => vec![change("user", plain(user), NOTHING)],
        MemberEvent::OrgRoleChanged { from, to, .. } => vec![change("orgRole", plain(from), plain(to))],
        MemberEvent::TeamAssigned { team, role, .. } => {
            vec![change("teamRoles", NOTHING, team_role(team, role))]
        }
        MemberEvent::TeamUnassigned { team, role, .. } => {
            vec![change("teamRoles", team_role(team, role), NOTHING)]
        }
        MemberEvent::TeamRoleChanged { team, from, to } => {
            vec![change("teamRoles", team_role(team, from), team_role(team, to))]
        }
        MemberEvent::TeamRoleCleared { team, was, .. } => {
            vec![change("teamRoles", Value::TeamRole(*team, Some(was.clone())), Value::TeamRole(*team, None))]
        }
        MemberEvent::SsoLinked { .. } => vec![flag(MemberFlag::SsoLinked, true)],
        MemberEvent::SsoUnlinked { .. } => vec![flag(MemberFlag::SsoLinked, false)],
        MemberEvent::MemberFlagSet { flag: set } => vec![flag(*set, true)],
        MemberEvent::MemberFlagCleared { flag: cleared } => vec![flag(*cleared, false)],
        _ => vec![],
    }
}

fn of_organization(event: &OrganizationEvent) -> Vec<Change> {
    match event {
        OrganizationEvent::OrganizationCreated { slug, name, default_role } => vec![
            change("slug", NOTHING, plain(slug)),
            change("name", NOTHING, plain(name)),
            change("defaultRole", NOTHING, plain(default_role)),
        ],
        OrganizationEvent::OrganizationOptionChanged { option, from, to } => {
            // What was never stored has its default.
            let shown = |value: &serde_json::Value| match Setting::by_field(option) {
                Some(setting) if value.is_null() => plain(setting.default_value()),
                _ => plain(value),
            };
            vec![change(option, shown(from), shown(to))]
        }
        OrganizationEvent::OrganizationFlagChanged { flag, to } => {
            vec![match Setting::by_stored(flag) {
                Some(setting) => switched(setting.field, setting.flag_polarity(*to)),
                None => switched(flag, *to),
            }]
        }
        OrganizationEvent::DefaultRoleChanged { from, to } => {
            vec![change("defaultRole", plain(from), plain(to))]
        }
        OrganizationEvent::TwoFactorRequired {} => vec![switched("require2FA", true)],
        OrganizationEvent::TwoFactorRequirementLifted {} => vec![switched("require2FA", false)],
        OrganizationEvent::EmailVerificationRequired {} => vec![switched("requireEmailVerification", true)],
        OrganizationEvent::EmailVerificationRequirementLifted {} => {
            vec![switched("requireEmailVerification", false)]
        }
        OrganizationEvent::OrganizationRenamed { from, to } => vec![change("name", plain(from), plain(to))],
        OrganizationEvent::OrganizationSlugChanged { from, to } => {
            vec![change("slug", plain(from), plain(to))]
        }
        OrganizationEvent::DeletionScheduled { due_at } => {
            vec![change("deletionDueAt", NOTHING, plain(due_at))]
        }
        OrganizationEvent::SsoChanged { from, to } => {
            let name = || change("name", plain(&from.name), plain(&to.name));
            let unlinked = || change("allowUnlinked", plain(from.allow_unlinked), plain(to.allow_unlinked));
            let name = (from.name != to.name).then(name);
            name.into_iter().chain((from.allow_unlinked != to.allow_unlinked).then(unlinked)).collect()
        }
        OrganizationEvent::SsoDisabled { provider } => vec![change("provider", plain(provider), NOTHING)],
        OrganizationEvent::AvatarChanged { .. }
        | OrganizationEvent::DeletionCancelled {}
        | OrganizationEvent::OrganizationDeleted { .. } => vec![],
        OrganizationEvent::SsoEnabled { provider, .. } => vec![change("provider", NOTHING, plain(provider))],
        OrganizationEvent::FeatureSet { feature, on } => {
            vec![switched(format!("features.{}", feature.name()), *on)]
        }
    }
}

fn of_team(event: &TeamEvent) -> Vec<Change> {
    match event {
        TeamEvent::TeamCreated { slug, name, .. } => {
            vec![change("slug", NOTHING, plain(slug)), change("name", NOTHING, plain(name))]
        }
        TeamEvent::TeamRenamed { from, to } => vec![change("name", plain(from), plain(to))],
        TeamEvent::TeamSlugChanged { from, to } => vec![change("slug", plain(from), plain(to))],
        TeamEvent::TeamDeleted { slug } => vec![change("slug", plain(slug), NOTHING)],
        TeamEvent::TeamFlagged { flag, to } => {
            let name = json!(flag);
            vec![switched(format!("flags.{}", name.as_str().unwrap_or_default()), *to)]
        }
    }
}
