//! Claims in their table: changed by the writer within an append, read by anyone.

use muster_events::{
    claims::{BrokenBecause, BrokenClaim, Claim, ClaimChange, ClaimKind},
    time::Timestamp,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    errors::StoreResult,
    rows::{limit, time},
};
use crate::store::{AppendError, HeldClaim};

/// Microseconds of one day.
const DAY_MICROS: i64 = 86_400_000_000;

const INSERT_OR_TAKE: &str = "INSERT INTO claims (kind, scope, key, holder, held_until, count) \
     VALUES (?1, ?2, ?3, ?4, ?5, 1) ON CONFLICT DO UPDATE SET holder = excluded.holder, \
     held_until = excluded.held_until WHERE holder = excluded.holder OR held_until <= ?6";
const SELECT_HOLDER: &str = "SELECT holder FROM claims WHERE kind = ?1 AND scope = ?2 AND key = ?3";
const DELETE_OF_HOLDER: &str =
    "DELETE FROM claims WHERE kind = ?1 AND scope = ?2 AND key = ?3 AND holder = ?4";
const INSERT_INTO_GROUP: &str = "INSERT INTO claims (kind, scope, key, holder, held_until, count) \
     VALUES (?1, ?2, ?3, ?3, NULL, 1) ON CONFLICT DO NOTHING";
const DELETE_UNLESS_LAST: &str = "DELETE FROM claims WHERE kind = ?1 AND scope = ?2 AND key = ?3 \
     AND EXISTS (SELECT 1 FROM claims AS other WHERE other.kind = ?1 AND other.scope = ?2 AND other.key <> ?3)";
const DELETE_GROUP: &str = "DELETE FROM claims WHERE kind = ?1 AND scope = ?2";
const INSERT_OR_COUNT: &str = "INSERT INTO claims (kind, scope, key, holder, held_until, count) \
     VALUES (?1, ?2, ?3, '', ?4, 1) ON CONFLICT DO UPDATE SET count = count + 1 WHERE count < ?5";
const DELETE_OLD_COUNTERS: &str = "DELETE FROM claims WHERE kind = 'counter' AND (scope, key) IN \
     (SELECT scope, key FROM claims WHERE kind = 'counter' AND held_until <= ?1 LIMIT ?2)";
const SELECT_CLAIM: &str = "SELECT scope, key, holder, held_until, count FROM claims \
     WHERE kind = ?1 AND scope = ?2 AND key = ?3";
const SELECT_CLAIMS_OF_KIND: &str = "SELECT scope, key, holder, held_until, count FROM claims \
     WHERE kind = ?1 AND (scope, key) > (?2, ?3) ORDER BY scope, key LIMIT ?4";
const SELECT_ALL_OF_KIND: &str = "SELECT scope, key, holder, held_until, count FROM claims \
     WHERE kind = ?1 ORDER BY scope, key LIMIT ?2";

const SELECT_WITH_KEY: &str = "SELECT scope, key, holder, held_until, count FROM claims \
     WHERE kind = ?1 AND key = ?2 ORDER BY scope LIMIT ?3";

/// The claims of one kind with this key.
pub(super) fn with_key(
    connection: &Connection,
    kind: ClaimKind,
    key: &str,
    at_most: usize,
) -> StoreResult<Vec<HeldClaim>> {
    let mut statement = connection.prepare_cached(SELECT_WITH_KEY)?;
    let rows = statement.query_map(params![kind.name(), key, limit(at_most)], |row| held(row, kind))?;
    Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?)
}

/// Does one change of an append that is recorded at `now`.
pub(super) fn change(
    connection: &Connection,
    change: &ClaimChange,
    now: Timestamp,
) -> Result<(), AppendError> {
    match change {
        ClaimChange::Take { claim, holder } => take(connection, claim, holder, None, now),
        ClaimChange::Hold { claim, holder, days } => {
            take(connection, claim, holder, Some(now.plus_days(*days)), now)
        }
        ClaimChange::Release { claim: Claim { kind, scope, key }, holder } => {
            let held = params![kind.name(), scope.as_str(), key.as_str(), holder.as_str()];
            connection.prepare_cached(DELETE_OF_HOLDER)?.execute(held)?;
            Ok(())
        }
        ClaimChange::Join { claim: Claim { kind, scope, key } } => {
            let place = params![kind.name(), scope.as_str(), key.as_str()];
            connection.prepare_cached(INSERT_INTO_GROUP)?.execute(place)?;
            Ok(())
        }
        ClaimChange::Leave { claim } => leave(connection, claim),
        ClaimChange::Disband { kind, scope } => {
            connection.prepare_cached(DELETE_GROUP)?.execute([kind.name(), scope.as_str()])?;
            Ok(())
        }
        ClaimChange::Count { scope, name, at_most } => {
            count(connection, &Claim::counter(scope, name, now.day()), *at_most, now)
        }
    }
}

