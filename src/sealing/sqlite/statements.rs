//! What is done with the keys, each function within the transaction that it is handed.

use compact_str::CompactString;
use muster_events::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Result, Row, params, types::Type};
use serde_json::json;

use crate::sealing::{
    Founding, KeyRow, Link, MasterRecord, NewKey, Rotation, SealingError, StoredKey, WrappedKey,
    store::taken_bytes,
};

const SELECT_MASTER: &str = "SELECT master, master_check FROM deployment";
const INSERT_MASTER: &str = "INSERT INTO deployment (only_row, master, master_check) VALUES (1, ?1, ?2)";
const UPDATE_MASTER: &str =
    "UPDATE deployment SET master = ?1, master_check = ?2, destructions = destructions + 1";
const SELECT_ERASURES: &str = "SELECT erasures FROM deployment";
const COUNT_ERASURE: &str = "UPDATE deployment SET erasures = erasures + 1, destructions = destructions + 1";
const SELECT_DESTRUCTIONS: &str = "SELECT destructions, scrubbed FROM deployment";
const UPDATE_SCRUBBED: &str = "UPDATE deployment SET scrubbed = max(scrubbed, ?1)";

const SELECT_DEPLOYMENT_KEYS: &str = "SELECT id, holder, master, bytes FROM deployment_keys ORDER BY holder";
const INSERT_DEPLOYMENT_KEY: &str =
    "INSERT INTO deployment_keys (id, holder, master, bytes) VALUES (?1, ?2, ?3, ?4)";
const UPDATE_DEPLOYMENT_KEY: &str = "UPDATE deployment_keys SET master = ?2, bytes = ?3 WHERE id = ?1";

const SELECT_KEYS: &str = "SELECT id, subject, master, bytes, erased_at IS NOT NULL, number \
    FROM person_keys JOIN wrapped_keys USING (number) WHERE id IN (SELECT value FROM json_each(?1))";
const SELECT_KEYS_AFTER: &str = "SELECT id, subject, master, bytes, erased_at IS NOT NULL, number, created_at, erased_at \
    FROM person_keys JOIN wrapped_keys USING (number) WHERE number > ?1 ORDER BY number LIMIT ?2";
const SELECT_KEY_OF: &str = "SELECT id, subject, master, bytes \
    FROM person_keys JOIN wrapped_keys USING (number) WHERE subject = ?1 AND erased_at IS NULL";
const INSERT_KEY: &str = "INSERT INTO person_keys (id, subject, created_at) VALUES (?1, ?2, ?3)";
const INSERT_WRAPPED: &str = "INSERT INTO wrapped_keys (number, master, bytes) VALUES (?1, ?2, ?3)";
const UPDATE_WRAPPED: &str = "UPDATE wrapped_keys SET master = ?2, bytes = ?3 WHERE number = ?1";
const INSERT_ROW: &str = "INSERT INTO person_keys (id, subject, created_at, erased_at) VALUES (?1, ?2, ?3, ?4) \
    ON CONFLICT (id) DO NOTHING";
const ERASED_NUMBER: &str = "SELECT number FROM person_keys WHERE id = ?1 AND erased_at IS NULL";
const SELECT_LINKS: &str = "SELECT user, invitee FROM links WHERE (user, invitee) > (?1, ?2) \
    ORDER BY user, invitee LIMIT ?3";
const INSERT_LINK: &str = "INSERT INTO links (user, invitee) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
const SELECT_TO_ERASE: &str = "SELECT number FROM person_keys WHERE erased_at IS NULL \
    AND (subject = ?1 OR subject IN (SELECT invitee FROM links WHERE user = ?1))";
const OVERWRITE: &str = "UPDATE wrapped_keys SET bytes = zeroblob(length(bytes)) WHERE number = ?1";
const BURY: &str = "UPDATE person_keys SET erased_at = ?2 WHERE number = ?1";

/// Keys that a rotation reads at once.
const ROTATION_BATCH: u32 = 1_000;

/// What was founded, if anything was.
pub(super) fn founding(connection: &Connection) -> Result<Option<Founding>> {
    let master = |row: &Row<'_>| Ok(MasterRecord { id: text(row, 0)?, check: row.get(1)? });
    let Some(master) = connection.query_row(SELECT_MASTER, [], master).optional()? else { return Ok(None) };
    let mut statement = connection.prepare_cached(SELECT_DEPLOYMENT_KEYS)?;
    let keys = statement.query_map([], wrapped)?.collect::<Result<_>>()?;
    Ok(Some(Founding { master, keys }))
}

