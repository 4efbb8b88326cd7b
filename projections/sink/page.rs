//! The rows of a table page by page, in the order of their keys, for who reads them all.

use std::fmt;

use serde::{Deserialize, Deserializer, de::Visitor};

use super::live::split;
use crate::{
    database::{Query, Row, Transaction},
    sql::{self, Dialect},
    table::{Column, ColumnType, Table, Value},
};

/// A key, and the other cells of its row.
pub(crate) type Keyed = (Vec<Value>, Vec<Value>);

/// The rows of the table of this name after a key, or from the beginning: at most `limit`.
pub(crate) async fn page(
    transaction: &mut Transaction,
    table: &'static Table,
    name: &str,
    after: Option<&[Value]>,
    limit: usize,
) -> Result<Vec<Keyed>, sqlx::Error> {
    let dialect = transaction.dialect();
    let sql = sql::select_page(dialect, table, name, after.is_none(), limit);
    let query = after.unwrap_or_default().iter().cloned().fold(Query::new(sql), Query::bind);
    let rows = transaction.rows(&query).await?;
    match dialect {
        Dialect::Postgres => rows.iter().map(|row| split(table, row)).collect(),
        // One row of one text: each row would be handed from the thread of the connection to this one, which costs more than
        // to read it.
        Dialect::Sqlite => rows.first().map_or_else(|| Ok(vec![]), |row| read(table, row)),
    }
}

fn read(table: &'static Table, row: &Row) -> Result<Vec<Keyed>, sqlx::Error> {
    let undecoded = |error: serde_json::Error| sqlx::Error::ColumnDecode {
        index: format!("page of {}", table.name),
        source: Box::new(error),
    };
    let rows: Vec<Vec<Cell>> = serde_json::from_str(row.cell("page")?).map_err(undecoded)?;
    let keyed = |cells: Vec<Cell>| {
        let mut key: Vec<_> =
            table.all_columns().zip(cells).map(|(column, Cell(value))| typed(column, value)).collect();
        let cells = key.split_off(table.key.len());
        (key, cells)
    };
    let mut rows: Vec<_> = rows.into_iter().map(keyed).collect();
    // As a rule they are: then this costs one look at each. An aggregate promises no order by itself.
    rows.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    Ok(rows)
}

/// SQLite keeps what is true or false as a number.
fn typed(column: &Column, value: Value) -> Value {
    match (column.kind, value) {
        (ColumnType::Bool, Value::Integer(number)) => Value::Bool(number != 0),
        (_, value) => value,
    }
}

/// A value as it stands in the JSON of a page. Numbers and texts are told apart at once, without a copy.
struct Cell(Value);

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Cells).map(Self)
    }
}

struct Cells;

impl Visitor<'_> for Cells {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("null, a whole number or a text")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Integer(number))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Value, E> {
        i64::try_from(number).map(Value::Integer).map_err(|_| E::custom("a number beyond 64 bits"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }
}
