//! What is done with the keys, each function within the transaction or on the connection that it is handed.

use compact_str::CompactString;
use muster_events::time::Timestamp;
use sqlx::{PgConnection, Result, Row as _, postgres::PgRow};

use super::errors::is_locked;
use crate::sealing::{
    Founding, KeyRow, MasterRecord, NewKey, Rotation, SealingError, Snapshot, StoredKey, WrappedKey,
};

/// The lock of the keys among the advisory locks of the database: "muskeys1" in ASCII. Held alone by who changes
/// keys that are there or the schema, shared by who adds one.
pub(super) const LOCK: i64 = i64::from_be_bytes(*b"muskeys1");
const TAKE_LOCK: &str = "SELECT pg_advisory_xact_lock($1)";
const SHARE_LOCK: &str = "SELECT pg_advisory_xact_lock_shared($1)";

const SELECT_FOUNDING: &str = "SELECT k.id, k.holder, k.master, k.bytes, d.master, d.master_check \
    FROM keys.deployment d LEFT JOIN keys.deployment_keys k ON true ORDER BY k.holder";
const INSERT_MASTER: &str = "INSERT INTO keys.deployment (master, master_check) VALUES ($1, $2)";
const UPDATE_MASTER: &str =
    "UPDATE keys.deployment SET master = $1, master_check = $2, destructions = destructions + 1";
const SELECT_MASTER: &str = "SELECT master FROM keys.deployment";
const SELECT_ERASURES: &str = "SELECT coalesce(max(erasures), 0) FROM keys.deployment";
const COUNT_ERASURE: &str =
    "UPDATE keys.deployment SET erasures = erasures + 1, destructions = destructions + 1";
const SELECT_UNSCRUBBED: &str = "SELECT destructions FROM keys.deployment WHERE destructions > scrubbed";
const UPDATE_SCRUBBED: &str = "UPDATE keys.deployment SET scrubbed = greatest(scrubbed, $1)";

const INSERT_DEPLOYMENT_KEY: &str =
    "INSERT INTO keys.deployment_keys (id, holder, master, bytes) VALUES ($1, $2, $3, $4)";
const UPDATE_DEPLOYMENT_KEY: &str = "UPDATE keys.deployment_keys SET master = $2, bytes = $3 WHERE id = $1";

// The number of erasures and what is found, in one statement and so in one snapshot; one row at the least.
const SELECT_KEYS: &str = "SELECT k.id, k.subject, w.master, w.bytes, k.erased_at IS NOT NULL, d.erasures \
    FROM (SELECT coalesce(max(erasures), 0) AS erasures FROM keys.deployment) d \
    LEFT JOIN (keys.person_keys k JOIN keys.wrapped_keys w USING (number)) ON k.id = ANY($1)";
const SELECT_KEY_OF: &str = "SELECT k.id, k.subject, w.master, w.bytes, false, d.erasures \
    FROM (SELECT coalesce(max(erasures), 0) AS erasures FROM keys.deployment) d \
    LEFT JOIN (keys.person_keys k JOIN keys.wrapped_keys w USING (number)) \
    ON k.subject = $1 AND k.erased_at IS NULL";
const SELECT_KEYS_AFTER: &str = "SELECT k.id, k.subject, w.master, w.bytes, k.erased_at IS NOT NULL, k.number, \
    k.created_at, k.erased_at FROM keys.person_keys k JOIN keys.wrapped_keys w USING (number) \
    WHERE k.number > $1 ORDER BY k.number LIMIT $2";
const INSERT_KEY: &str = "WITH made AS ( \
        INSERT INTO keys.person_keys (id, subject, created_at) VALUES ($1, $2, $3) \
        ON CONFLICT (subject) WHERE erased_at IS NULL DO NOTHING RETURNING number \
    ) INSERT INTO keys.wrapped_keys (number, master, bytes) SELECT number, $4, $5 FROM made";
