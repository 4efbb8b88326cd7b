//! Looks for damage that only SQLite can have, and for holes that its tables should not allow.

use rusqlite::{Connection, Row};

use super::{errors::StoreResult, rows::limit, schema};

/// Findings of one kind that are listed.
const LISTED: usize = 20;

const INTEGRITY_CHECK: &str = "PRAGMA integrity_check(20)";
const SELECT_POSITION_HOLES: &str = "SELECT before + 1, position - 1 FROM \
     (SELECT position, lag(position, 1, 0) OVER (ORDER BY position) AS before FROM events) \
     WHERE position <> before + 1 LIMIT ?1";
const SELECT_TIMES_BACKWARDS: &str = "SELECT position FROM \
     (SELECT position, recorded_at, lag(recorded_at) OVER (ORDER BY position) AS before FROM events) \
     WHERE recorded_at < before LIMIT ?1";
const SELECT_SEQUENCE_HOLES: &str = "SELECT aggregate_type, aggregate_id, count(*), max(sequence) FROM events \
     GROUP BY aggregate_type, aggregate_id HAVING min(sequence) <> 1 OR max(sequence) <> count(*) LIMIT ?1";
const SELECT_STREAMS_OUT_OF_ORDER: &str = "SELECT aggregate_type, aggregate_id, sequence FROM \
     (SELECT aggregate_type, aggregate_id, sequence, position, lag(position) OVER \
     (PARTITION BY aggregate_type, aggregate_id ORDER BY sequence) AS before FROM events) \
     WHERE position < before LIMIT ?1";

/// One sentence for each finding.
pub(super) fn run(connection: &Connection) -> StoreResult<Vec<String>> {
    let mut findings = integrity(connection)?;
    findings.extend(schema::deviations(connection)?);
    findings.extend(list(connection, SELECT_POSITION_HOLES, |row| {
        let (first, last): (i64, i64) = (row.get(0)?, row.get(1)?);
        Ok(format!("The log has no event at the positions from {first} to {last}."))
    })?);
    findings.extend(list(connection, SELECT_TIMES_BACKWARDS, |row| {
        Ok(format!("The event at position {} was recorded before its predecessor.", row.get::<_, i64>(0)?))
    })?);
    findings.extend(list(connection, SELECT_SEQUENCE_HOLES, |row| {
        let (stream, count, last): (String, i64, i64) = (stream(row)?, row.get(2)?, row.get(3)?);
        Ok(format!("The stream {stream} has {count} events and ends at sequence {last}."))
    })?);
    findings.extend(list(connection, SELECT_STREAMS_OUT_OF_ORDER, |row| {
        let (stream, sequence): (String, i64) = (stream(row)?, row.get(2)?);
        Ok(format!("The event {sequence} of the stream {stream} stands before its predecessor in the log."))
    })?);
    Ok(findings)
}

fn stream(row: &Row<'_>) -> rusqlite::Result<String> {
    let (aggregate_type, aggregate_id): (String, String) = (row.get(0)?, row.get(1)?);
    Ok(format!("{aggregate_type}:{aggregate_id}"))
}

fn integrity(connection: &Connection) -> StoreResult<Vec<String>> {
    let mut statement = connection.prepare(INTEGRITY_CHECK)?;
    let said = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    Ok(said.into_iter().filter(|said| said != "ok").map(|said| format!("SQLite says: {said}.")).collect())
}

fn list(
    connection: &Connection,
    select: &str,
    sentence: impl Fn(&Row<'_>) -> rusqlite::Result<String>,
) -> StoreResult<Vec<String>> {
    let mut statement = connection.prepare(select)?;
    let found = statement.query_map([limit(LISTED)], |row| sentence(row))?;
    Ok(found.collect::<Result<_, _>>()?)
}
