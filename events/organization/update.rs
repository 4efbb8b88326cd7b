//! PUT of an organization (behaviour.md 7): all that is wrong is said together, and nothing changes then.

use std::sync::Arc;

use serde_json::Value;

use super::{
    AvatarUpdate, Feature, Organization, OrganizationEvent, Setting, avatar, check_name, check_slug,
    decide::{change_default_role, change_settings},
    deletion, setting,
};
use crate::{
    access::Requester,
    id::OrganizationId,
    refusal::{FieldError, Refusal},
    roles::{RoleId, Roles, ScopeSet},
    time::Timestamp,
};

const NEEDS: &[&str] = &["org:write", "org:admin"];

const NO_SECOND_FACTOR: &str =
    "Cannot require two-factor authentication without personal two-factor enabled.";
const SECOND_FACTOR_AND_SSO: &str = "Cannot require two-factor authentication with SSO enabled";
const EMAIL_NOT_VERIFIED: &str = "Cannot require email verification before verifying your email address.";

/// What a decision about an organization looks at besides it.
#[derive(Debug, Clone)]
pub struct OrganizationContext {
    /// Who asks.
    pub requester: Requester,
    /// The organization.
    pub organization: OrganizationId,
    /// The roles in force.
    pub roles: Arc<Roles>,
    /// When it is asked.
    pub now: Timestamp,
    /// The organization that has, or holds, the slug that is asked for.
    pub slug_holder: Option<OrganizationId>,
}

impl OrganizationContext {
    pub(super) fn gate(&self, organization: &Organization, needs: &[&str]) -> Result<ScopeSet, Refusal> {
        self.requester.gate(self.organization, organization, &self.roles, needs, false)
    }
}

/// What to change; what is not named stays.
#[derive(Debug, Clone, Default)]
pub struct OrganizationUpdate {
    /// The display name.
    pub name: Option<String>,
    /// The slug.
    pub slug: Option<String>,
    /// The role of new members, as it was sent; heard from those with `org:admin` only.
    pub default_role: Option<Value>,
    /// As it was sent; heard from those with `org:admin` only. Every change calls a deletion off, this one too.
    pub cancel_deletion: Option<Value>,
    /// Settings by field, as they were sent.
    pub settings: Vec<(String, Value)>,
    /// The picture.
    pub avatar: Option<AvatarUpdate>,
    /// Whether a deletion is called off by it.
    pub restores: bool,
    /// What is wrong with the form of the request.
    pub malformed: Vec<FieldError>,
}

/// The errors and the events so far.
#[derive(Default)]
struct Findings {
    errors: Vec<FieldError>,
    events: Vec<OrganizationEvent>,
}

impl Findings {
    fn take<I>(&mut self, field: &str, decided: Result<I, Refusal>)
    where
        I: IntoIterator<Item = OrganizationEvent>,
    {
        match decided {
            Ok(events) => self.events.extend(events),
            Err(refusal) => self.errors.extend(field_errors(field, refusal)),
        }
    }
}

/// A refusal as the error of a field.
fn field_errors(field: &str, refusal: Refusal) -> Vec<FieldError> {
    match refusal {
        Refusal::InvalidFields { errors } => errors,
        Refusal::SlugMalformed { why, .. } => vec![FieldError::new(field, why)],
        Refusal::RoleUnknown { role } => vec![not_a_choice(field, role.as_str())],
        other => vec![FieldError::new(field, other.code())],
    }
}

fn not_a_choice(field: &str, sent: &str) -> FieldError {
    FieldError::new(field, format!("\"{sent}\" is not a valid choice."))
}

pub(super) fn update(
    organization: &Organization,
    update: &OrganizationUpdate,
    context: &OrganizationContext,
) -> Result<Vec<OrganizationEvent>, Refusal> {
    let scopes = context.gate(organization, NEEDS)?;
    let mut found = Findings { errors: update.malformed.clone(), events: vec![] };
    if let Some(name) = &update.name {
        found.take("name", rename(organization, name));
    }
    if let Some(slug) = &update.slug {
        found.take("slug", change_slug(organization, slug, context));
    }
    if scopes.contains("org:admin") {
        if let Some(sent) = &update.default_role {
            found.take("defaultRole", default_role(organization, sent, &context.roles));
        }
        found.errors.extend(update.cancel_deletion.as_ref().and_then(not_a_boolean));
    }
    let by_staff = context.requester.is_superuser();
    let settings = change_settings(organization, &update.settings, by_staff, &context.roles);
    found.take("non_field_errors", settings.map(|events| stamped(organization, events, context.now)));
    found.errors.extend(check_second_factor(organization, update, &context.requester));
    found.errors.extend(check_email_verification(organization, update, &context.requester));
    // What concerns two fields is looked at when each of them is right.
    if found.errors.is_empty()
        && let Some(avatar) = &update.avatar
    {
        match avatar::change(organization, avatar) {
            Ok(event) => found.events.extend(event),
            Err(error) => found.errors.push(error),
        }
    }
    if !found.errors.is_empty() {
        return Err(Refusal::InvalidFields { errors: found.errors });
    }
    if update.restores {
        found.events.extend(deletion::cancel(organization));
    }
    Ok(found.events)
}

