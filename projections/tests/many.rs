//! More rows at once than one statement of SQLite takes.

use muster_events::{stream::Position, team};

use super::{LOG, Lab, Log, TestViews, apply::created, on_every_database};
use crate::{
    change::Change,
    projection::{LogEntry, Projection},
    sink::Rows,
    table::{Column, ColumnType, Table, Value},
};

on_every_database! {
    many_rows_of_one_batch_are_all_put_and_all_deleted
}

async fn many_rows_of_one_batch_are_all_put_and_all_deleted(lab: &Lab) {
    let hundred = (1..=100).fold(Log::default(), |log, number| {
        let (stream, event) = created(number, "team");
        log.and(stream, event)
    });
    let entries = hundred.entries();
    let test = TestViews::new(lab).await;
    test.views.prepare(&[&REMEMBERED], LOG).await.unwrap();
    test.applied(&[&REMEMBERED], 0, &entries).await;
    let there = |rows: Rows| rows.into_keys().map(|key| key[0].clone()).collect::<Vec<_>>();
    let all: Vec<_> = (1..=100_i64).map(Value::from).collect();
    assert_eq!(there(test.views.rows(&REMEMBERED_NAMES).await.unwrap()), all);
    let deleted: Vec<_> = entries
        .iter()
        .map(|entry| LogEntry { position: Position(entry.position.0 + 100), ..entry.clone() })
        .collect();
    test.applied(&[&REMEMBERED], 100, &deleted).await;
    assert_eq!(there(test.views.rows(&REMEMBERED_NAMES).await.unwrap()), [all[0].clone()]);
}

static REMEMBERED_NAMES: Table = Table {
    name: "remembered_names",
    key: &[Column::new("id", ColumnType::Integer)],
    columns: &[],
    indexes: &[],
};
/// Remembers each team that it hears of first, and forgets all but one when it hears of them again.
static REMEMBERED: Projection = Projection {
    name: "remembered",
    version: 1,
    aggregates: &[team::TYPE],
    tables: &[&REMEMBERED_NAMES],
    project: |entry, _| {
        let key = [Value::id_of(&entry.stream)];
        let is_forgotten = entry.position > Position(101);
        vec![if is_forgotten {
            Change::delete(&REMEMBERED_NAMES, key)
        } else {
            Change::put(&REMEMBERED_NAMES, key, [])
        }]
    },
};
