//! What an event does to the tables of the organizations.

use muster_events::{
    event::Event,
    organization::{self, AvatarKind, OrganizationEvent},
    recorded::RecordedEvent,
};

use super::table::{ORGANIZATION_FEATURES, ORGANIZATION_FLAGS, ORGANIZATION_OPTIONS, ORGANIZATIONS};
use crate::{
    change::{Cell, Change},
    projection::Projection,
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

fn project(recorded: &RecordedEvent) -> Vec<Change> {
    match &recorded.event {
        Event::Organization(event) => of_organization(recorded, event),
        Event::Member(_) | Event::Team(_) | Event::User(_) | Event::Token(_) | Event::Roles(_) => vec![],
    }
}

fn of_organization(recorded: &RecordedEvent, event: &OrganizationEvent) -> Vec<Change> {
    let id = || Value::id_of(&recorded.stream);
    let organization = |cells: &[Cell]| {
        let sequence = ("sequence", recorded.sequence.into());
        Change::set(&ORGANIZATIONS, [id()], [cells, &[sequence]].concat())
    };
    let flag =
        |name: &str, to: bool| Change::put(&ORGANIZATION_FLAGS, [id(), name.into()], [("is_set", to.into())]);
    match event {
        OrganizationEvent::OrganizationCreated { slug, name, default_role } => {
            let cells = [
                ("slug", slug.as_str().into()),
                ("name", name.as_str().into()),
                ("default_role", default_role.into()),
                ("sso_provider", Value::Null),
                ("sso_name", Value::Null),
                ("sso_allow_unlinked", Value::Null),
                ("avatar_kind", AvatarKind::default().name().into()),
                ("avatar_uuid", Value::Null),
                ("avatar_digest", Value::Null),
                ("deletion_due", Value::Null),
                ("created_at", recorded.recorded_at.into()),
                ("sequence", recorded.sequence.into()),
            ];
            vec![Change::put(&ORGANIZATIONS, [id()], cells)]
        }
        OrganizationEvent::OrganizationRenamed { to, .. } => {
            vec![organization(&[("name", to.as_str().into())])]
        }
        OrganizationEvent::OrganizationSlugChanged { to, .. } => {
            vec![organization(&[("slug", to.as_str().into())])]
        }
        OrganizationEvent::AvatarChanged { to, .. } => {
            let text = |text: Option<&String>| text.map_or(Value::Null, |text| text.as_str().into());
            vec![organization(&[
                ("avatar_kind", to.kind.name().into()),
                ("avatar_uuid", text(to.image.as_ref().map(|image| &image.uuid))),
                ("avatar_digest", text(to.image.as_ref().map(|image| &image.digest))),
            ])]
        }
        OrganizationEvent::OrganizationOptionChanged { option, to, .. } => {
            let key = [id(), option.as_str().into()];
            vec![Change::put(&ORGANIZATION_OPTIONS, key, [("value", Value::json(to))]), organization(&[])]
        }
        OrganizationEvent::OrganizationFlagChanged { flag: name, to } => {
            vec![flag(name, *to), organization(&[])]
        }
        OrganizationEvent::DefaultRoleChanged { to, .. } => {
            vec![organization(&[("default_role", to.into())])]
        }
        OrganizationEvent::TwoFactorRequired {} => vec![flag("require_2fa", true), organization(&[])],
        OrganizationEvent::TwoFactorRequirementLifted {} => {
            vec![flag("require_2fa", false), organization(&[])]
        }
        OrganizationEvent::EmailVerificationRequired {} => {
            vec![flag("require_email_verification", true), organization(&[])]
        }
        OrganizationEvent::EmailVerificationRequirementLifted {} => {
            vec![flag("require_email_verification", false), organization(&[])]
        }
        OrganizationEvent::SsoEnabled { provider, name, allow_unlinked } => vec![organization(&[
            ("sso_provider", provider.as_str().into()),
            ("sso_name", name.as_str().into()),
            ("sso_allow_unlinked", (*allow_unlinked).into()),
        ])],
        OrganizationEvent::SsoDisabled { .. } => vec![organization(&[
            ("sso_provider", Value::Null),
            ("sso_name", Value::Null),
            ("sso_allow_unlinked", Value::Null),
        ])],
        OrganizationEvent::DeletionScheduled { due_at } => {
            vec![organization(&[("deletion_due", (*due_at).into())])]
        }
        OrganizationEvent::DeletionCancelled {} => vec![organization(&[("deletion_due", Value::Null)])],
        OrganizationEvent::OrganizationDeleted { .. } => {
            PROJECTION.tables.iter().map(|table| Change::delete(table, [id()])).collect()
        }
        OrganizationEvent::FeatureSet { feature, on } => {
            let key = [id(), feature.name().into()];
            vec![Change::put(&ORGANIZATION_FEATURES, key, [("is_on", (*on).into())]), organization(&[])]
        }
    }
}
