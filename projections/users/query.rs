//! What is asked about accounts.

use std::collections::{BTreeMap, BTreeSet};

use muster_events::{
    id::UserId,
    personal::{EmailAddress, Personal, UserName},
    stream::Sequence,
    time::Timestamp,
    user::Authenticator,
};

use super::table::authenticator_column;
use crate::{
    database::Query,
    error::ViewError,
    read::{Cells, Listed, Page},
    views::Views,
};

/// An account.
#[derive(Debug, Clone, PartialEq)]
pub struct UserRow {
    /// Its id.
    pub id: UserId,
    /// The sequence of the last event that this row shows.
    pub sequence: Sequence,
    /// The user name.
    pub username: Personal<UserName>,
    /// The display name.
    pub name: Option<Personal<String>>,
    /// The primary address.
    pub email: Personal<EmailAddress>,
    /// Whether the primary address is known to be the person's.
    pub email_verified: bool,
    /// How many addresses there are, the primary one included.
    pub emails: u64,
    /// Whether the account can be used.
    pub active: bool,
    /// Whether he may do everything everywhere.
    pub superuser: bool,
    /// The enrolled authenticators, each with the time of its enrolment.
    pub authenticators: BTreeMap<Authenticator, Timestamp>,
    /// When it came to be.
    pub created_at: Timestamp,
}

/// One of an account's addresses.
#[derive(Debug, Clone, PartialEq)]
pub struct EmailRow {
    /// The address.
    pub email: Personal<EmailAddress>,
    /// Whether it is known to be the person's.
    pub verified: bool,
    /// Whether it is the primary one.
    pub primary: bool,
}

/// The columns of table `users AS u` that make a [`UserRow`], for queries that join it.
pub(crate) const COLUMNS: &str = "u.id AS u_id, u.sequence AS u_sequence, u.username AS u_username, \
    u.name AS u_name, u.active AS u_active, u.superuser AS u_superuser, u.totp_at, u.sms_at, \
    u.u2f_at, u.recovery_at, u.created_at AS u_created_at, \
    (SELECT count(*) FROM user_emails e WHERE e.user_id = u.id) AS u_emails, \
    (SELECT e.email FROM user_emails e WHERE e.user_id = u.id AND e.hash = u.email_hash) AS u_email, \
    (SELECT e.verified FROM user_emails e WHERE e.user_id = u.id AND e.hash = u.email_hash) AS u_email_verified";

impl UserRow {
    /// Whether a second factor is enrolled; recovery codes alone are none.
    pub fn has_second_factor(&self) -> bool {
        self.authenticators.keys().any(|kind| *kind != Authenticator::Recovery)
    }

    /// Reads the [`COLUMNS`]; none when the join found no account.
    pub(crate) fn read(cells: Cells<'_>) -> Result<Option<Self>, ViewError> {
        let Some(id) = cells.optional_id("u_id")? else { return Ok(None) };
        let mut authenticators = BTreeMap::new();
        for kind in Authenticator::ALL {
            if let Some(time) = cells.optional_time(authenticator_column(kind))? {
                authenticators.insert(kind, time);
            }
        }
        Ok(Some(Self {
            id,
            sequence: cells.sequence("u_sequence")?,
            username: cells.json("u_username")?,
            name: cells.optional_json("u_name")?,
            email: cells.json("u_email")?,
            email_verified: cells.flag("u_email_verified")?,
            emails: cells.count("u_emails")?,
            active: cells.flag("u_active")?,
            superuser: cells.flag("u_superuser")?,
            authenticators,
            created_at: cells.time("u_created_at")?,
        }))
    }
}

/// The account with this id.
pub async fn find(views: &Views, user: UserId) -> Result<Option<UserRow>, ViewError> {
    let sql = format!("SELECT {COLUMNS} FROM users u WHERE u.id = $1");
    let row = views.readers().row(&Query::new(sql).bind(user)).await?;
    row.as_ref().map_or(Ok(None), |row| UserRow::read(Cells(row)))
}

/// Those of these accounts that there are, in one query.
pub async fn find_all(views: &Views, users: &BTreeSet<UserId>) -> Result<Vec<UserRow>, ViewError> {
    if users.is_empty() {
        return Ok(vec![]);
    }
    let ids = users.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let sql = format!("SELECT {COLUMNS} FROM users u WHERE u.id IN ({ids})");
    let rows = views.readers().rows(&Query::new(sql).persistent(false)).await?;
    rows.iter().filter_map(|row| UserRow::read(Cells(row)).transpose()).collect()
}

/// All accounts, by id.
pub async fn list(views: &Views, page: Page) -> Result<Listed<UserRow>, ViewError> {
    let sql = format!("SELECT {COLUMNS} FROM users u ORDER BY u.id LIMIT $2 OFFSET $1");
    let rows = views.readers().rows(&Query::new(sql).bind(page.offset).bind(page.probe())).await?;
    let rows =
        rows.iter().filter_map(|row| UserRow::read(Cells(row)).transpose()).collect::<Result<_, _>>()?;
    Ok(page.cut(rows))
}

/// All addresses of an account: the primary one first, then in the order in which they were added.
pub async fn emails(views: &Views, user: UserId) -> Result<Vec<EmailRow>, ViewError> {
    Ok(emails_between(views, user, user).await?.remove(&user).unwrap_or_default())
}

/// The addresses of all accounts from one id to another, as [`emails`] has them: those of a page of a list.
pub async fn emails_between(
    views: &Views,
    first: UserId,
    last: UserId,
) -> Result<BTreeMap<UserId, Vec<EmailRow>>, ViewError> {
    let sql = "SELECT e.user_id, e.email, e.verified, e.hash = u.email_hash AS is_primary \
        FROM user_emails e JOIN users u ON u.id = e.user_id \
        WHERE e.user_id BETWEEN $1 AND $2 ORDER BY e.user_id, is_primary DESC, e.added_at, e.hash";
    let rows = views.readers().rows(&Query::new(sql).bind(first).bind(last)).await?;
    let email = |cells: Cells<'_>| {
        Ok::<_, ViewError>(EmailRow {
            email: cells.json("email")?,
            verified: cells.flag("verified")?,
            primary: cells.flag("is_primary")?,
        })
    };
    let mut emails = BTreeMap::<UserId, Vec<EmailRow>>::new();
    for row in &rows {
        emails.entry(Cells(row).id("user_id")?).or_default().push(email(Cells(row))?);
    }
    Ok(emails)
}
