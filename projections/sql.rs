//! The SQL of tables and changes, generated from their data.
//!
//! The [`Dialect`] is all that differs from database to database; `$1`, `ON CONFLICT` and `UPDATE FROM` mean the same in
//! each. Tables are named without a schema: the connections to Postgres look for them in [`SCHEMA`] and nowhere else.

use std::fmt::Write as _;

use crate::{
    sink::fold::{Act, Group},
    table::{Column, ColumnType, Table},
};

/// The schema of a Postgres database that the views are in.
pub(crate) const SCHEMA: &str = "views";
/// The comment on that schema, by which it is known to be ours.
pub(crate) const SCHEMA_MARK: &str = "muster: read models, built again from the log";

/// What SQLite and Postgres say differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    fn type_name(self, kind: ColumnType) -> &'static str {
        match (self, kind) {
            (Self::Sqlite, ColumnType::Bool | ColumnType::Integer) => "INTEGER",
            (Self::Sqlite, ColumnType::Text | ColumnType::Json) => "TEXT",
            (Self::Postgres, ColumnType::Bool) => "boolean",
            (Self::Postgres, ColumnType::Integer) => "bigint",
            // Compared byte by byte, as SQLite does: lists have one order, whatever the database.
            (Self::Postgres, ColumnType::Text | ColumnType::Json) => "text COLLATE \"C\"",
        }
    }

    fn table_options(self, table: &Table) -> &'static str {
        match (self, table.key) {
            (Self::Postgres, _) => "",
            // A key of several columns is the table's own order; a single number is the rowid already.
            (Self::Sqlite, [Column { kind: ColumnType::Integer, .. }]) => " STRICT",
            (Self::Sqlite, _) => " STRICT, WITHOUT ROWID",
        }
    }

    /// The values of a [`Group`]: those of so many rows, or an array for each column.
    fn source(self, columns: &[&Column], rows: usize) -> String {
        match self {
            // In order, and without names: whoever binds looks each name up among all.
            Self::Sqlite => {
                let row = format!("({})", list(columns.iter().map(|_| "?".to_owned())));
                format!("VALUES {}", list((0..rows).map(|_| row.clone())))
            }
            Self::Postgres => {
                let array = |(column, place): (&&Column, _)| match column.kind {
                    ColumnType::Bool => format!("${place}::boolean[]"),
                    ColumnType::Integer => format!("${place}::bigint[]"),
                    ColumnType::Text | ColumnType::Json => format!("${place}::text[]"),
                };
                format!("SELECT * FROM unnest({})", list(columns.iter().zip(1..).map(array)))
            }
        }
    }

    /// What the clock of the database shows, in microseconds since the epoch.
    pub(crate) fn now(self) -> &'static str {
        match self {
            Self::Sqlite => "SELECT CAST(unixepoch('subsec') * 1000000 AS INTEGER) AS now",
            Self::Postgres => "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now",
        }
    }

    /// The query for a row when there is a table of this name. It looks at names only: how a table is defined cannot be
    /// asked while another process drops it.
    pub(crate) fn has_table(self) -> &'static str {
        match self {
            Self::Sqlite => "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = $1",
            Self::Postgres => {
                "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                WHERE n.nspname = 'views' AND c.relkind = 'r' AND c.relname = $1"
            }
        }
    }

    /// The query for the statements that tables and indexes were made by, as `name` and `sql`. SQLite keeps them; those
    /// of Postgres are put together from what is there, in the words of [`create_table`] and [`create_indexes`].
    pub(crate) fn definitions(self) -> &'static str {
        match self {
            Self::Sqlite => "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL",
            Self::Postgres => {
                "SELECT c.relname::text AS name, 'CREATE TABLE ' || c.relname || ' (' || ( \
                    SELECT string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod) \
                        || CASE WHEN l.collname = 'C' THEN ' COLLATE \"C\"' ELSE '' END \
                        || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END || ', ', '' ORDER BY a.attnum) \
                    FROM pg_attribute a LEFT JOIN pg_collation l ON l.oid = a.attcollation \
                    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
                ) || pg_get_constraintdef(k.oid) || ')' AS sql \
                FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p' \
                WHERE n.nspname = 'views' AND c.relkind = 'r' \
                UNION ALL \
                SELECT indexname::text, indexdef FROM pg_indexes WHERE schemaname = 'views' \
                UNION ALL \
                SELECT viewname::text, 'CREATE VIEW ' || viewname || ' AS' || definition FROM pg_views \
                WHERE schemaname = 'views'"
            }
        }
    }
}

