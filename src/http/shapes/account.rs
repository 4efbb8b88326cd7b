//! An account, as it is administered: the keys of an import file, with its id and the time at which it came to be.

use muster_events::{personal::Personal, time::Timestamp, user::Authenticator};
use muster_projections::users::{EmailRow, UserRow};
use serde::Serialize;
use utoipa::ToSchema;

use super::text;
use crate::sealing::Opener;

/// An account.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Account {
    id: String,
    /// The primary address
    email: String,
    #[schema(required)]
    name: Option<String>,
    username: String,
    /// Whether the primary address is known to be the person's
    verified: bool,
    /// The further addresses
    emails: Vec<FurtherEmail>,
    #[schema(value_type = Vec<String>)]
    authenticators: Vec<&'static str>,
    superuser: bool,
    active: bool,
    #[schema(value_type = String, format = DateTime)]
    date_created: Timestamp,
}

/// An address besides the primary one.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct FurtherEmail {
    hash: String,
    email: String,
    verified: bool,
}

/// An address of an account.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct AccountEmail {
    /// What the address is called in paths
    hash: String,
    email: String,
    verified: bool,
    primary: bool,
}

impl AccountEmail {
    /// What the address is called in paths.
    pub(in crate::http) fn hash(&self) -> &str {
        &self.hash
    }
}

/// An enrolled authenticator of an account.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct AccountAuthenticator {
    kind: &'static str,
    #[schema(value_type = String, format = DateTime)]
    date_created: Timestamp,
}

/// The account.
pub(in crate::http) fn account(row: &UserRow, emails: &[EmailRow], opener: &Opener) -> Account {
    let further = emails.iter().filter(|email| !email.primary).map(|row| FurtherEmail {
        hash: hash(row),
        email: text(opener, &row.email),
        verified: row.verified,
    });
    Account {
        id: row.id.to_string(),
        email: text(opener, &row.email),
        name: row.name.as_ref().map(|name| text(opener, name)),
        username: text(opener, &row.username),
        verified: row.email_verified,
        emails: further.collect(),
        authenticators: row.authenticators.keys().map(|kind| kind.name()).collect(),
        superuser: row.superuser,
        active: row.active,
        date_created: row.created_at,
    }
}

/// An address.
pub(in crate::http) fn email(row: &EmailRow, opener: &Opener) -> AccountEmail {
    AccountEmail {
        hash: hash(row),
        email: text(opener, &row.email),
        verified: row.verified,
        primary: row.primary,
    }
}

/// An authenticator.
pub(in crate::http) fn authenticator((kind, at): (&Authenticator, &Timestamp)) -> AccountAuthenticator {
    AccountAuthenticator { kind: kind.name(), date_created: *at }
}

fn hash(row: &EmailRow) -> String {
    row.email.hash().map(ToString::to_string).unwrap_or_default()
}

/// The envelopes that [`account`] and [`email`] open.
pub(in crate::http) fn envelopes<'a>(
    row: &'a UserRow,
    emails: &'a [EmailRow],
) -> impl Iterator<Item = &'a muster_events::personal::Envelope> {
    let emails = emails.iter().filter_map(|row| row.email.envelope());
    let names = row.username.envelope().into_iter().chain(row.name.as_ref().and_then(Personal::envelope));
    names.chain(row.email.envelope()).chain(emails)
}
