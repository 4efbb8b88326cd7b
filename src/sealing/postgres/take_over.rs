//! Keys and links of another store, taken over within the transaction or on the connection that it is handed.

use muster_events::time::Timestamp;
use sqlx::{PgConnection, Result, postgres::PgRow};

use super::statements::{self, text};
use crate::sealing::{KeyRow, Link, SealingError, store::taken_bytes};

const INSERT: &str = "WITH given AS ( \
        SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bytea[]) WITH ORDINALITY \
        AS given (id, subject, created_at, erased_at, bytes, place) \
    ), made AS ( \
        INSERT INTO keys.person_keys (id, subject, created_at, erased_at) \
        SELECT id, subject, created_at, erased_at FROM given ORDER BY place ON CONFLICT (id) DO NOTHING \
        RETURNING number, id \
    ) INSERT INTO keys.wrapped_keys (number, master, bytes) \
    SELECT number, $6, bytes FROM made JOIN given USING (id)";
const ERASE: &str = "WITH erased AS ( \
        UPDATE keys.person_keys k SET erased_at = given.erased_at \
        FROM unnest($1::text[], $2::bigint[]) AS given (id, erased_at) \
        WHERE k.id = given.id AND k.erased_at IS NULL AND given.erased_at IS NOT NULL \
        RETURNING number \
    ) UPDATE keys.wrapped_keys w SET bytes = decode(repeat('00', octet_length(w.bytes)), 'hex') \
    FROM erased WHERE w.number = erased.number";
const SELECT_LINKS: &str = "SELECT user_subject, invitee FROM keys.links WHERE (user_subject, invitee) > ($1, $2) \
    ORDER BY user_subject, invitee LIMIT $3";

/// Takes over keys. Needs the lock.
pub(super) async fn keys(
    connection: &mut PgConnection,
    rows: &[KeyRow],
) -> std::result::Result<(), SealingError> {
    let master = statements::master(connection).await?;
    let ids: Vec<_> = rows.iter().map(|row| row.key.id().as_str()).collect();
    let subjects: Vec<_> = rows.iter().map(|row| row.subject.as_str()).collect();
    let made: Vec<_> = rows.iter().map(|row| row.made_at.as_micros()).collect();
    let erased: Vec<_> = rows.iter().map(|row| row.erased_at.map(Timestamp::as_micros)).collect();
    let bytes = rows.iter().map(|row| taken_bytes(&row.key, &master));
    let bytes = bytes.collect::<std::result::Result<Vec<_>, _>>()?;
    let erase = sqlx::query(ERASE).bind(&ids).bind(&erased);
    if erase.execute(&mut *connection).await?.rows_affected() > 0 {
        statements::count_erasure(connection).await?;
    }
    let insert = sqlx::query(INSERT).bind(&ids).bind(subjects).bind(made).bind(&erased).bind(bytes);
    insert.bind(master).execute(connection).await?;
    Ok(())
}

/// Adds links. Needs the lock.
pub(super) async fn add_links(connection: &mut PgConnection, links: &[Link]) -> Result<()> {
    for Link { user, invitee } in links {
        statements::link(connection, invitee, user).await?;
    }
    Ok(())
}

/// The first links after one.
pub(super) async fn links(
    connection: &mut PgConnection,
    after: Option<&Link>,
    limit: u32,
) -> Result<Vec<Link>> {
    let (user, invitee) = after.map_or(("", ""), |link| (&link.user, &link.invitee));
    let select = sqlx::query(SELECT_LINKS).bind(user).bind(invitee).bind(i64::from(limit));
    let link = |row: &PgRow| Ok(Link { user: text(row, 0)?, invitee: text(row, 1)? });
    select.fetch_all(connection).await?.iter().map(link).collect()
}
