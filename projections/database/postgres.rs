//! What is Postgres' own: all rows of a group in one statement, because each statement is a way to the server and
//! back; the write lock; states.

use sqlx::{
    Encode, Executor as _, PgConnection, PgPool, Postgres, Transaction, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgArguments, PgDatabaseError, PgTypeInfo, types::Oid},
    query::Query as Bound,
    raw_sql,
};

use super::{LOCK_WAIT, Query, Row};
use crate::{
    sink::fold::Group,
    sql::{self, Dialect},
    table::{ColumnType, Value},
};

/// The advisory lock of who writes the views: "msvw". The log's locks in the same database are others.
const WRITE_LOCK: i64 = 0x6D73_7677;

pub(super) async fn rows(connection: &mut PgConnection, query: &Query) -> Result<Vec<Row>, sqlx::Error> {
    let bound = query.values.iter().fold(sqlx::query(&query.sql), bind).persistent(query.persistent);
    Ok(bound.fetch_all(connection).await?.into_iter().map(Row::Postgres).collect())
}

/// Without this, each statement would see what was committed before it began.
pub(super) async fn reading(pool: &PgPool) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await
}

/// The commit does not wait for the disk: what is lost with the machine is made again. Rows that nobody reads yet have lost
/// their checkpoint with them; what is kept beside the rows is missed when it is asked for.
pub(super) async fn filling(pool: &PgPool) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    let wait = LOCK_WAIT.as_millis();
    let sql = format!("SET LOCAL synchronous_commit = off; SET LOCAL lock_timeout = {wait}");
    transaction.execute(raw_sql(&sql)).await?;
    Ok(transaction)
}

/// With the write lock, and a commit that is on the disk: once a position is said to be applied, no crash of the server takes
/// it back.
pub(super) async fn writing(pool: &PgPool) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    // Not with `BEGIN` in one text: when the lock is not had in time, the connection would be given back to the pool
    // inside a failed transaction.
    let mut transaction = pool.begin().await?;
    let wait = LOCK_WAIT.as_millis();
    // Each is a statement of its own. One that locks and also reads would see what was there before it waited.
    let sql = format!("SET LOCAL lock_timeout = {wait}; SELECT pg_advisory_xact_lock({WRITE_LOCK})");
    transaction.execute(raw_sql(&sql)).await?;
    Ok(transaction)
}

pub(super) async fn carry_out(connection: &mut PgConnection, group: &Group) -> Result<(), sqlx::Error> {
    let sql = sql::statement(Dialect::Postgres, group, group.rows.len());
    let mut query = sqlx::query(&sql);
    for (place, column) in group.columns.iter().enumerate() {
        let cells = group.rows.iter().filter_map(|row| row.get(place));
        query = match column.kind {
            ColumnType::Bool => query.bind(cells.map(as_bool).collect::<Vec<_>>()),
            ColumnType::Integer => query.bind(cells.map(as_integer).collect::<Vec<_>>()),
            ColumnType::Text | ColumnType::Json => query.bind(cells.map(as_text).collect::<Vec<_>>()),
        };
    }
    query.execute(connection).await?;
    Ok(())
}

fn as_bool(value: &Value) -> Option<bool> {
    if let Value::Bool(value) = value { Some(*value) } else { None }
}

fn as_integer(value: &Value) -> Option<i64> {
    if let Value::Integer(value) = value { Some(*value) } else { None }
}

fn as_text(value: &Value) -> Option<&str> {
    if let Value::Text(value) = value { Some(value) } else { None }
}

fn bind<'q>(query: Bound<'q, Postgres, PgArguments>, value: &'q Value) -> Bound<'q, Postgres, PgArguments> {
    match value {
        Value::Null => query.bind(Nothing),
        Value::Bool(value) => query.bind(*value),
        Value::Integer(value) => query.bind(*value),
        Value::Text(value) => query.bind(value.as_str()),
    }
}

/// NULL of the type that the server finds fitting: a query does not say of which type the value would have been.
struct Nothing;

impl Type<Postgres> for Nothing {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(0))
    }
}

impl Encode<'_, Postgres> for Nothing {
    fn encode_by_ref(&self, _: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Ok(IsNull::Yes)
    }
}

/// The state (SQLSTATE), where the error is one of Postgres'.
pub(crate) fn sqlstate(error: &sqlx::Error) -> Option<&str> {
    Some(error.as_database_error()?.try_downcast_ref::<PgDatabaseError>()?.code())
}

/// The value cannot be (22), breaks a constraint (23), or is too long for an index (54).
pub(super) fn is_refusal(error: &sqlx::Error) -> bool {
    sqlstate(error).is_some_and(|state| ["22", "23", "54"].iter().any(|class| state.starts_with(class)))
}

/// Corrupted data, corrupted index.
pub(super) fn is_damage(error: &sqlx::Error) -> bool {
    matches!(sqlstate(error), Some("XX001" | "XX002"))
}
