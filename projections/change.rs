//! What an event does to a table, as data: projections return it, sinks carry it out.

use thiserror::Error;

use crate::table::{Column, Table, Value};

/// A column and what it holds.
pub type Cell = (&'static str, Value);

/// One change of one table.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Change {
    /// Which table.
    pub table: &'static Table,
    /// The primary key of the row; for [`Row::Delete`] the beginning of it is enough.
    pub key: Vec<Value>,
    /// What becomes of the row.
    pub row: Row,
}

/// What becomes of a row.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Row {
    /// This is the whole row from now on, whether there was one or not. Names every column outside the key.
    Put(Vec<Cell>),
    /// These columns change; nothing happens when there is no such row.
    Set(Vec<Cell>),
    /// All rows whose key begins so are gone.
    Delete,
}

/// A change does not fit its table. The event that it came from cannot be projected.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a change does not fit the table {table}: {what}")]
pub struct Misfit {
    /// The table.
    pub table: &'static str,
    /// What does not fit.
    pub what: String,
}

impl Change {
    /// The row with this key is this one.
    pub fn put(table: &'static Table, key: impl Into<Vec<Value>>, cells: impl Into<Vec<Cell>>) -> Self {
        Self { table, key: key.into(), row: Row::Put(cells.into()) }
    }

    /// In the row with this key, these columns change.
    pub fn set(table: &'static Table, key: impl Into<Vec<Value>>, cells: impl Into<Vec<Cell>>) -> Self {
        Self { table, key: key.into(), row: Row::Set(cells.into()) }
    }

    /// The rows whose key begins so are gone.
    pub fn delete(table: &'static Table, key: impl Into<Vec<Value>>) -> Self {
        Self { table, key: key.into(), row: Row::Delete }
    }

    /// Whether the change fits its table. Every sink asks, so that all sinks refuse the same events.
    pub fn check(&self) -> Result<(), Misfit> {
        let misfit = |what| Err(Misfit { table: self.table.name, what });
        let whole_key = self.key.len() == self.table.key.len();
        let beginning = (1..=self.table.key.len()).contains(&self.key.len()) && self.row == Row::Delete;
        if !whole_key && !beginning {
            return misfit(format!("the key has {} columns, not {}", self.table.key.len(), self.key.len()));
        }
        if let Some((column, value)) =
            self.table.key.iter().zip(&self.key).find(|(key, value)| !key.takes(value))
        {
            return misfit(format!("{} cannot be {value:?}", column.name));
        }
        let cells = match &self.row {
            Row::Put(cells) | Row::Set(cells) => cells.as_slice(),
            Row::Delete => &[],
        };
        for (name, value) in cells {
            match self.table.columns.iter().find(|column| column.name == *name) {
                None => return misfit(format!("there is no column {name}")),
                Some(column) if !column.takes(value) => {
                    return misfit(format!("{name} cannot be {value:?}"));
                }
                Some(_) => {}
            }
        }
        match &self.row {
            Row::Put(cells) => {
                self.table.columns.iter().try_for_each(|column| complete(self.table, column, cells))
            }
            Row::Set(cells) if cells.is_empty() => misfit("no column changes".into()),
            Row::Set(_) | Row::Delete => Ok(()),
        }
    }
}

fn complete(table: &'static Table, column: &Column, cells: &[Cell]) -> Result<(), Misfit> {
    match cells.iter().filter(|(name, _)| *name == column.name).count() {
        1 => Ok(()),
        0 => Err(Misfit { table: table.name, what: format!("{} is missing", column.name) }),
        _ => Err(Misfit { table: table.name, what: format!("{} stands there twice", column.name) }),
    }
}

#[cfg(test)]
mod tests {
    use super::Change;
    use crate::table::{Column, ColumnType, Table, Value};

    static PAIRS: Table = Table {
        name: "pairs",
        key: &[Column::new("a", ColumnType::Integer), Column::new("b", ColumnType::Integer)],
        columns: &[Column::new("x", ColumnType::Text), Column::optional("y", ColumnType::Bool)],
        indexes: &[],
    };

    #[test]
    fn a_change_fits_its_table_or_says_why_not() {
        let one = || Value::Integer(1);
        let x = || ("x", Value::from("x"));
        let y = || ("y", Value::Null);
        for (change, expected) in [
            (Change::put(&PAIRS, [one(), one()], [x(), y()]), ""),
            (Change::set(&PAIRS, [one(), one()], [y()]), ""),
            (Change::delete(&PAIRS, [one()]), ""),
            (Change::delete(&PAIRS, [one(), one()]), ""),
            (Change::delete(&PAIRS, []), "the key has 2 columns, not 0"),
            (Change::put(&PAIRS, [one()], [x(), y()]), "the key has 2 columns, not 1"),
            (Change::put(&PAIRS, [one(), one()], [x()]), "y is missing"),
            (Change::put(&PAIRS, [one(), one()], [x(), x(), y()]), "x stands there twice"),
            (Change::put(&PAIRS, [one(), "1".into()], [x(), y()]), "b cannot be Text(\"1\")"),
            (Change::set(&PAIRS, [one(), one()], [("z", one())]), "there is no column z"),
            (Change::set(&PAIRS, [one(), one()], [("x", Value::Null)]), "x cannot be Null"),
            (Change::set(&PAIRS, [one(), one()], [("x", "a\0".into())]), "x cannot be Text(\"a\\0\")"),
            (Change::set(&PAIRS, [one(), one()], []), "no column changes"),
        ] {
            let what = change.check().map_or_else(|misfit| misfit.what, |()| String::new());
            assert_eq!(what, expected, "{change:?}");
        }
    }
}
