//! The body of POST members: from JSON to what the decision takes (behaviour.md 4.3 step 4). Only the form is checked
//! here; what is wrong with it is reported together with what is wrong with the content.

use muster_events::{member::InvitationRequest, personal::EmailAddress, refusal::FieldError};
use serde_json::{Map, Value};

use super::update_body::{email, slugs, team_roles};
use crate::{
    http::body::{boolean, string},
    sealing::KeyRing,
};

/// The longest referrer that is taken over.
const MAX_REFERRER: usize = 64;

/// What the body asks for, and the address that it names, as written. `referrer` is that of the query.
pub(super) fn parse(
    fields: &Map<String, Value>,
    referrer: Option<&str>,
    keys: &KeyRing,
) -> (InvitationRequest, Option<String>) {
    let mut malformed = vec![];
    let mut field = |error: FieldError| malformed.push(error);
    let required = || FieldError::new("email", "This field is required.");
    let address = fields.get("email").ok_or_else(required).and_then(email).map_err(&mut field).ok();
    let org_role = fields.get("orgRole").and_then(|value| string("orgRole", value).map_err(&mut field).ok());
    let role = fields.get("role").and_then(|value| string("role", value).map_err(&mut field).ok());
    let team_roles = fields.get("teamRoles").and_then(|value| team_roles(value).map_err(&mut field).ok());
    let teams = fields.get("teams").and_then(|value| slugs(value).map_err(&mut field).ok());
    let mut flag =
        |name: &str| fields.get(name).and_then(|value| boolean(name, value).map_err(&mut field).ok());
    let send_invite = flag("sendInvite").unwrap_or(true);
    flag("reinvite");
    flag("regenerate");
    let asked = InvitationRequest {
        email: address.clone().map(|address| keys.hashed(EmailAddress(address))),
        org_role,
        role,
        teams: teams.unwrap_or_default(),
        team_roles: team_roles.unwrap_or_default(),
        without_letter: !send_invite,
        referrer: referrer.filter(|referrer| is_referrer(referrer)).map(Into::into),
        malformed,
    };
    (asked, address)
}

/// It ends up in a link as it is, so it is nothing that could end the link or begin another one.
fn is_referrer(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=MAX_REFERRER).contains(&text.len()) && text.bytes().all(is_plain)
}