/// Founds, unless that was done. Gives what stands.
pub(super) fn found(connection: &Connection, new: Founding) -> Result<Founding> {
    if let Some(founding) = founding(connection)? {
        return Ok(founding);
    }
    connection.execute(INSERT_MASTER, params![new.master.id.as_str(), new.master.check])?;
    for WrappedKey { id, holder, master, bytes } in &new.keys {
        let row = params![id.as_str(), holder.as_str(), master.as_str(), bytes];
        connection.execute(INSERT_DEPLOYMENT_KEY, row)?;
    }
    Ok(new)
}

/// The number of erasures.
pub(super) fn erasures(connection: &Connection) -> Result<u64> {
    let count = connection.prepare_cached(SELECT_ERASURES)?.query_row([], |row| row.get(0)).optional()?;
    Ok(count.unwrap_or(0))
}

/// Those of the keys that were ever there.
pub(super) fn keys(connection: &Connection, ids: &[CompactString]) -> Result<Vec<StoredKey>> {
    let mut statement = connection.prepare_cached(SELECT_KEYS)?;
    statement.query_map([json!(ids).to_string()], stored)?.collect()
}

/// The first keys above a number.
pub(super) fn keys_after(connection: &Connection, after: i64, limit: u32) -> Result<Vec<KeyRow>> {
    let mut statement = connection.prepare_cached(SELECT_KEYS_AFTER)?;
    statement.query_map(params![after, limit], key_row)?.collect()
}

/// The first links after one.
pub(super) fn links(connection: &Connection, after: Option<&Link>, limit: u32) -> Result<Vec<Link>> {
    let (user, invitee) = after.map_or(("", ""), |link| (&link.user, &link.invitee));
    let mut statement = connection.prepare_cached(SELECT_LINKS)?;
    let link = |row: &Row<'_>| Ok(Link { user: text(row, 0)?, invitee: text(row, 1)? });
    statement.query_map(params![user, invitee, limit], link)?.collect()
}

/// Takes over keys and links of another store.
pub(super) fn take_over(
    connection: &Connection,
    rows: &[KeyRow],
    links: &[Link],
) -> std::result::Result<(), SealingError> {
    let master: String = connection.query_row(SELECT_MASTER, [], |row| row.get(0))?;
    let mut is_erasure = false;
    for row in rows {
        let KeyRow { subject, made_at, erased_at, key, .. } = row;
        let erased = erased_at.map(Timestamp::as_micros);
        let id = key.id().as_str();
        let columns = params![id, subject.as_str(), made_at.as_micros(), erased];
        if connection.prepare_cached(INSERT_ROW)?.execute(columns)? == 1 {
            let bytes = taken_bytes(key, &master)?;
            let number = connection.last_insert_rowid();
            connection.prepare_cached(INSERT_WRAPPED)?.execute(params![number, master, bytes])?;
        } else if let Some(erased) = erased {
            let mut select = connection.prepare_cached(ERASED_NUMBER)?;
            if let Some(number) = select.query_row([id], |row| row.get::<_, i64>(0)).optional()? {
                bury(connection, number, erased)?;
                is_erasure = true;
            }
        }
    }
    if is_erasure {
        connection.execute(COUNT_ERASURE, [])?;
    }
    for Link { user, invitee } in links {
        link(connection, invitee, user)?;
    }
    Ok(())
}

fn bury(connection: &Connection, number: i64, at_micros: i64) -> Result<()> {
    connection.prepare_cached(OVERWRITE)?.execute([number])?;
    connection.prepare_cached(BURY)?.execute([number, at_micros])?;
    Ok(())
}

/// The living key of a subject.
pub(super) fn key_of(connection: &Connection, subject: &str) -> Result<Option<WrappedKey>> {
    connection.prepare_cached(SELECT_KEY_OF)?.query_row([subject], wrapped).optional()
}

