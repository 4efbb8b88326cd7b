//! The table of the letters, and what an event does to it.

use muster_events::{
    event::Event,
    letter::{self, LetterEvent},
};

use crate::{
    change::Change,
    projection::{LogEntry, Projection},
    table::{
        Column,
        ColumnType::{Integer, Text},
        Table, Value,
    },
};

/// One row a letter. `recipient` is the keyed hash of the address: a recipient's letters go out one after the other.
/// `queued_position` is where it was queued, which is the order among them.
pub static LETTERS: Table = Table {
    name: "letters",
    key: &[Column::new("id", Text)],
    columns: &[
        Column::new("queued_position", Integer),
        Column::new("kind", Text),
        Column::new("organization_id", Integer),
        Column::new("recipient", Text),
        Column::new("status", Text),
        Column::new("attempts", Integer),
        Column::optional("code", Integer),
        Column::optional("dropped_why", Text),
        Column::optional("next_attempt_at", Integer),
        Column::new("queued_at", Integer),
        Column::new("changed_at", Integer),
        Column::new("sequence", Integer),
    ],
    indexes: &[
        &["status", "queued_position"],
        &["recipient", "status", "queued_position"],
        &["organization_id", "queued_position"],
        &["queued_position"],
    ],
};

/// The letters.
pub static PROJECTION: Projection =
    Projection { name: "letters", version: 1, aggregates: &[letter::TYPE], tables: &[&LETTERS], project };

fn project(entry: &LogEntry, event: &Event) -> Vec<Change> {
    match event {
        Event::Letter(event) => vec![of_letter(entry, event)],
        Event::Member(_)
        | Event::Organization(_)
        | Event::Team(_)
        | Event::User(_)
        | Event::Token(_)
        | Event::Roles(_) => vec![],
    }
}

fn of_letter(entry: &LogEntry, event: &LetterEvent) -> Change {
    let (id, at) = (Value::from(entry.stream.aggregate_id.as_str()), entry.recorded_at);
    let changed = [("changed_at", at.into()), ("sequence", entry.sequence.into())];
    let set = |cells: Vec<(&'static str, Value)>| {
        Change::set(&LETTERS, [id.clone()], cells.into_iter().chain(changed.clone()).collect::<Vec<_>>())
    };
    match event {
        LetterEvent::LetterQueued { kind, organization, email, .. } => {
            let recipient = email.hash().map_or("", |hash| hash.0.as_str());
            let cells = [
                ("queued_position", entry.position.into()),
                ("kind", kind.name().into()),
                ("organization_id", (*organization).into()),
                ("recipient", recipient.into()),
                ("status", "queued".into()),
                ("attempts", 0_u32.into()),
                ("code", Value::Null),
                ("dropped_why", Value::Null),
                ("next_attempt_at", at.into()),
                ("queued_at", at.into()),
            ];
            Change::put(&LETTERS, [id], cells.into_iter().chain(changed).collect::<Vec<_>>())
        }
        LetterEvent::LetterSent { .. } => {
            set(vec![("status", "sent".into()), ("next_attempt_at", Value::Null)])
        }
        LetterEvent::LetterAttemptFailed { attempt, code, next_attempt_at, .. } => set(vec![
            ("attempts", (*attempt).into()),
            ("code", code.map(i64::from).into()),
            ("next_attempt_at", (*next_attempt_at).into()),
        ]),
        LetterEvent::LetterDropped { why } => set(vec![
            ("status", "dropped".into()),
            ("dropped_why", why.name().into()),
            ("next_attempt_at", Value::Null),
        ]),
        LetterEvent::LetterParked {} => {
            set(vec![("status", "parked".into()), ("next_attempt_at", Value::Null)])
        }
        LetterEvent::LetterReleased {} => {
            set(vec![("status", "queued".into()), ("attempts", 0_u32.into()), ("next_attempt_at", at.into())])
        }
    }
}
