//! What an event does to the tables of the organizations.

use muster_events::{
    event::Event,
    organization::{self, AvatarKind, OrganizationEvent},
    roles::RoleId,
};

use super::table::{ORGANIZATION_FEATURES, ORGANIZATION_FLAGS, ORGANIZATION_OPTIONS, ORGANIZATIONS};
use crate::{
    change::{Cell, Change},
    projection::{LogEntry, Projection},
    table::Value,
};

/// The organizations.
pub static PROJECTION: Projection = Projection {
    name: "organizations",
    version: 2,
    aggregates: &[organization::TYPE],
    tables: &[&ORGANIZATIONS, &ORGANIZATION_OPTIONS, &ORGANIZATION_FLAGS, &ORGANIZATION_FEATURES],
    project,
};

fn project(entry: &LogEntry, event: &Event) -> Vec<Change> {
    match event {
        Event::Organization(event) => of_organization(entry, event),
        Event::Member(_)
        | Event::Team(_)
        | Event::User(_)
        | Event::Token(_)
        | Event::Roles(_)
        | Event::Letter(_) => vec![],
    }
}

fn of_organization(entry: &LogEntry, event: &OrganizationEvent) -> Vec<Change> {
    let id = || Value::id_of(&entry.stream);
    // Every change of an organization moves its sequence: the row's is what its reader may base a write on.
    let row = || {
        let sequence = ("sequence", entry.sequence.into());
        Change::set(&ORGANIZATIONS, [id()], [changed_cells(event).as_slice(), &[sequence]].concat())
    };
    let flag = |name: &str, to: bool| {
        vec![Change::put(&ORGANIZATION_FLAGS, [id(), name.into()], [("is_set", to.into())]), row()]
    };
    match event {
        OrganizationEvent::OrganizationCreated { slug, name, default_role } => {
            vec![Change::put(&ORGANIZATIONS, [id()], new_cells(entry, slug, name, default_role))]
        }
        OrganizationEvent::OrganizationOptionChanged { option, to, .. } => {
            let key = [id(), option.as_str().into()];
            vec![Change::put(&ORGANIZATION_OPTIONS, key, [("value", Value::json(to))]), row()]
        }
        OrganizationEvent::OrganizationFlagChanged { flag: name, to } => flag(name, *to),
        OrganizationEvent::TwoFactorRequired {} => flag("require_2fa", true),
        OrganizationEvent::TwoFactorRequirementLifted {} => flag("require_2fa", false),
        OrganizationEvent::EmailVerificationRequired {} => flag("require_email_verification", true),
        OrganizationEvent::EmailVerificationRequirementLifted {} => flag("require_email_verification", false),
        OrganizationEvent::FeatureSet { feature, on } => {
            let key = [id(), feature.name().into()];
            vec![Change::put(&ORGANIZATION_FEATURES, key, [("is_on", (*on).into())]), row()]
        }
        OrganizationEvent::OrganizationDeleted { .. } => {
            PROJECTION.tables.iter().map(|table| Change::delete(table, [id()])).collect()
        }
        OrganizationEvent::OrganizationRenamed { .. }
        | OrganizationEvent::OrganizationSlugChanged { .. }
        | OrganizationEvent::AvatarChanged { .. }
        | OrganizationEvent::DefaultRoleChanged { .. }
        | OrganizationEvent::SsoEnabled { .. }
        | OrganizationEvent::SsoChanged { .. }
        | OrganizationEvent::SsoDisabled { .. }
        | OrganizationEvent::DeletionScheduled { .. }
        | OrganizationEvent::DeletionCancelled {} => vec![row()],
    }
}

fn new_cells(entry: &LogEntry, slug: &str, name: &str, default_role: &RoleId) -> [Cell; 12] {
    [
        ("slug", slug.into()),
        ("name", name.into()),
        ("default_role", default_role.into()),
        ("sso_provider", Value::Null),
        ("sso_name", Value::Null),
        ("sso_allow_unlinked", Value::Null),
        ("avatar_kind", AvatarKind::default().name().into()),
        ("avatar_uuid", Value::Null),
        ("avatar_digest", Value::Null),
        ("deletion_due", Value::Null),
        ("created_at", entry.recorded_at.into()),
        ("sequence", entry.sequence.into()),
    ]
}

/// What the event changes in the organization's own row, its sequence apart.
fn changed_cells(event: &OrganizationEvent) -> Vec<Cell> {
    let text = |text: Option<&String>| text.map_or(Value::Null, |text| text.as_str().into());
    match event {
        OrganizationEvent::OrganizationRenamed { to, .. } => vec![("name", to.as_str().into())],
        OrganizationEvent::OrganizationSlugChanged { to, .. } => vec![("slug", to.as_str().into())],
        OrganizationEvent::DefaultRoleChanged { to, .. } => vec![("default_role", to.into())],
        OrganizationEvent::AvatarChanged { to, .. } => vec![
            ("avatar_kind", to.kind.name().into()),
            ("avatar_uuid", text(to.image.as_ref().map(|image| &image.uuid))),
            ("avatar_digest", text(to.image.as_ref().map(|image| &image.digest))),
        ],
        OrganizationEvent::SsoChanged { to, .. } => {
            vec![("sso_name", to.name.as_str().into()), ("sso_allow_unlinked", to.allow_unlinked.into())]
        }
        OrganizationEvent::SsoEnabled { provider, name, allow_unlinked } => vec![
            ("sso_provider", provider.as_str().into()),
            ("sso_name", name.as_str().into()),
            ("sso_allow_unlinked", (*allow_unlinked).into()),
        ],
        OrganizationEvent::SsoDisabled { .. } => vec![
            ("sso_provider", Value::Null),
            ("sso_name", Value::Null),
            ("sso_allow_unlinked", Value::Null),
        ],
        OrganizationEvent::DeletionScheduled { due_at } => vec![("deletion_due", (*due_at).into())],
        OrganizationEvent::DeletionCancelled {} => vec![("deletion_due", Value::Null)],
        OrganizationEvent::OrganizationCreated { .. }
        | OrganizationEvent::OrganizationOptionChanged { .. }
        | OrganizationEvent::OrganizationFlagChanged { .. }
        | OrganizationEvent::TwoFactorRequired {}
        | OrganizationEvent::TwoFactorRequirementLifted {}
        | OrganizationEvent::EmailVerificationRequired {}
        | OrganizationEvent::EmailVerificationRequirementLifted {}
        | OrganizationEvent::FeatureSet { .. }
        | OrganizationEvent::OrganizationDeleted { .. } => vec![],
    }
}
