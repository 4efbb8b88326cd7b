//! The tables that belong to no projection.

use std::collections::BTreeMap;

use crate::{
    database::{Pool, Query, Row, Transaction},
    sql::{self, Dialect},
    table::{
        Column,
        ColumnType::{Integer, Text},
        Table,
    },
};

/// How far each projection has come.
pub(super) static CHECKPOINTS: Table = Table {
    name: "checkpoints",
    key: &[Column::new("projection", Text)],
    columns: &[
        Column::new("version", Integer),
        Column::new("incarnation", Text),
        Column::new("position", Integer),
        Column::new("tables", Text),
    ],
    indexes: &[],
};

/// The streams that are set aside.
pub(super) static PARKED: Table = Table {
    name: "parked",
    key: &[
        Column::new("projection", Text),
        Column::new("aggregate_type", Text),
        Column::new("aggregate_id", Text),
    ],
    columns: &[
        Column::optional("organization_id", Integer),
        Column::new("first_sequence", Integer),
        Column::new("first_position", Integer),
        Column::new("last_position", Integer),
        Column::new("events", Integer),
        Column::new("error", Text),
    ],
    indexes: &[],
};

/// Who works alone, on Postgres.
const LEASES: &str = "CREATE TABLE IF NOT EXISTS leases (
    name text PRIMARY KEY,
    holder text NOT NULL,
    epoch bigint NOT NULL,
    until timestamptz NOT NULL
)";

/// The statements that the tables and indexes of the database were made by, by name.
pub(super) type Definitions = BTreeMap<String, String>;

/// Makes what is not there. Returns what was.
pub(super) async fn make(writing: &mut Transaction) -> Result<Definitions, sqlx::Error> {
    let dialect = writing.dialect();
    if dialect == Dialect::Postgres {
        make_schema(writing).await?;
        writing.run(LEASES).await?;
    }
    let there = by_name(&writing.rows(&Query::new(dialect.definitions())).await?)?;
    for table in [&CHECKPOINTS, &PARKED] {
        if !there.contains_key(table.name) {
            writing.run(&sql::create_table(dialect, table)).await?;
        }
    }
    Ok(there)
}

/// Whether the tables are there: new views have none.
pub(super) async fn is_there(readers: &Pool) -> Result<bool, sqlx::Error> {
    let there = by_name(&readers.rows(&Query::new(readers.dialect().definitions())).await?)?;
    Ok(there.contains_key(CHECKPOINTS.name))
}

/// Looked for first: who may not make a schema may not say `IF NOT EXISTS` either.
async fn make_schema(writing: &mut Transaction) -> Result<(), sqlx::Error> {
    let sql = "SELECT 1 FROM pg_namespace WHERE nspname = $1";
    if writing.row(&Query::new(sql).bind(sql::SCHEMA)).await?.is_none() {
        let (schema, mark) = (sql::SCHEMA, sql::SCHEMA_MARK);
        writing.run(&format!("CREATE SCHEMA {schema}; COMMENT ON SCHEMA {schema} IS '{mark}'")).await?;
    }
    Ok(())
}

fn by_name(rows: &[Row]) -> Result<Definitions, sqlx::Error> {
    rows.iter().map(|row| Ok((row.cell("name")?, row.cell("sql")?))).collect()
}
