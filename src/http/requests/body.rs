//! The bodies of requests: from JSON to what the decisions take. Only the form is checked here.

use muster_events::{member::MemberUpdate, personal::EmailAddress, refusal::FieldError};
use serde_json::{Map, Value};

use crate::{
    http::{
        body::{boolean, string},
        members::update_body::{email, slugs, team_roles},
    },
    sealing::KeyRing,
};

/// Said of a field that has to be there.
const REQUIRED: &str = "This field is required.";

/// What a proposal says, and the address that it names, as written. An empty `teamRoles` leaves the word to `teams`.
pub(super) fn proposal(fields: &Map<String, Value>, keys: &KeyRing) -> (MemberUpdate, Option<String>) {
    let mut update = role_and_teams(fields);
    update.team_roles =
        update.team_roles.filter(|entries| !entries.is_empty() || !fields.contains_key("teams"));
    let mut address = None;
    match fields.get("email").map(email) {
        Some(Ok(text)) => {
            update.email = Some(keys.hashed(EmailAddress(text.clone())));
            address = Some(text);
        }
        Some(Err(error)) => update.malformed.push(error),
        None => {}
    }
    (update, address)
}

/// What a PUT says: role and teams, and whether the request is approved.
pub(super) fn answer(fields: &Map<String, Value>) -> (MemberUpdate, bool) {
    let mut update = role_and_teams(fields);
    let approve = fields.get("approve").map(|value| boolean("approve", value));
    let approve = approve.transpose().unwrap_or_else(|error| {
        update.malformed.push(error);
        None
    });
    (update, approve.unwrap_or(false))
}

/// The address of somebody who asks to be let in.
pub(super) fn own_address(fields: &Map<String, Value>) -> Result<String, FieldError> {
    fields.get("email").map_or_else(|| Err(FieldError::new("email", REQUIRED)), email)
}

fn role_and_teams(fields: &Map<String, Value>) -> MemberUpdate {
    let mut malformed = vec![];
    let mut field = |error: FieldError| malformed.push(error);
    let org_role = fields.get("orgRole").and_then(|value| string("orgRole", value).map_err(&mut field).ok());
    let role = fields.get("role").and_then(|value| string("role", value).map_err(&mut field).ok());
    let team_roles = fields.get("teamRoles").and_then(|value| team_roles(value).map_err(&mut field).ok());
    let teams = fields.get("teams").and_then(|value| slugs(value).map_err(&mut field).ok());
    MemberUpdate { org_role, role, teams, team_roles, malformed, ..MemberUpdate::default() }
}
