//! The table of the tokens, and what an event does to it.

use muster_events::{
    event::Event,
    token::{self, TokenEvent, TokenOwner},
};

use crate::{
    change::Change,
    projection::{LogEntry, Projection},
    table::{
        Column,
        ColumnType::{Bool, Integer, Json},
        Table, Value,
    },
};

/// One row a token: a person's or an organization's. `scopes` is empty for one without limit.
pub static TOKENS: Table = Table {
    name: "tokens",
    key: &[Column::new("id", Integer)],
    columns: &[
        Column::optional("user_id", Integer),
        Column::optional("organization_id", Integer),
        Column::optional("scopes", Json),
        Column::new("revoked", Bool),
        Column::new("created_at", Integer),
        Column::new("sequence", Integer),
    ],
    indexes: &[&["user_id"], &["organization_id"]],
};

/// The tokens.
pub static PROJECTION: Projection =
    Projection { name: "tokens", version: 2, aggregates: &[token::TYPE], tables: &[&TOKENS], project };

fn project(entry: &LogEntry, event: &Event) -> Vec<Change> {
    match event {
        Event::Token(event) => vec![of_token(entry, event)],
        Event::Member(_)
        | Event::Organization(_)
        | Event::Team(_)
        | Event::User(_)
        | Event::Roles(_)
        | Event::Letter(_) => {
            vec![]
        }
    }
}

fn of_token(entry: &LogEntry, event: &TokenEvent) -> Change {
    let id = Value::id_of(&entry.stream);
    match event {
        TokenEvent::TokenIssued { owner, scopes, .. } => {
            let (user, organization) = match *owner {
                TokenOwner::User(user) => (Some(user), None),
                TokenOwner::Organization(organization) => (None, Some(organization)),
            };
            let cells = [
                ("user_id", user.into()),
                ("organization_id", organization.into()),
                ("scopes", scopes.as_ref().map(Value::json).into()),
                ("revoked", false.into()),
                ("created_at", entry.recorded_at.into()),
                ("sequence", entry.sequence.into()),
            ];
            Change::put(&TOKENS, [id], cells)
        }
        TokenEvent::TokenRevoked {} => {
            Change::set(&TOKENS, [id], [("revoked", true.into()), ("sequence", entry.sequence.into())])
        }
    }
}
