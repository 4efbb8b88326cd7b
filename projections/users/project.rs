//! What an event does to the tables of the accounts.

use muster_events::{
    event::Event,
    personal::{EmailAddress, Personal, UserName},
    user::{self, Authenticator, Renamed, UserEvent},
};

use super::table::{USER_EMAILS, USERS, authenticator_column};
use crate::{
    change::{Cell, Change},
    projection::{LogEntry, Projection},
    table::Value,
};

/// The accounts.
pub static PROJECTION: Projection = Projection {
    name: "users",
    version: 2,
    aggregates: &[user::TYPE],
    tables: &[&USERS, &USER_EMAILS],
    project,
};

fn project(entry: &LogEntry, event: &Event) -> Vec<Change> {
    match event {
        Event::User(event) => of_user(entry, event),
        Event::Member(_)
        | Event::Organization(_)
        | Event::Team(_)
        | Event::Token(_)
        | Event::Roles(_)
        | Event::Letter(_) => {
            vec![]
        }
    }
}

fn of_user(entry: &LogEntry, event: &UserEvent) -> Vec<Change> {
    let id = || Value::id_of(&entry.stream);
    let user = |cells: &[Cell]| {
        let sequence = ("sequence", entry.sequence.into());
        Change::set(&USERS, [id()], [cells, &[sequence]].concat())
    };
    match event {
        UserEvent::UserRegistered { username, name, email } => {
            let mut cells = vec![
                ("username", Value::sealed(username)),
                ("username_hash", Value::hash(username)),
                ("name", name.as_ref().map(Value::sealed).into()),
                ("email_hash", Value::hash(email)),
                ("active", true.into()),
                ("superuser", false.into()),
                ("created_at", entry.recorded_at.into()),
                ("sequence", entry.sequence.into()),
            ];
            cells.extend(Authenticator::ALL.map(|kind| (authenticator_column(kind), Value::Null)));
            vec![Change::put(&USERS, [id()], cells), address(entry, email)]
        }
        UserEvent::UserRenamed { username, name } => {
            vec![user(&renamed(username.as_deref(), name.as_deref()))]
        }
        UserEvent::EmailAdded { email, .. } => vec![address(entry, email), user(&[])],
        UserEvent::EmailVerified { email } => {
            let verified = Change::set(&USER_EMAILS, [id(), email.into()], [("verified", true.into())]);
            vec![verified, user(&[])]
        }
        UserEvent::EmailRemoved { email, .. } => {
            vec![Change::delete(&USER_EMAILS, [id(), email.into()]), user(&[])]
        }
        UserEvent::PrimaryEmailChanged { to, .. } => vec![user(&[("email_hash", to.into())])],
        UserEvent::AuthenticatorEnrolled { kind } => {
            vec![user(&[(authenticator_column(*kind), entry.recorded_at.into())])]
        }
        UserEvent::AuthenticatorRemoved { kind } => {
            vec![user(&[(authenticator_column(*kind), Value::Null)])]
        }
        UserEvent::UserDeactivated { .. } => vec![user(&[("active", false.into())])],
        UserEvent::UserReactivated { .. } => vec![user(&[("active", true.into())])],
        UserEvent::SuperuserGranted {} => vec![user(&[("superuser", true.into())])],
        UserEvent::SuperuserRevoked {} => vec![user(&[("superuser", false.into())])],
        UserEvent::UserErased { .. } => {
            [&USER_EMAILS, &USERS].map(|table| Change::delete(table, [id()])).into()
        }
    }
}

fn renamed(username: Option<&Renamed<UserName>>, name: Option<&Renamed<String>>) -> Vec<Cell> {
    let mut cells = vec![];
    if let Some(to) = username.and_then(|username| username.to.as_ref()) {
        cells.extend([("username", Value::sealed(to)), ("username_hash", Value::hash(to))]);
    }
    cells.extend(name.map(|name| ("name", name.to.as_ref().map(Value::sealed).into())));
    cells
}

fn address(entry: &LogEntry, email: &Personal<EmailAddress>) -> Change {
    let key = [Value::id_of(&entry.stream), Value::hash(email)];
    let cells =
        [("email", Value::sealed(email)), ("verified", false.into()), ("added_at", entry.recorded_at.into())];
    Change::put(&USER_EMAILS, key, cells)
}
