//! A user inside a member.

use muster_events::{
    personal::{EmailAddress, Envelope, Personal, UserName},
    time::Timestamp,
    user::Authenticator,
};
use muster_projections::users::UserRow;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{Avatar, text};
use crate::sealing::Opener;

/// A user, as a member shows him.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct User {
    id: String,
    pub(super) name: String,
    username: String,
    pub(super) email: String,
    avatar_url: &'static str,
    avatar: Avatar,
    is_active: bool,
    is_suspended: bool,
    is_managed: bool,
    is_superuser: bool,
    is_staff: bool,
    has_password_auth: bool,
    #[serde(rename = "has2fa")]
    has_2fa: bool,
    #[schema(value_type = String, format = DateTime)]
    date_joined: Timestamp,
    #[schema(required)]
    last_login: Option<String>,
    #[schema(required)]
    last_active: Option<String>,
    experiments: Map<String, Value>,
    identities: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authenticators: Option<Vec<AuthenticatorShape>>,
    #[serde(rename = "canReset2fa", skip_serializing_if = "Option::is_none")]
    can_reset_2fa: Option<bool>,
}

/// An enrolled authenticator.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct AuthenticatorShape {
    id: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    name: &'static str,
    is_backup: bool,
    #[schema(value_type = String, format = DateTime)]
    date_created: Timestamp,
}

fn authenticator(kind: Authenticator, date_created: Timestamp) -> AuthenticatorShape {
    let name = match kind {
        Authenticator::Totp => "Authenticator App",
        Authenticator::Sms => "Text Message",
        Authenticator::U2f => "Passkey / Biometric / Security Key",
        Authenticator::Recovery => "Recovery Codes",
    };
    let is_backup = kind == Authenticator::Recovery;
    AuthenticatorShape { id: kind.name(), kind: kind.name(), name, is_backup, date_created }
}

/// The envelopes that [`user`] and [`display_name`] open.
pub(in crate::http) fn envelopes(row: &UserRow) -> impl Iterator<Item = &Envelope> {
    row.username
        .envelope()
        .into_iter()
        .chain(row.email.envelope())
        .chain(row.name.as_ref().and_then(Personal::envelope))
}

/// What a person is called: his name, else his address, else his user name.
pub(super) fn display_name(
    opener: &Opener,
    name: Option<&Personal<String>>,
    email: &Personal<EmailAddress>,
    username: &Personal<UserName>,
) -> String {
    called(name.map(|name| text(opener, name)), || text(opener, email), || text(opener, username))
}

fn called(name: Option<String>, email: impl Fn() -> String, username: impl Fn() -> String) -> String {
    let email = || Some(email()).filter(|email| !email.is_empty());
    name.filter(|name| !name.trim().is_empty()).or_else(email).unwrap_or_else(username)
}

/// The user. `in_organizations` makes it the detailed form, for those who manage members.
pub(in crate::http) fn user(row: &UserRow, opener: &Opener, in_organizations: Option<usize>) -> User {
    let authenticators = row.authenticators.iter().map(|(kind, at)| authenticator(*kind, *at));
    let (email, username) = (text(opener, &row.email), text(opener, &row.username));
    let name = row.name.as_ref().map(|name| text(opener, name));
    User {
        id: row.id.to_string(),
        name: called(name, || email.clone(), || username.clone()),
        username,
        email,
        avatar_url: "",
        avatar: Avatar::letter(),
        is_active: row.active,
        is_suspended: false,
        is_managed: false,
        is_superuser: row.superuser,
        is_staff: false,
        has_password_auth: false,
        has_2fa: row.has_second_factor(),
        date_joined: row.created_at,
        last_login: None,
        last_active: None,
        experiments: Map::new(),
        identities: vec![],
        can_reset_2fa: in_organizations.map(|count| count <= 1),
        authenticators: in_organizations.map(|_| authenticators.collect()),
    }
}
