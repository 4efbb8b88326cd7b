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
