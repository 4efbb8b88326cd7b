//! The body of PUT member: from JSON to what the decision takes (behaviour.md 2.2). Only the form is checked here;
//! what is wrong with it is reported together with what is wrong with the content.

use muster_events::{
    member::{MemberUpdate, TeamRoleEntry},
    personal::EmailAddress,
    refusal::FieldError,
};
use serde_json::{Map, Value};

use crate::{
    http::body::{boolean, list, string},
    ledger::operations::{MAX_EMAIL_ADDRESS, is_email_address},
    sealing::KeyRing,
};

/// The most teams in one request: far above what an organization has.
const MAX_TEAMS: usize = 1_000;

/// What the body asks for, and the address that it names, as written.
pub(super) fn parse(fields: &Map<String, Value>, keys: &KeyRing) -> (MemberUpdate, Option<String>) {
    let mut malformed = vec![];
    let mut field = |error: FieldError| malformed.push(error);
    let address = fields.get("email").and_then(|value| email(value).map_err(&mut field).ok());
    let org_role = fields.get("orgRole").and_then(|value| string("orgRole", value).map_err(&mut field).ok());
    let role = fields.get("role").and_then(|value| string("role", value).map_err(&mut field).ok());
    let team_roles = fields.get("teamRoles").and_then(|value| team_roles(value).map_err(&mut field).ok());
    let teams = fields.get("teams").and_then(|value| slugs(value).map_err(&mut field).ok());
    let mut flag = |name: &str| {
        fields.get(name).and_then(|value| boolean(name, value).map_err(&mut field).ok()).unwrap_or(false)
    };
    let reinvite = flag("reinvite");
    let regenerate = flag("regenerate");
    flag("sendInvite");
    let has_other_keys = fields.keys().any(|key| key != "reinvite" && key != "regenerate");
    let email = address.clone().map(|address| keys.hashed(EmailAddress(address)));
    let update = MemberUpdate {
        email,
        org_role,
        role,
        teams,
        team_roles,
        reinvite,
        regenerate,
        has_other_keys,
        malformed,
    };
    (update, address)
}

/// An address of the form that clients of this wire format are told about.
pub(in crate::http) fn email(value: &Value) -> Result<String, FieldError> {
    let text = string("email", value)?;
    if text.chars().count() > MAX_EMAIL_ADDRESS {
        let message = format!("Ensure this field has no more than {MAX_EMAIL_ADDRESS} characters.");
        return Err(FieldError::new("email", message));
    }
    let is_address = is_email_address(&text);
    if is_address && !text.to_lowercase().ends_with("@qq.com") {
        Ok(text)
    } else {
        Err(FieldError::new("email", "Enter a valid email address."))
    }
}

/// Slugs of teams.
pub(in crate::http) fn slugs(value: &Value) -> Result<Vec<String>, FieldError> {
    list("teams", value, MAX_TEAMS)?.iter().map(|slug| string("teams", slug)).collect()
}

/// Teams, each with a role or none.
pub(in crate::http) fn team_roles(value: &Value) -> Result<Vec<TeamRoleEntry>, FieldError> {
    let field = "teamRoles";
    let entry = |item: &Value| {
        let Value::Object(entry) = item else {
            return Err(FieldError::new(
                field,
                "Each entry must be an object with \"teamSlug\" and \"role\".",
            ));
        };
        let missing = |key: &str| FieldError::new(field, format!("An entry lacks \"{key}\"."));
        let team = entry.get("teamSlug").ok_or_else(|| missing("teamSlug"))?;
        let role = match entry.get("role").ok_or_else(|| missing("role"))? {
            Value::Null => None,
            Value::String(role) => Some(role.clone()),
            _ => return Err(FieldError::new(field, "Invalid team-role")),
        };
        Ok(TeamRoleEntry { team: string(field, team)?, role })
    };
    list(field, value, MAX_TEAMS)?.iter().map(entry).collect()
}
