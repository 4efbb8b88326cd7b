//! The SQL of tables and changes, generated from their data.
//!
//! The first two functions are all that differs from database to database; `$1` and `ON CONFLICT` mean the same
//! in each.

use std::fmt::Write as _;

use crate::{
    change::{Change, Row},
    table::{Column, ColumnType, Table},
};

fn type_name(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Bool | ColumnType::Integer => "INTEGER",
        ColumnType::Text | ColumnType::Json => "TEXT",
    }
}

/// A key of several columns is the table's own order; a single number is the rowid already.
fn table_options(table: &Table) -> &'static str {
    match table.key {
        [Column { kind: ColumnType::Integer, .. }] => " STRICT",
        _ => " STRICT, WITHOUT ROWID",
    }
}

/// The statement that makes the table. A database keeps this text, so a table that was made from another one is
/// recognized by it.
pub(crate) fn create_table(table: &Table) -> String {
    let mut sql = format!("CREATE TABLE {} (", table.name);
    for column in table.all_columns() {
        let constraint = if column.nullable { "" } else { " NOT NULL" };
        let _ = write!(sql, "{} {}{constraint}, ", column.name, type_name(column.kind));
    }
    let key = names(table.key.iter().map(|column| column.name), ", ");
    let _ = write!(sql, "PRIMARY KEY ({key})){}", table_options(table));
    sql
}

/// The statements that make the table's indexes, each with the index's name.
pub(crate) fn create_indexes(table: &Table) -> impl Iterator<Item = (String, String)> {
    table.indexes.iter().map(|columns| {
        let name = format!("{}_by_{}", table.name, columns.join("_and_"));
        let sql = format!("CREATE INDEX {name} ON {} ({})", table.name, columns.join(", "));
        (name, sql)
    })
}

/// The statement that carries out a change: key first, then cells, each bound in order.
pub(crate) fn statement(change: &Change) -> String {
    let table = change.table;
    let keys = change.key.len();
    match &change.row {
        Row::Put(cells) => {
            let key = names(table.key.iter().map(|column| column.name), ", ");
            let columns = names(cells.iter().map(|(name, _)| *name), ", ");
            let all = if cells.is_empty() { key.clone() } else { format!("{key}, {columns}") };
            let places: Vec<_> = (1..=keys + cells.len()).map(|place| format!("${place}")).collect();
            let update: Vec<_> = cells.iter().map(|(name, _)| format!("{name} = excluded.{name}")).collect();
            let update = if update.is_empty() {
                "NOTHING".into()
            } else {
                format!("UPDATE SET {}", update.join(", "))
            };
            format!(
                "INSERT INTO {} ({all}) VALUES ({}) ON CONFLICT ({key}) DO {update}",
                table.name,
                places.join(", ")
            )
        }
        Row::Set(cells) => {
            let numbered = cells.iter().zip(keys + 1..);
            let sets: Vec<_> = numbered.map(|((name, _), place)| format!("{name} = ${place}")).collect();
            format!("UPDATE {} SET {} WHERE {}", table.name, sets.join(", "), key_condition(table, keys))
        }
        Row::Delete => format!("DELETE FROM {} WHERE {}", table.name, key_condition(table, keys)),
    }
}

/// The statement that reads all rows in the order of their keys.
pub(crate) fn select_all(table: &Table) -> String {
    let key = names(table.key.iter().map(|column| column.name), ", ");
    let all = names(table.all_columns().map(|column| column.name), ", ");
    format!("SELECT {all} FROM {} ORDER BY {key}", table.name)
}

fn key_condition(table: &Table, keys: usize) -> String {
    let numbered = table.key.iter().take(keys).zip(1..);
    let conditions: Vec<_> = numbered.map(|(column, place)| format!("{} = ${place}", column.name)).collect();
    conditions.join(" AND ")
}

fn names(names: impl Iterator<Item = &'static str>, separator: &str) -> String {
    names.collect::<Vec<_>>().join(separator)
}