const UPDATE_WRAPPED: &str = "UPDATE keys.wrapped_keys w SET master = $3, bytes = r.bytes \
    FROM unnest($1::bigint[], $2::bytea[]) AS r (number, bytes) WHERE w.number = r.number";
const INSERT_LINK: &str =
    "INSERT INTO keys.links (user_subject, invitee) VALUES ($1, $2) ON CONFLICT DO NOTHING";
const ERASE: &str = "WITH erased AS ( \
        UPDATE keys.person_keys SET erased_at = $2 WHERE erased_at IS NULL \
        AND (subject = $1 OR subject IN (SELECT invitee FROM keys.links WHERE user_subject = $1)) \
        RETURNING number \
    ) UPDATE keys.wrapped_keys w SET bytes = decode(repeat('00', octet_length(w.bytes)), 'hex') \
    FROM erased WHERE w.number = erased.number";

/// Longer than an autovacuum takes to give way, which would otherwise look like a reader; short, because those who
/// want to read wait meanwhile.
const WAIT_FOR_READERS: &str = "SET LOCAL lock_timeout = '3s'";
/// A change of a column's type makes a file of what is visible now and drops the one with the old bytes, also while
/// somebody has an older snapshot. `VACUUM` would leave them where they lie free, between the rows of a page, and
/// `VACUUM FULL` would copy what an older snapshot may still want to see.
const WRITE_ANEW: [&str; 2] = [
    "ALTER TABLE keys.wrapped_keys ALTER COLUMN bytes TYPE bytea USING bytes || ''::bytea",
    "ALTER TABLE keys.deployment_keys ALTER COLUMN bytes TYPE bytea USING bytes || ''::bytea",
];

/// Keys that a rotation reads at once.
const ROTATION_BATCH: u32 = 1_000;

/// Waits until nobody else adds or changes keys; a statement of its own, so that those after it see what was committed
/// while it waited. Released at the end of the transaction.
pub(super) async fn lock(connection: &mut PgConnection) -> Result<()> {
    sqlx::query(TAKE_LOCK).bind(LOCK).execute(connection).await.map(drop)
}

/// The same, waiting only for those who hold it alone.
pub(super) async fn lock_shared(connection: &mut PgConnection) -> Result<()> {
    sqlx::query(SHARE_LOCK).bind(LOCK).execute(connection).await.map(drop)
}

/// What was founded, if anything was.
pub(super) async fn founding(connection: &mut PgConnection) -> Result<Option<Founding>> {
    let rows = sqlx::query(SELECT_FOUNDING).fetch_all(connection).await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let master = MasterRecord { id: text(first, 4)?, check: first.try_get(5)? };
    let keys = rows.iter().map(wrapped).filter_map(Result::transpose).collect::<Result<_>>()?;
    Ok(Some(Founding { master, keys }))
}

/// Founds, unless that was done. Gives what stands.
pub(super) async fn found(connection: &mut PgConnection, new: Founding) -> Result<Founding> {
    if let Some(founding) = founding(connection).await? {
        return Ok(founding);
    }
    let MasterRecord { id, check } = &new.master;
    sqlx::query(INSERT_MASTER).bind(id.as_str()).bind(check).execute(&mut *connection).await?;
    for WrappedKey { id, holder, master, bytes } in &new.keys {
        let insert = sqlx::query(INSERT_DEPLOYMENT_KEY).bind(id.as_str()).bind(holder.as_str());
        insert.bind(master.as_str()).bind(bytes).execute(&mut *connection).await?;
    }
    Ok(new)
}

/// The number of erasures.
pub(super) async fn erasures(connection: &mut PgConnection) -> Result<u64> {
    count(&sqlx::query(SELECT_ERASURES).fetch_one(connection).await?, 0)
}