/// The statement that makes the table under this name. A table that was made from another one is recognized by it.
pub(crate) fn create_table(dialect: Dialect, table: &Table, name: &str) -> String {
    let mut sql = format!("CREATE TABLE {name} (");
    for column in table.all_columns() {
        let constraint = if column.nullable { "" } else { " NOT NULL" };
        let _ = write!(sql, "{} {}{constraint}, ", column.name, dialect.type_name(column.kind));
    }
    let _ = write!(sql, "PRIMARY KEY ({})){}", names(table.key), dialect.table_options(table));
    sql
}

/// The statements that make the indexes of the table of this name, each with the index's name.
pub(crate) fn create_indexes(
    dialect: Dialect,
    table: &Table,
    name: &str,
) -> impl Iterator<Item = (String, String)> {
    table.indexes.iter().map(move |columns| {
        let index = format!("{name}_by_{}", columns.join("_and_"));
        let on = match dialect {
            Dialect::Sqlite => name.to_owned(),
            // As Postgres itself writes it out.
            Dialect::Postgres => format!("{SCHEMA}.{name} USING btree"),
        };
        let sql = format!("CREATE INDEX {index} ON {on} ({})", columns.join(", "));
        (index, sql)
    })
}

/// The statement that shows the rows of one generation under the table's own name, which is where queries look.
pub(crate) fn create_view(table: &Table, generation: u32) -> String {
    let columns = names(table.all_columns());
    format!("CREATE VIEW {} AS SELECT {columns} FROM {}", table.name, table.of_generation(generation))
}

/// The statement that carries out changes of a group: of so many rows at once on SQLite, of all on Postgres.
pub(crate) fn statement(dialect: Dialect, group: &Group, rows: usize) -> String {
    let table = &group.name;
    let columns = names(group.columns.iter().copied());
    let source = dialect.source(&group.columns, rows);
    let outside_key = group.columns.iter().skip(group.table.key.len()).map(|column| column.name);
    match group.act {
        Act::Delete => format!("DELETE FROM {table} WHERE ({columns}) IN ({source})"),
        Act::Put => {
            let key = names(group.table.key);
            let update = list(outside_key.map(|name| format!("{name} = excluded.{name}")));
            let act = if update.is_empty() { "NOTHING".into() } else { format!("UPDATE SET {update}") };
            format!("INSERT INTO {table} ({columns}) {source} ON CONFLICT ({key}) DO {act}")
        }
        Act::Set => {
            let update = list(outside_key.map(|name| format!("{name} = changed.{name}")));
            let is_row = group.table.key.iter().map(|key| format!("{table}.{0} = changed.{0}", key.name));
            let is_row = is_row.collect::<Vec<_>>().join(" AND ");
            format!(
                "WITH changed ({columns}) AS ({source}) UPDATE {table} SET {update} FROM changed WHERE {is_row}"
            )
        }
    }
}

/// The statement that reads all rows in the order of their keys.
pub(crate) fn select_all(table: &Table) -> String {
    format!("SELECT {} FROM {} ORDER BY {}", names(table.all_columns()), table.name, names(table.key))
}

/// The statement that reads `limit` rows of the table of this name in the order of their keys, from the beginning or
/// after a key. On SQLite they are one text, `page`: a JSON array of these rows in any order, each an array of its cells.
pub(crate) fn select_page(
    dialect: Dialect,
    table: &Table,
    name: &str,
    from_beginning: bool,
    limit: usize,
) -> String {
    let (columns, key) = (names(table.all_columns()), names(table.key));
    let after = if from_beginning {
        String::new()
    } else {
        let places = list((1..=table.key.len()).map(|place| format!("${place}")));
        format!(" WHERE ({key}) > ({places})")
    };
    let rows = format!("SELECT {columns} FROM {name}{after} ORDER BY {key} LIMIT {limit}");
    match dialect {
        Dialect::Postgres => rows,
        Dialect::Sqlite => {
            format!("SELECT json_group_array(json_array({columns})) AS page FROM ({rows})")
        }
    }
}

fn names<'a>(columns: impl IntoIterator<Item = &'a Column>) -> String {
    list(columns.into_iter().map(|column| column.name.to_owned()))
}

fn list(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}
