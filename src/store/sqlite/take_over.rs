//! What is taken over from another log.

use muster_events::{stream::Position, time::Timestamp};
use rusqlite::{Connection, params};

use super::{errors::StoreResult, reads, rows, schema};
use crate::store::{HeldClaim, StoreError, StoredEvent, taking_over};

const DELETE_CLAIMS: &str = "DELETE FROM claims";
const INSERT_CLAIM: &str = "INSERT INTO claims (kind, scope, key, holder, held_until, count) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

/// Appends a stretch as it stands.
pub(super) fn stretch(connection: &Connection, stretch: &[StoredEvent]) -> StoreResult<()> {
    transaction(connection, || {
        taking_over::follows(reads::head(connection)?.position, stretch)?;
        for event in stretch {
            let actor = taking_over::actor(event)?;
            rows::insert(connection, event, &actor.kind, actor.id.as_deref())?;
        }
        Ok(())
    })
}

/// Puts `claims` in the place of all that are held.
pub(super) fn claims(connection: &Connection, claims: &[HeldClaim], folded: Position) -> StoreResult<()> {
    transaction(connection, || {
        let hash_key = schema::hash_key(connection)?;
        taking_over::is_nobodys(folded, reads::head(connection)?.position, hash_key.as_deref())?;
        put_claims(connection, claims, true)
    })
}

/// Puts claims beside those that are held, or in their place.
pub(super) fn put_claims(
    connection: &Connection,
    claims: &[HeldClaim],
    in_place_of_all: bool,
) -> StoreResult<()> {
    if in_place_of_all {
        connection.execute(DELETE_CLAIMS, [])?;
    }
    let mut insert = connection.prepare_cached(INSERT_CLAIM)?;
    for HeldClaim { claim, holder, held_until, count } in claims {
        let until = held_until.map(Timestamp::as_micros);
        let (scope, key) = (claim.scope.as_str(), claim.key.as_str());
        insert.execute(params![claim.kind.name(), scope, key, holder, until, count])?;
    }
    Ok(())
}

/// All of it or nothing: whoever sees an error drops the connection, and with it what was begun.
fn transaction(connection: &Connection, work: impl FnOnce() -> StoreResult<()>) -> StoreResult<()> {
    connection.execute_batch("BEGIN IMMEDIATE").map_err(StoreError::from)?;
    work()?;
    Ok(connection.execute_batch("COMMIT")?)
}
