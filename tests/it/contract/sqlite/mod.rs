//! The promises, kept by SQLite; and what only SQLite has.

mod faults;
mod opening;
mod tables;

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use muster::{
    clock::Clock,
    store::{Store, sqlite::SqliteStore},
};
use rusqlite::Connection;
use tempfile::TempDir;

use super::{contract, lab::Lab};

struct SqliteLab(TempDir);

impl SqliteLab {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("log.db")
    }

    /// A connection past the store.
    fn connection(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }
}

/// Each in every state of `recursive_triggers`: without it, SQLite runs no trigger for a row that REPLACE deletes.
const TAMPERING: [&str; 14] = [
    "UPDATE events SET payload = '{}'",
    "UPDATE events SET position = position + 10",
    "UPDATE OR REPLACE events SET sequence = 1, aggregate_id = 'a'",
    "DELETE FROM events",
    "DELETE FROM events WHERE position = (SELECT max(position) FROM events)",
    // In place of an event that is there, by its stream and sequence, or by its position.
    "INSERT OR REPLACE INTO events SELECT aggregate_type, aggregate_id, sequence, event_type, event_version, \
     3, event_id, recorded_at, organization, actor_kind, actor_id, leaf, '{}', metadata FROM events WHERE position = 1",
    "REPLACE INTO events SELECT aggregate_type, 'c', 1, event_type, event_version, \
     1, event_id, recorded_at, organization, actor_kind, actor_id, leaf, '{}', metadata FROM events WHERE position = 1",
    "REPLACE INTO events SELECT * FROM events",
    "INSERT INTO events SELECT * FROM events WHERE true ON CONFLICT DO UPDATE SET payload = '{}'",
    "INSERT INTO events SELECT * FROM events WHERE true ON CONFLICT DO NOTHING",
    "INSERT OR IGNORE INTO events SELECT * FROM events",
    // With a hole before it, without a position, or out of the order of its stream.
    "INSERT INTO events SELECT aggregate_type, 'c', 1, event_type, event_version, \
     4, event_id, recorded_at, organization, actor_kind, actor_id, leaf, '{}', metadata FROM events WHERE position = 1",
    "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata) \
     VALUES ('organization', 'c', 1, 'TwoFactorRequired', '1', '{}', '{}')",
    "INSERT INTO events SELECT aggregate_type, aggregate_id, 7, event_type, event_version, \
     3, event_id, recorded_at, organization, actor_kind, actor_id, leaf, '{}', metadata FROM events WHERE position = 1",
];

#[async_trait]
impl Lab for SqliteLab {
    fn name(&self) -> &'static str {
        "SQLite"
    }

    async fn open(&self, clock: Arc<dyn Clock>) -> Arc<dyn Store> {
        Arc::new(SqliteStore::open(&self.path(), clock).unwrap())
    }

    async fn tamper(&self) -> Option<Vec<String>> {
        let connection = self.connection();
        let mut succeeded = Vec::new();
        for recursive in [false, true] {
            connection.pragma_update(None, "recursive_triggers", recursive).unwrap();
            for statement in TAMPERING {
                match connection.execute(statement, []) {
                    Err(error) if error.to_string().starts_with("events are append-only") => {}
                    outcome => succeeded.push(format!("{statement}: {outcome:?}")),
                }
            }
        }
        Some(succeeded)
    }
}

contract!(SqliteLab::new());
