//! What each command on an organization does.

use serde_json::Value;

use super::{
    Access, Feature, NewOrganization, Organization, OrganizationCommand, OrganizationEvent,
    SAMPLE_RATE_NEEDS_AUTOMATIC_MODE, Setting, SettingKind, SsoProvider, check_name, check_slug, deletion,
    setting, update,
};
use crate::{
    aggregate::Aggregate,
    refusal::{FieldError, Refusal},
    roles::{RoleId, Roles},
};

pub(super) fn decide(
    organization: &Organization,
    command: OrganizationCommand,
) -> Result<Vec<OrganizationEvent>, Refusal> {
    match command {
        OrganizationCommand::Create(new) => create(organization, new),
        OrganizationCommand::CarryOutDeletion { now } if organization.is_deleted() => {
            deletion::carry_out(organization, now)
        }
        _ if !organization.exists() => Err(Refusal::NotFound),
        OrganizationCommand::ChangeSettings { changes, by_staff, roles } => {
            change_settings(organization, &changes, by_staff, &roles)
        }
        OrganizationCommand::ChangeDefaultRole { role, roles } => {
            change_default_role(organization, role, &roles)
        }
        OrganizationCommand::EnableSso { provider, name, allow_unlinked } => {
            Ok(enable_sso(organization, SsoProvider { provider, name, allow_unlinked }))
        }
        OrganizationCommand::DisableSso => Ok(disable_sso(organization)),
        OrganizationCommand::Update(changes, context) => update::update(organization, &changes, &context),
        OrganizationCommand::ScheduleDeletion(context) => deletion::schedule(organization, &context),
        OrganizationCommand::CancelDeletion => Ok(deletion::cancel(organization)),
        OrganizationCommand::CarryOutDeletion { now } => deletion::carry_out(organization, now),
        OrganizationCommand::SetFeature { feature, on } => Ok(set_feature(organization, feature, on)),
    }
}

fn create(organization: &Organization, new: NewOrganization) -> Result<Vec<OrganizationEvent>, Refusal> {
    if organization.exists() || organization.is_deleted() {
        return Err(Refusal::AlreadyExists);
    }
    check_slug(&new.slug, true)?;
    let name = check_name(&new.name)?;
    known(&new.default_role, &new.roles)?;
    let NewOrganization { slug, default_role, .. } = new;
    Ok(vec![OrganizationEvent::OrganizationCreated { slug, name, default_role }])
}

fn known(role: &RoleId, roles: &Roles) -> Result<(), Refusal> {
    if roles.org_role(role.as_str()).is_some() {
        Ok(())
    } else {
        Err(Refusal::RoleUnknown { role: role.clone() })
    }
}

/// All errors together; nothing is changed when there is one. A field that is no setting is an error too.
pub(super) fn change_settings(
    organization: &Organization,
    changes: &[(String, Value)],
    by_staff: bool,
    roles: &Roles,
) -> Result<Vec<OrganizationEvent>, Refusal> {
    let mut errors = vec![];
    let mut events = vec![];
    for (field, sent) in changes {
        match change_setting(organization, field, sent, by_staff, roles) {
            Ok(event) => events.extend(event),
            Err(message) => errors.push(FieldError::new(field, message)),
        }
    }
    if errors.is_empty() {
        errors.extend(check_sampling(organization, changes, &events));
    }
    if errors.is_empty() { Ok(events) } else { Err(Refusal::InvalidFields { errors }) }
}

/// One sample rate for the whole organization says nothing where each project has its own.
fn check_sampling(
    organization: &Organization,
    changes: &[(String, Value)],
    events: &[OrganizationEvent],
) -> Option<FieldError> {
    if !changes.iter().any(|(field, _)| field == "targetSampleRate") {
        return None;
    }
    let mut after = organization.clone();
    for event in events {
        after.evolve(event, organization.created_at);
    }
    let mode = Setting::by_field("samplingMode").map(|setting| after.setting(setting))?;
    (mode == "project").then(|| FieldError::new("non_field_errors", SAMPLE_RATE_NEEDS_AUTOMATIC_MODE))
}

fn change_setting(
    organization: &Organization,
    field: &str,
    sent: &Value,
    by_staff: bool,
    roles: &Roles,
) -> Result<Option<OrganizationEvent>, String> {
    let setting = Setting::by_field(field).ok_or_else(|| format!("There is no setting \"{field}\"."))?;
    let is_stored = organization.options.contains_key(field);
    match setting.access(|feature| organization.has_feature(feature), by_staff, is_stored) {
        Access::Granted => {}
        Access::Ignored => return Ok(None),
        Access::Refused(why) => return Err(why.to_owned()),
    }
    let to = setting.check(sent, roles).map_err(|invalid| invalid.to_string())?;
    let from = organization.setting(setting);
    if from == to || (field == setting::TRUSTED_RELAYS && setting::without_times(&from) == to) {
        return Ok(None);
    }
    Ok(Some(match setting.kind {
        SettingKind::Option { .. } => OrganizationEvent::OrganizationOptionChanged {
            option: field.to_owned(),
            from: organization.options.get(field).cloned().unwrap_or(Value::Null),
            to,
        },
        SettingKind::Flag { stored: "require_2fa", .. } if to == Value::Bool(true) => {
            OrganizationEvent::TwoFactorRequired {}
        }
        SettingKind::Flag { stored: "require_2fa", .. } => OrganizationEvent::TwoFactorRequirementLifted {},
        SettingKind::Flag { stored: "require_email_verification", .. } if to == Value::Bool(true) => {
            OrganizationEvent::EmailVerificationRequired {}
        }
        SettingKind::Flag { stored: "require_email_verification", .. } => {
            OrganizationEvent::EmailVerificationRequirementLifted {}
        }
        SettingKind::Flag { stored, inverted, .. } => OrganizationEvent::OrganizationFlagChanged {
            flag: stored.to_owned(),
            to: (to == Value::Bool(true)) != inverted,
        },
    }))
}

pub(super) fn change_default_role(
    organization: &Organization,
    role: RoleId,
    roles: &Roles,
) -> Result<Vec<OrganizationEvent>, Refusal> {
    known(&role, roles)?;
    let from = organization.default_role.clone().ok_or(Refusal::NotFound)?;
    Ok(if from == role { vec![] } else { vec![OrganizationEvent::DefaultRoleChanged { from, to: role }] })
}

fn enable_sso(organization: &Organization, sso: SsoProvider) -> Vec<OrganizationEvent> {
    match &organization.sso {
        Some(before) if *before == sso => vec![],
        Some(before) if before.provider == sso.provider => {
            vec![OrganizationEvent::SsoChanged { from: before.clone(), to: sso }]
        }
        // Identities at one provider are none at another: what links members to it ends first.
        before => {
            let SsoProvider { provider, name, allow_unlinked } = sso;
            let enabled = OrganizationEvent::SsoEnabled { provider, name, allow_unlinked };
            before.iter().map(disabled).chain([enabled]).collect()
        }
    }
}

fn disable_sso(organization: &Organization) -> Vec<OrganizationEvent> {
    organization.sso.iter().map(disabled).collect()
}

fn disabled(sso: &SsoProvider) -> OrganizationEvent {
    OrganizationEvent::SsoDisabled { provider: sso.provider.clone() }
}

fn set_feature(organization: &Organization, feature: Feature, on: bool) -> Vec<OrganizationEvent> {
    if organization.has_feature(feature) == on {
        vec![]
    } else {
        vec![OrganizationEvent::FeatureSet { feature, on }]
    }
}
