//! Changes carried out in memory: for states of the past, and to compare with what a database holds.

use std::collections::BTreeMap;

use super::{Rows, place, remove};
use crate::{
    change::{Cell, Change, Misfit, Row},
    table::{Table, Value},
};

/// Tables in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemoryTables {
    tables: BTreeMap<&'static str, Rows>,
}

impl MemoryTables {
    /// Carries out `changes` in order; at the first that does not fit, those before it are done.
    pub fn apply(&mut self, changes: impl IntoIterator<Item = Change>) -> Result<(), Misfit> {
        for change in changes {
            change.check()?;
            let rows = self.tables.entry(change.table.name).or_default();
            match change.row {
                Row::Put(cells) => {
                    let mut row = vec![Value::Null; change.table.columns.len()];
                    write(change.table, &mut row, cells);
                    rows.insert(change.key, row);
                }
                Row::Set(cells) => {
                    if let Some(row) = rows.get_mut(&change.key) {
                        write(change.table, row, cells);
                    }
                }
                Row::Delete => remove(rows, &change.key),
            }
        }
        Ok(())
    }

    /// How many rows there are in all tables.
    pub fn len(&self) -> usize {
        self.tables.values().map(BTreeMap::len).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// As JSON: for each table its rows, each the cells of its key and then the others.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        let rows =
            |rows: &Rows| rows.iter().map(|(key, row)| [&key[..], &row[..]].concat()).collect::<Vec<_>>();
        let tables: BTreeMap<_, _> = self.tables.iter().map(|(name, of)| (name, rows(of))).collect();
        serde_json::to_string(&tables)
    }

    /// What [`MemoryTables::to_json`] wrote, where these are the tables.
    ///
    /// # Errors
    ///
    /// What does not fit, in words.
    pub fn from_json(text: &str, tables: impl IntoIterator<Item = &'static Table>) -> Result<Self, String> {
        let mut stored: BTreeMap<String, Vec<Vec<Value>>> =
            serde_json::from_str(text).map_err(|error| error.to_string())?;
        let mut read = Self::default();
        for table in tables {
            let rows = stored.remove(table.name).unwrap_or_default();
            let fits = |row: &Vec<Value>| {
                row.len() == table.all_columns().count()
                    && table.all_columns().zip(row).all(|(column, cell)| column.takes(cell))
            };
            if !rows.iter().all(fits) {
                return Err(format!("a row does not fit into {}", table.name));
            }
            let split = |mut row: Vec<Value>| {
                let cells = row.split_off(table.key.len());
                (row, cells)
            };
            read.tables.insert(table.name, rows.into_iter().map(split).collect());
        }
        match stored.keys().next() {
            Some(unknown) => Err(format!("{unknown} is none of the tables")),
            None => Ok(read),
        }
    }

    /// The rows of `table`.
    pub fn rows(&self, table: &Table) -> Rows {
        self.tables.get(table.name).cloned().unwrap_or_default()
    }

    /// The rows of `table` in the order of their keys.
    pub(crate) fn iter(&self, table: &Table) -> impl Iterator<Item = (&Vec<Value>, &Vec<Value>)> {
        self.tables.get(table.name).into_iter().flatten()
    }
}

fn write(table: &Table, row: &mut [Value], cells: Vec<Cell>) {
    for (name, value) in cells {
        if let Some(cell) = place(table, name).and_then(|place| row.get_mut(place)) {
            *cell = value;
        }
    }
}