fn broken(claim: &Claim, why: BrokenBecause) -> AppendError {
    AppendError::Claimed(BrokenClaim { claim: claim.clone(), why })
}

fn holder_of(connection: &Connection, claim: &Claim) -> rusqlite::Result<Option<String>> {
    let Claim { kind, scope, key } = claim;
    let place = [kind.name(), scope.as_str(), key.as_str()];
    connection.prepare_cached(SELECT_HOLDER)?.query_row(place, |row| row.get(0)).optional()
}

fn take(
    connection: &Connection,
    claim: &Claim,
    holder: &str,
    until: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), AppendError> {
    let Claim { kind, scope, key } = claim;
    let until = until.map(Timestamp::as_micros);
    let row = params![kind.name(), scope.as_str(), key.as_str(), holder, until, now.as_micros()];
    if connection.prepare_cached(INSERT_OR_TAKE)?.execute(row)? == 1 {
        return Ok(());
    }
    let other = holder_of(connection, claim)?.unwrap_or_default();
    Err(broken(claim, BrokenBecause::HeldBy(other.into())))
}

fn leave(connection: &Connection, claim: &Claim) -> Result<(), AppendError> {
    let Claim { kind, scope, key } = claim;
    let place = [kind.name(), scope.as_str(), key.as_str()];
    let left = connection.prepare_cached(DELETE_UNLESS_LAST)?.execute(place)? == 1;
    // Nothing was deleted: he is the last one, or was not in the group at all.
    if !left && holder_of(connection, claim)?.is_some() {
        return Err(broken(claim, BrokenBecause::LastInGroup));
    }
    Ok(())
}

fn count(connection: &Connection, counter: &Claim, at_most: u32, now: Timestamp) -> Result<(), AppendError> {
    let Claim { kind, scope, key } = counter;
    let day_ends = (now.day() + 1).saturating_mul(DAY_MICROS);
    let row = params![kind.name(), scope.as_str(), key.as_str(), day_ends, at_most];
    if at_most == 0 || connection.prepare_cached(INSERT_OR_COUNT)?.execute(row)? == 0 {
        return Err(broken(counter, BrokenBecause::Exhausted));
    }
    Ok(())
}

/// Deletes counters of days that are over, at most `at_most`.
pub(super) fn purge(connection: &Connection, now: Timestamp, at_most: usize) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(DELETE_OLD_COUNTERS)?;
    statement.execute([now.as_micros(), limit(at_most)])?;
    Ok(())
}

/// Who holds `claim` at `now`.
pub(super) fn holder(
    connection: &Connection,
    claim: &Claim,
    now: Timestamp,
) -> StoreResult<Option<HeldClaim>> {
    let Claim { kind, scope, key } = claim;
    let place = [kind.name(), scope.as_str(), key.as_str()];
    let row = connection.prepare_cached(SELECT_CLAIM)?.query_row(place, |row| held(row, *kind)).optional()?;
    Ok(row.filter(|held| held.held_until.is_none_or(|until| until > now)))
}

/// Claims after `after` in the order of [`Claim`].
pub(super) fn list(
    connection: &Connection,
    after: Option<&Claim>,
    at_most: usize,
) -> StoreResult<Vec<HeldClaim>> {
    let mut found = Vec::new();
    // Kinds are ordered as they are declared, which is not the order of their stored names.
    for kind in ClaimKind::ALL {
        let left = limit(at_most - found.len());
        let read = |row: &Row<'_>| held(row, kind);
        match after.filter(|after| after.kind >= kind) {
            Some(after) if after.kind > kind => {}
            Some(Claim { scope, key, .. }) => {
                let mut statement = connection.prepare_cached(SELECT_CLAIMS_OF_KIND)?;
                let rows =
                    statement.query_map(params![kind.name(), scope.as_str(), key.as_str(), left], read)?;
                found.extend(rows.collect::<rusqlite::Result<Vec<_>>>()?);
            }
            None => {
                let mut statement = connection.prepare_cached(SELECT_ALL_OF_KIND)?;
                let rows = statement.query_map(params![kind.name(), left], read)?;
                found.extend(rows.collect::<rusqlite::Result<Vec<_>>>()?);
            }
        }
    }
    Ok(found)
}

fn held(row: &Row<'_>, kind: ClaimKind) -> rusqlite::Result<HeldClaim> {
    let (scope, key): (String, String) = (row.get(0)?, row.get(1)?);
    Ok(HeldClaim {
        claim: Claim { kind, scope: scope.into(), key: key.into() },
        holder: row.get(2)?,
        held_until: row.get::<_, Option<i64>>(3)?.map(|_| time(row, 3)).transpose()?,
        count: row.get(4)?,
    })
}