/// Stores a key unless its subject has one. Gives the one that stands.
pub(super) fn create(connection: &Connection, new: NewKey) -> std::result::Result<WrappedKey, SealingError> {
    let subject = new.subject.to_string();
    if let Some(key) = key_of(connection, &subject)? {
        return Ok(key);
    }
    refuse_other_master(connection, &new.key.master)?;
    connection.execute(INSERT_KEY, params![new.key.id.as_str(), subject, new.at.as_micros()])?;
    let number = connection.last_insert_rowid();
    connection.execute(INSERT_WRAPPED, params![number, new.key.master.as_str(), new.key.bytes])?;
    Ok(new.key)
}

/// Notes that an invitee is a user.
pub(super) fn link(connection: &Connection, invitee: &str, user: &str) -> Result<()> {
    connection.execute(INSERT_LINK, [user, invitee]).map(drop)
}

/// Overwrites the keys of a subject and of what is linked to it. Gives their number.
pub(super) fn erase(connection: &Connection, subject: &str, at_micros: i64) -> Result<u64> {
    let mut statement = connection.prepare_cached(SELECT_TO_ERASE)?;
    let numbers: Vec<i64> = statement.query_map([subject], |row| row.get(0))?.collect::<Result<_>>()?;
    for number in &numbers {
        bury(connection, *number, at_micros)?;
    }
    if !numbers.is_empty() {
        connection.execute(COUNT_ERASURE, [])?;
    }
    Ok(numbers.len() as u64)
}

/// Wraps every key anew.
pub(super) fn rotate(
    connection: &Connection,
    Rotation { from, to, mut rewrap }: Rotation,
) -> std::result::Result<(), SealingError> {
    refuse_other_master(connection, &from)?;
    for key in founding(connection)?.map(|founding| founding.keys).unwrap_or_default() {
        let bytes = rewrap(&key)?;
        connection.execute(UPDATE_DEPLOYMENT_KEY, params![key.id.as_str(), to.id.as_str(), bytes])?;
    }
    let mut after = 0;
    loop {
        let batch = keys_after(connection, after, ROTATION_BATCH)?;
        let Some(last) = batch.last() else { break };
        after = last.number;
        for KeyRow { number, key, .. } in batch {
            if let StoredKey::Living(key) = key {
                let row = params![number, to.id.as_str(), rewrap(&key)?];
                connection.prepare_cached(UPDATE_WRAPPED)?.execute(row)?;
            }
        }
    }
    connection.execute(UPDATE_MASTER, params![to.id.as_str(), to.check])?;
    Ok(())
}

/// Empties the write-ahead log of what was overwritten, as far as that was not done. False while another process
/// still reads what was there before.
pub(super) fn scrub(connection: &Connection) -> Result<bool> {
    let counts = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let counts: Option<(i64, i64)> = connection.query_row(SELECT_DESTRUCTIONS, [], counts).optional()?;
    let Some((destructions, _)) = counts.filter(|(destructions, scrubbed)| destructions > scrubbed) else {
        return Ok(true);
    };
    let busy: bool = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if !busy {
        connection.execute(UPDATE_SCRUBBED, [destructions])?;
    }
    Ok(!busy)
}

fn refuse_other_master(connection: &Connection, given: &str) -> std::result::Result<(), SealingError> {
    let needed: String = connection.query_row(SELECT_MASTER, [], |row| row.get(0))?;
    if needed == given { Ok(()) } else { Err(SealingError::WrongMasterKey { needed, given: given.into() }) }
}

fn stored(row: &Row<'_>) -> Result<StoredKey> {
    if row.get(4)? {
        Ok(StoredKey::Erased { id: text(row, 0)? })
    } else {
        wrapped(row).map(StoredKey::Living)
    }
}

fn key_row(row: &Row<'_>) -> Result<KeyRow> {
    let erased_at: Option<i64> = row.get(7)?;
    Ok(KeyRow {
        number: row.get(5)?,
        subject: text(row, 1)?,
        made_at: time(6, row.get(6)?)?,
        erased_at: erased_at.map(|micros| time(7, micros)).transpose()?,
        key: stored(row)?,
    })
}

fn time(column: usize, micros: i64) -> Result<Timestamp> {
    Timestamp::from_micros(micros)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Integer, Box::new(error)))
}

fn wrapped(row: &Row<'_>) -> Result<WrappedKey> {
    Ok(WrappedKey { id: text(row, 0)?, holder: text(row, 1)?, master: text(row, 2)?, bytes: row.get(3)? })
}

fn text(row: &Row<'_>, column: usize) -> Result<CompactString> {
    Ok(row.get_ref(column)?.as_str()?.into())
}
