//! How schema `blobs` comes to be.

use sqlx::Connection as _;

use crate::{
    blobs::BlobError,
    database::{Database, OwnSchema, SchemaError},
};

const SCHEMA: OwnSchema =
    OwnSchema { name: "blobs", steps: &[include_str!("schema.sql")], lock: i64::from_be_bytes(*b"musblob1") };
/// How long to wait for another process that makes the schema, in milliseconds.
const LOCK_TIMEOUT_MS: &str = "30000";

/// Brings the schema up to date; refuses one that is another program's or a newer muster's.
pub(super) async fn open(database: &Database) -> Result<(), BlobError> {
    let mut connection = database.connect(&[("lock_timeout", LOCK_TIMEOUT_MS)]).await?;
    SCHEMA.migrate(&mut connection, &database.place()).await.map_err(|error| match error {
        SchemaError::Unusable(text) => BlobError::Unusable(text),
        SchemaError::Database(error) => error.into(),
    })?;
    // Whether the server hears of it matters to nobody.
    let _ = connection.close().await;
    Ok(())
}