/// Those of the keys that were ever there.
pub(super) async fn keys(
    connection: &mut PgConnection,
    ids: &[CompactString],
) -> Result<Snapshot<Vec<StoredKey>>> {
    // No text of Postgres contains the character 0, so no key has such an id.
    let ids: Vec<&str> = ids.iter().map(CompactString::as_str).filter(|id| !id.contains('\0')).collect();
    let rows = sqlx::query(SELECT_KEYS).bind(ids).fetch_all(connection).await?;
    let first = rows.first().ok_or(sqlx::Error::RowNotFound)?;
    let found = rows.iter().map(stored).filter_map(Result::transpose).collect::<Result<_>>()?;
    Ok(Snapshot { erasures: count(first, 5)?, found })
}

/// The living key of a subject.
pub(super) async fn key_of(
    connection: &mut PgConnection,
    subject: &str,
) -> Result<Snapshot<Option<WrappedKey>>> {
    let row = sqlx::query(SELECT_KEY_OF).bind(subject).fetch_one(connection).await?;
    Ok(Snapshot { erasures: count(&row, 5)?, found: wrapped(&row)? })
}

/// The first keys above a number.
pub(super) async fn keys_after(connection: &mut PgConnection, after: i64, limit: u32) -> Result<Vec<KeyRow>> {
    let select = sqlx::query(SELECT_KEYS_AFTER).bind(after).bind(i64::from(limit));
    select.fetch_all(connection).await?.iter().map(key_row).collect()
}

/// Stores a key unless its subject has one. Gives the one that stands. Needs the shared lock.
pub(super) async fn create(
    connection: &mut PgConnection,
    new: NewKey,
) -> std::result::Result<Snapshot<WrappedKey>, SealingError> {
    let subject = new.subject.to_string();
    if let Snapshot { erasures, found: Some(found) } = key_of(connection, &subject).await? {
        return Ok(Snapshot { erasures, found });
    }
    refuse_other_master(connection, &new.key.master).await?;
    let NewKey { key, at, .. } = new;
    let insert = sqlx::query(INSERT_KEY).bind(key.id.as_str()).bind(&subject).bind(at.as_micros());
    insert.bind(key.master.as_str()).bind(&key.bytes).execute(&mut *connection).await?;
    // The own one, or that of another who was faster. It was not erased meanwhile: that needs the lock alone.
    let Snapshot { erasures, found } = key_of(connection, &subject).await?;
    Ok(Snapshot { erasures, found: found.ok_or(sqlx::Error::RowNotFound)? })
}

/// Notes that an invitee is a user. Needs the shared lock.
pub(super) async fn link(connection: &mut PgConnection, invitee: &str, user: &str) -> Result<()> {
    sqlx::query(INSERT_LINK).bind(user).bind(invitee).execute(connection).await.map(drop)
}

/// Overwrites the keys of a subject and of what is linked to it. Gives their number. Needs the lock.
pub(super) async fn erase(connection: &mut PgConnection, subject: &str, at: Timestamp) -> Result<u64> {
    let erase = sqlx::query(ERASE).bind(subject).bind(at.as_micros());
    let erased = erase.execute(&mut *connection).await?.rows_affected();
    if erased > 0 {
        count_erasure(connection).await?;
    }
    Ok(erased)
}

/// Tells caches that keys were destroyed, and whoever ends the transaction that files are to be written anew.
pub(super) async fn count_erasure(connection: &mut PgConnection) -> Result<()> {
    sqlx::query(COUNT_ERASURE).execute(connection).await.map(drop)
}

/// Wraps every key anew. Needs the lock.
pub(super) async fn rotate(
    connection: &mut PgConnection,
    Rotation { from, to, mut rewrap }: Rotation,
) -> std::result::Result<(), SealingError> {
    refuse_other_master(connection, &from).await?;
    let founding = founding(connection).await?;
    for key in founding.map(|founding| founding.keys).unwrap_or_default() {
        let bytes = rewrap(&key)?;
        let update = sqlx::query(UPDATE_DEPLOYMENT_KEY).bind(key.id.as_str()).bind(to.id.as_str());
        update.bind(bytes).execute(&mut *connection).await?;
    }
    let mut after = 0;
    loop {
        let batch = keys_after(connection, after, ROTATION_BATCH).await?;
        let Some(last) = batch.last() else { break };
        after = last.number;
        let (mut numbers, mut bytes) = (vec![], vec![]);
        for KeyRow { number, key, .. } in batch {
            if let StoredKey::Living(key) = key {
                numbers.push(number);
                bytes.push(rewrap(&key)?);
            }
        }
        let update = sqlx::query(UPDATE_WRAPPED).bind(numbers).bind(bytes).bind(to.id.as_str());
        update.execute(&mut *connection).await?;
    }
    sqlx::query(UPDATE_MASTER).bind(to.id.as_str()).bind(to.check).execute(connection).await?;
    Ok(())
}