fn rename(organization: &Organization, name: &str) -> Result<Option<OrganizationEvent>, Refusal> {
    let to = check_name(name)?;
    let from = organization.name.clone();
    Ok((from != to).then_some(OrganizationEvent::OrganizationRenamed { from, to }))
}

fn change_slug(
    organization: &Organization,
    slug: &str,
    context: &OrganizationContext,
) -> Result<Option<OrganizationEvent>, Refusal> {
    let (from, to) = (organization.slug.clone(), slug.to_owned());
    if from == to {
        return Ok(None);
    }
    check_slug(slug, true)?;
    if context.slug_holder.is_some_and(|holder| holder != context.organization) {
        let taken = format!("The slug \"{slug}\" is already in use.");
        return Err(Refusal::InvalidFields { errors: vec![FieldError::new("slug", taken)] });
    }
    Ok(Some(OrganizationEvent::OrganizationSlugChanged { from, to }))
}

fn default_role(
    organization: &Organization,
    sent: &Value,
    roles: &Roles,
) -> Result<Vec<OrganizationEvent>, Refusal> {
    let field = "defaultRole";
    let wrong = |error| Refusal::InvalidFields { errors: vec![error] };
    let text = match sent {
        Value::String(text) => text,
        Value::Null => return Err(wrong(FieldError::new(field, "This field may not be null."))),
        other => return Err(wrong(not_a_choice(field, &other.to_string()))),
    };
    let role = RoleId::new(text).map_err(|_| wrong(not_a_choice(field, text)))?;
    change_default_role(organization, role, roles)
}

fn not_a_boolean(sent: &Value) -> Option<FieldError> {
    let checked = super::ValueType::Boolean.check(sent, &Roles::bundled());
    checked.err().map(|invalid| FieldError::new("cancelDeletion", invalid.to_string()))
}

/// Notes when each trusted relay was added and changed.
fn stamped(
    organization: &Organization,
    mut events: Vec<OrganizationEvent>,
    now: Timestamp,
) -> Vec<OrganizationEvent> {
    for event in &mut events {
        if let OrganizationEvent::OrganizationOptionChanged { option, to, .. } = event
            && option == setting::TRUSTED_RELAYS
        {
            *to = setting::stamped_relays(organization.options.get(option), to, now);
        }
    }
    events
}

/// Whether the request sets the flag of this field.
fn sets(update: &OrganizationUpdate, field: &str) -> bool {
    let roles = Roles::bundled();
    let is_true = |sent: &Value| {
        Setting::by_field(field).is_some_and(|setting| setting.check(sent, &roles) == Ok(Value::Bool(true)))
    };
    update.settings.iter().any(|(name, sent)| name == field && is_true(sent))
}

/// Nobody demands of others what he does not do himself.
fn check_second_factor(
    organization: &Organization,
    update: &OrganizationUpdate,
    requester: &Requester,
) -> Option<FieldError> {
    let field = "require2FA";
    if !sets(update, field) {
        return None;
    }
    if !requester.user.as_ref().is_some_and(|(_, user)| user.has_second_factor()) {
        return Some(FieldError::new(field, NO_SECOND_FACTOR));
    }
    organization.sso.as_ref().map(|_| FieldError::new(field, SECOND_FACTOR_AND_SSO))
}

fn check_email_verification(
    organization: &Organization,
    update: &OrganizationUpdate,
    requester: &Requester,
) -> Option<FieldError> {
    let field = "requireEmailVerification";
    if !organization.has_feature(Feature::RequiredEmailVerification) || !sets(update, field) {
        return None;
    }
    let primary = requester.user.as_ref().and_then(|(_, user)| user.addresses.first());
    let is_verified = primary.is_some_and(|address| address.verified);
    (!is_verified).then(|| FieldError::new(field, EMAIL_NOT_VERIFIED))
}
