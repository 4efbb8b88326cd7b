//! The tables of the accounts.

use muster_events::user::Authenticator;

use crate::table::{
    Column,
    ColumnType::{Bool, Integer, Json, Text},
    Table,
};

/// One row an account. `email_hash` names the primary address, which stands among all of them; a kind of authenticator has a column with the time at which
/// it was enrolled.
pub static USERS: Table = Table {
    name: "users",
    key: &[Column::new("id", Integer)],
    columns: &[
        Column::new("username", Json),
        Column::new("username_hash", Text),
        Column::optional("name", Json),
        Column::new("email_hash", Text),
        Column::new("active", Bool),
        Column::new("superuser", Bool),
        Column::optional("totp_at", Integer),
        Column::optional("sms_at", Integer),
        Column::optional("u2f_at", Integer),
        Column::optional("recovery_at", Integer),
        Column::new("created_at", Integer),
        Column::new("sequence", Integer),
    ],
    indexes: &[],
};

/// All addresses of every account, the primary one included.
pub static USER_EMAILS: Table = Table {
    name: "user_emails",
    key: &[Column::new("user_id", Integer), Column::new("hash", Text)],
    columns: &[Column::new("email", Json), Column::new("verified", Bool), Column::new("added_at", Integer)],
    indexes: &[&["hash"]],
};

/// The column that says when an authenticator of this kind was enrolled.
pub(crate) fn authenticator_column(kind: Authenticator) -> &'static str {
    match kind {
        Authenticator::Totp => "totp_at",
        Authenticator::Sms => "sms_at",
        Authenticator::U2f => "u2f_at",
        Authenticator::Recovery => "recovery_at",
    }
}
