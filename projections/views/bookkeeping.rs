//! The tables that belong to no projection.

use std::collections::BTreeMap;

use crate::{
    database::{Pool, Query, Row, Transaction},
    sql::{self, Dialect},
    table::{
        Column,
        ColumnType::{Integer, Json, Text},
        Table,
    },
};

/// The generations of each projection, and how far each has come.
pub(super) static GENERATIONS: Table = Table {
    name: "generations",
    key: &[Column::new("projection", Text), Column::new("generation", Integer)],
    columns: &[
        Column::new("state", Text),
        Column::new("version", Integer),
        Column::new("incarnation", Text),
        Column::new("position", Integer),
        Column::new("tables", Text),
        Column::optional("builder", Text),
        Column::optional("until", Integer),
    ],
    indexes: &[],
};

/// The streams that are set aside.
pub(super) static PARKED: Table = Table {
    name: "parked",
    key: &[
        Column::new("projection", Text),
        Column::new("generation", Integer),
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

/// What the last comparison of each projection's living rows with the log has found.
pub(super) static VERIFICATIONS: Table = Table {
    name: "verifications",
    key: &[Column::new("projection", Text)],
    columns: &[
        Column::new("generation", Integer),
        Column::new("position", Integer),
        Column::new("checked_at", Integer),
        Column::new("differences", Integer),
    ],
    indexes: &[],
};

/// States of organizations that were folded. Whatever becomes of them, they are folded again.
pub(super) static SNAPSHOTS: Table = Table {
    name: "snapshots",
    key: &[
        Column::new("made_by", Text),
        Column::new("organization_id", Integer),
        Column::new("position", Integer),
    ],
    columns: &[Column::new("tables", Json)],
    indexes: &[],
};

/// All that rows of read models cannot be trusted without.
static ALL: [&Table; 3] = [&GENERATIONS, &PARKED, &VERIFICATIONS];

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
    let mut there = definitions(writing).await?;
    let declared = |table: &Table| sql::create_table(dialect, table, table.name);
    let is_declared = |table: &Table, there: &Definitions| there.get(table.name) == Some(&declared(table));
    if !ALL.iter().all(|table| is_declared(table, &there)) {
        // What is there was made by another version of muster, or is only a part: what it says cannot be read.
        drop_all(writing, &there).await?;
        there.clear();
        for table in ALL {
            writing.run(&declared(table)).await?;
        }
    }
    if !is_declared(&SNAPSHOTS, &there) {
        writing.run(&format!("DROP TABLE IF EXISTS {}", SNAPSHOTS.name)).await?;
        writing.run(&declared(&SNAPSHOTS)).await?;
    }
    Ok(there)
}

/// What tables, indexes and views there are.
pub(super) async fn definitions(transaction: &mut Transaction) -> Result<Definitions, sqlx::Error> {
    by_name(&transaction.rows(&Query::new(transaction.dialect().definitions())).await?)
}

async fn drop_all(writing: &mut Transaction, there: &Definitions) -> Result<(), sqlx::Error> {
    let of_kind = |kind: &'static str| there.iter().filter(move |(_, sql)| sql.starts_with(kind));
    for (view, _) in of_kind("CREATE VIEW") {
        writing.run(&format!("DROP VIEW {view}")).await?;
    }
    for (table, _) in of_kind("CREATE TABLE").filter(|(name, _)| *name != "leases") {
        writing.run(&format!("DROP TABLE {table}")).await?;
    }
    Ok(())
}

/// Whether this one of them is there: new views have none.
pub(super) async fn is_there(readers: &Pool, table: &Table) -> Result<bool, sqlx::Error> {
    Ok(readers.row(&Query::new(readers.dialect().has_table()).bind(table.name)).await?.is_some())
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
