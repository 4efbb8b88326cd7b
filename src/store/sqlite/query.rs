//! Turns what people want to see into one statement that reads an index from the right place on.

use muster_events::{id::OrganizationId, recorded::ActorKind, time::Timestamp};
use rusqlite::{
    Connection, OptionalExtension, params_from_iter,
    types::{ToSqlOutput, Value},
};

use super::{
    errors::StoreResult,
    reads::head,
    rows::{collect, columns, limit, number},
};
use crate::store::{LogQuery, Order, StoredEvent, log_query::on_behalf_of};

const SELECT_TIME: &str = "SELECT recorded_at FROM events WHERE position = ?1";

/// The events that `query` asks for.
pub(super) fn run(connection: &Connection, query: &LogQuery) -> StoreResult<Vec<StoredEvent>> {
    let positions = Positions::of(connection, query)?;
    let (sql, parameters) = statement(query, &positions);
    let mut statement = connection.prepare_cached(&sql)?;
    collect(&mut statement, params_from_iter(parameters.into_iter().map(ToSqlOutput::Owned)))
}

/// The positions that all answers lie between, both included.
struct Positions {
    first: u64,
    last: u64,
}

impl Positions {
    /// Times become positions here: they run along them, so a handful of look-ups does what an index would.
    /// Events that are committed after the look at the head are left out, as if this had read before them.
    fn of(connection: &Connection, query: &LogQuery) -> StoreResult<Self> {
        let head = head(connection)?.position.0;
        let mut positions = Self { first: 1, last: query.up_to.map_or(head, |up_to| up_to.0.min(head)) };
        match (query.after, query.order) {
            (Some(after), Order::Ascending) => positions.first = after.0.saturating_add(1),
            (Some(after), Order::Descending) => {
                positions.last = positions.last.min(after.0.saturating_sub(1));
            }
            (None, _) => {}
        }
        if let Some(from) = query.from {
            let earlier = |time| time < from;
            positions.first = positions.first.max(first_not(connection, head, earlier)?);
        }
        if let Some(to) = query.to {
            let not_later = |time| time <= to;
            positions.last = positions.last.min(first_not(connection, head, not_later)? - 1);
        }
        Ok(positions)
    }
}

/// The first position whose time is not `before`; one beyond `head` when all are. Times of which `before` is true
/// come first.
fn first_not(connection: &Connection, head: u64, before: impl Fn(Timestamp) -> bool) -> StoreResult<u64> {
    let mut statement = connection.prepare_cached(SELECT_TIME)?;
    let (mut low, mut high) = (1, head + 1);
    while low < high {
        let middle = low.midpoint(high);
        let time = statement.query_row([number(middle)], |row| super::rows::time(row, 0)).optional()?;
        // A hole is damage, which is reported elsewhere; here it must only not make the search endless.
        if time.is_none_or(&before) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

fn statement(query: &LogQuery, positions: &Positions) -> (String, Vec<Value>) {
    let mut sql = String::from(concat!("SELECT ", columns!(), " FROM events WHERE "));
    let mut parameters: Vec<Value> = vec![number(positions.first).into(), number(positions.last).into()];
    // The plus keeps SQLite from walking through all positions in search of one stream's events; within a stream
    // the order of sequences is that of positions.
    let of_stream = query.stream.is_some();
    sql.push_str(if of_stream || !query.streams.is_empty() {
        "+position BETWEEN ? AND ?"
    } else {
        "position BETWEEN ? AND ?"
    });
    let mut condition = |text: &str, value: Value| {
        sql.push_str(text);
        parameters.push(value);
    };
    if let Some(stream) = &query.stream {
        condition(" AND aggregate_type = ?", stream.aggregate_type.to_string().into());
        condition(" AND aggregate_id = ?", stream.aggregate_id.to_string().into());
    }
    if let Some(organization) = query.organization.map(OrganizationId::get) {
        let text = if query.streams.is_empty() { " AND organization = ?" } else { " AND +organization = ?" };
        condition(text, number(organization).into());
    }
    if let Some(kind) = query.actor_kind.map(ActorKind::name) {
        condition(" AND actor_kind = ?", kind.to_owned().into());
    }
    if let Some(id) = &query.actor_id {
        condition(" AND actor_id = ?", id.clone().into());
    }
    if let Some(person) = query.person {
        let by = " AND ((actor_kind = 'user' AND actor_id = ?) OR (actor_kind = 'policy' AND instr(metadata, ?) > 0))";
        condition(by, person.to_string().into());
        parameters.push(on_behalf_of(person).into());
    }
    if !query.streams.is_empty() {
        let places = vec!["(?, ?)"; query.streams.len()].join(", ");
        sql.extend([" AND (aggregate_type, aggregate_id) IN (VALUES ", &places, ")"]);
        let names = query.streams.iter().flat_map(|stream| [&stream.aggregate_type, &stream.aggregate_id]);
        parameters.extend(names.map(|name| Value::from(name.to_string())));
    }
    if !query.types.is_empty() {
        let places = vec!["?"; query.types.len()].join(", ");
        sql.extend([" AND event_type IN (", &places, ")"]);
        parameters.extend(query.types.iter().map(|name| Value::from(name.clone())));
    }
    sql.push_str(if of_stream { " ORDER BY sequence" } else { " ORDER BY position" });
    sql.push_str(if query.order == Order::Descending { " DESC LIMIT ?" } else { " LIMIT ?" });
    parameters.push(limit(query.limit).into());
    (sql, parameters)
}

#[cfg(test)]
mod tests {
    use muster_events::{id::OrganizationId, stream::StreamId};
    use rusqlite::{Connection, params_from_iter};

    use super::{LogQuery, Positions, statement};

    /// The plan of a query, one line.
    fn plan(query: &LogQuery) -> String {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(include_str!("schema.sql")).unwrap();
        let (sql, parameters) = statement(query, &Positions { first: 1, last: 1_000_000 });
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let rows = statement.query_map(params_from_iter(parameters), |row| row.get::<_, String>(3)).unwrap();
        rows.map(Result::unwrap).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn every_query_reads_one_index_in_its_order() {
        let organization = OrganizationId::new(7).ok();
        let stream = Some(StreamId::new("team", "7"));
        let all = LogQuery {
            types: vec!["A".into(), "B".into()],
            actor_id: Some("7".into()),
            ..LogQuery::default()
        };
        let of_organization = LogQuery { organization, ..all.clone() };
        let of_stream = LogQuery { stream, ..of_organization.clone() };
        let of_streams = LogQuery {
            streams: vec![StreamId::new("team", "7"), StreamId::new("member", "8")],
            ..of_organization.clone()
        };
        assert_eq!(plan(&all), "SEARCH events USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)");
        assert_eq!(
            plan(&of_organization),
            "SEARCH events USING INDEX events_by_organization (organization=? AND position>? AND position<?)"
        );
        assert_eq!(
            plan(&of_stream),
            "SEARCH events USING INDEX sqlite_autoindex_events_1 (aggregate_type=? AND aggregate_id=?)"
        );
        let plan = plan(&of_streams);
        assert!(
            plan.contains("INDEX sqlite_autoindex_events_1 (aggregate_type=? AND aggregate_id=?)"),
            "{plan}"
        );
    }
}
