//! The promises, kept by Postgres; and what only Postgres has.

mod faults;
mod foreign;
mod put_back;
mod server;
mod silence;

use std::sync::Arc;

use async_trait::async_trait;
use muster::{
    clock::Clock,
    store::{Store, postgres::PostgresStore},
};
use sqlx::{Connection as _, Executor as _};

use super::{contract, lab::Lab};
use crate::support::TestDatabase;

struct PostgresLab(TestDatabase);

impl PostgresLab {
    async fn new() -> Self {
        Self(TestDatabase::create().await)
    }
}

/// As a superuser who does not switch the triggers off.
const TAMPERING: [&str; 9] = [
    "UPDATE log.events SET payload = '{}'",
    "UPDATE log.events SET position = position + 10",
    "DELETE FROM log.events",
    "DELETE FROM log.events WHERE position = (SELECT max(position) FROM log.events)",
    "TRUNCATE log.events",
    "INSERT INTO log.events SELECT * FROM log.events ON CONFLICT (position) DO UPDATE SET payload = '{}'",
    // Replicas run no ordinary triggers.
    "SET LOCAL session_replication_role = replica; DELETE FROM log.events",
    "SET LOCAL session_replication_role = replica; UPDATE log.events SET payload = '{}'",
    // Out of the order of its stream.
    "INSERT INTO log.events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata) \
     VALUES ('organization', '7', 7, 'TwoFactorRequired', '1', '{}', '{}')",
];

#[async_trait]
impl Lab for PostgresLab {
    fn name(&self) -> &'static str {
        "Postgres"
    }

    async fn open(&self, clock: Arc<dyn Clock>) -> Arc<dyn Store> {
        Arc::new(PostgresStore::open(&self.0.database(), clock).await.unwrap())
    }

    async fn tamper(&self) -> Option<Vec<String>> {
        let mut connection = self.0.connection().await;
        let mut succeeded = Vec::new();
        for statement in TAMPERING {
            let mut transaction = connection.begin().await.unwrap();
            match transaction.execute(sqlx::raw_sql(statement)).await {
                Err(error) if error.to_string().contains("events are append-only") => {}
                outcome => succeeded.push(format!("{statement}: {outcome:?}")),
            }
            transaction.rollback().await.unwrap();
        }
        Some(succeeded)
    }
}

contract!(PostgresLab::new().await);
