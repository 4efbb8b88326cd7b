//! How schema `keys` comes to be, and what is refused when it is opened.

use sqlx::{Connection as _, PgConnection};

use super::{errors::cannot_open, statements};
use crate::{
    database::{Database, OwnSchema, SchemaError},
    sealing::SealingError,
};

const SCHEMA: OwnSchema =
    OwnSchema { name: "keys", steps: &[include_str!("schema.sql")], lock: statements::LOCK };
/// How long to wait for another process that makes the schema or changes all keys, in milliseconds.
const LOCK_TIMEOUT_MS: &str = "30000";
/// Settings of the server with which what it calls committed may be lost.
const NOT_DURABLE: [(&str, &str); 2] = [("fsync", "off"), ("synchronous_commit", "off")];

/// Brings the schema up to date; refuses one that is another program's or a newer muster's.
pub(super) async fn open(database: &Database) -> Result<(), SealingError> {
    let place = database.place();
    let mut connection = database
        .connect(&[("lock_timeout", LOCK_TIMEOUT_MS)])
        .await
        .map_err(|error| cannot_open(&place, error))?;
    refuse_careless(&mut connection, &place).await?;
    SCHEMA.migrate(&mut connection, &place).await.map_err(|error| unusable(&place, error))?;
    // Whether the server hears of it matters to nobody.
    let _ = connection.close().await;
    Ok(())
}

/// The version of the schema; none where there is none. Makes nothing.
pub(super) async fn version(database: &Database) -> Result<Option<usize>, SealingError> {
    let place = database.place();
    let connected = database.connect(&[("lock_timeout", LOCK_TIMEOUT_MS)]).await;
    let mut connection = connected.map_err(|error| cannot_open(&place, error))?;
    let version = SCHEMA.version(&mut connection, &place).await.map_err(|error| unusable(&place, error))?;
    // Whether the server hears of it matters to nobody.
    let _ = connection.close().await;
    Ok((version > 0).then_some(version))
}

async fn refuse_careless(connection: &mut PgConnection, place: &str) -> Result<(), SealingError> {
    for (setting, careless) in NOT_DURABLE {
        let value: String = sqlx::query_scalar("SELECT current_setting($1)")
            .bind(setting)
            .fetch_one(&mut *connection)
            .await
            .map_err(|error| cannot_open(place, error))?;
        if value == careless {
            let text = format!("{place} has {setting} off and may lose what it was given: turn it on");
            return Err(SealingError::Unusable(text));
        }
    }
    Ok(())
}

fn unusable(place: &str, error: SchemaError) -> SealingError {
    match error {
        SchemaError::Unusable(text) => SealingError::Unusable(text),
        SchemaError::Database(error) => cannot_open(place, error),
    }
}