/// Whether keys were destroyed whose bytes may still be in a table's file.
pub(super) async fn is_to_be_scrubbed(connection: &mut PgConnection) -> Result<bool> {
    Ok(sqlx::query(SELECT_UNSCRUBBED).fetch_optional(connection).await?.is_some())
}

/// Makes new files without what was destroyed, as far as that was not done. False while another process reads the
/// old ones; nothing may be done with the transaction then. Needs the lock.
pub(super) async fn scrub(connection: &mut PgConnection) -> Result<bool> {
    let unscrubbed: Option<i64> =
        sqlx::query_scalar(SELECT_UNSCRUBBED).fetch_optional(&mut *connection).await?;
    let Some(destructions) = unscrubbed else { return Ok(true) };
    sqlx::query(WAIT_FOR_READERS).execute(&mut *connection).await?;
    for statement in WRITE_ANEW {
        match sqlx::query(statement).execute(&mut *connection).await {
            Err(error) if is_locked(&error) => return Ok(false),
            Err(error) => return Err(error),
            Ok(_) => {}
        }
    }
    sqlx::query(UPDATE_SCRUBBED).bind(destructions).execute(connection).await?;
    Ok(true)
}

/// Id of the master key that is in force.
pub(super) async fn master(connection: &mut PgConnection) -> Result<String> {
    sqlx::query_scalar(SELECT_MASTER).fetch_one(connection).await
}

async fn refuse_other_master(
    connection: &mut PgConnection,
    given: &str,
) -> std::result::Result<(), SealingError> {
    let needed = master(connection).await?;
    if needed == given { Ok(()) } else { Err(SealingError::WrongMasterKey { needed, given: given.into() }) }
}

/// The key in a row, unless it is one of those that only say that nothing was found.
fn stored(row: &PgRow) -> Result<Option<StoredKey>> {
    let Some(key) = wrapped(row)? else { return Ok(None) };
    let is_erased = row.try_get(4)?;
    Ok(Some(if is_erased { StoredKey::Erased { id: key.id } } else { StoredKey::Living(key) }))
}

fn wrapped(row: &PgRow) -> Result<Option<WrappedKey>> {
    let Some(id) = row.try_get::<Option<&str>, _>(0)? else { return Ok(None) };
    let key =
        WrappedKey { id: id.into(), holder: text(row, 1)?, master: text(row, 2)?, bytes: row.try_get(3)? };
    Ok(Some(key))
}

fn key_row(row: &PgRow) -> Result<KeyRow> {
    let time = |micros| Timestamp::from_micros(micros).map_err(|error| sqlx::Error::Decode(error.into()));
    Ok(KeyRow {
        number: row.try_get(5)?,
        subject: text(row, 1)?,
        made_at: time(row.try_get(6)?)?,
        erased_at: row.try_get::<Option<i64>, _>(7)?.map(time).transpose()?,
        key: stored(row)?.ok_or(sqlx::Error::RowNotFound)?,
    })
}

pub(super) fn text(row: &PgRow, column: usize) -> Result<CompactString> {
    row.try_get::<&str, _>(column).map(CompactString::from)
}

fn count(row: &PgRow, column: usize) -> Result<u64> {
    u64::try_from(row.try_get::<i64, _>(column)?).map_err(|error| sqlx::Error::Decode(error.into()))
}
