//! Changes carried out in the database of the views, through a transaction that is open already.

use thiserror::Error;

use super::{Rows, fold::Fold};
use crate::{
    change::Misfit,
    database::{Pool, Query, Row, Transaction, is_refusal},
    error::ViewError,
    sql,
    table::{Column, ColumnType, Table, Value},
};

/// Why a change was not carried out.
#[derive(Debug, Error)]
pub(crate) enum SinkError {
    /// Because of what it is: it will be refused again.
    #[error("{0}")]
    Refused(String),
    /// Because of the database, for now: busy, full, unreachable.
    #[error(transparent)]
    Database(sqlx::Error),
    /// What is stored is not what was written.
    #[error("{0}")]
    Damaged(String),
}

impl From<Misfit> for SinkError {
    fn from(misfit: Misfit) -> Self {
        Self::Refused(misfit.to_string())
    }
}

impl From<sqlx::Error> for SinkError {
    fn from(error: sqlx::Error) -> Self {
        if is_refusal(&error) { Self::Refused(error.to_string()) } else { Self::Database(error) }
    }
}

/// Where what is refused is a row of our own: the tables are not what this program made.
impl From<SinkError> for ViewError {
    fn from(error: SinkError) -> Self {
        match error {
            SinkError::Database(error) => error.into(),
            SinkError::Refused(text) | SinkError::Damaged(text) => Self::Damaged(text),
        }
    }
}

/// Carries out what was folded. After an error the transaction or savepoint has to be rolled back.
pub(crate) async fn carry_out(transaction: &mut Transaction, fold: Fold) -> Result<(), SinkError> {
    for group in fold.into_groups() {
        transaction.carry_out(&group).await?;
    }
    Ok(())
}

/// All rows of `table`, to be compared with those of another sink.
pub(crate) async fn rows(pool: &Pool, table: &'static Table) -> Result<Rows, sqlx::Error> {
    let rows = pool.rows(&Query::new(sql::select_all(table))).await?;
    rows.iter().map(|row| split(table, row)).collect()
}

/// The key, and the other cells.
pub(super) fn split(table: &'static Table, row: &Row) -> Result<(Vec<Value>, Vec<Value>), sqlx::Error> {
    let cells = table.all_columns().enumerate().map(|(place, column)| cell(row, place, column));
    let mut key: Vec<_> = cells.collect::<Result<_, _>>()?;
    let cells = key.split_off(table.key.len());
    Ok((key, cells))
}

fn cell(row: &Row, place: usize, column: &Column) -> Result<Value, sqlx::Error> {
    match column.kind {
        ColumnType::Bool => row.cell::<Option<bool>, _>(place).map(Value::from),
        ColumnType::Integer => row.cell::<Option<i64>, _>(place).map(Value::from),
        ColumnType::Text | ColumnType::Json => row.cell::<Option<&str>, _>(place).map(Value::from),
    }
}
