//! What many changes come to: the last state of each row, so that a database is told each row once, and all rows of
//! which the same is told at once.
//!
//! Rows are told apart by their keys, so nothing but the order of the changes of one key has to be kept.

use std::collections::{BTreeMap, BTreeSet, HashMap, hash_map::Entry};

use super::place;
use crate::{
    change::{Cell, Change, Row},
    table::{Column, Table, Value},
};

/// Changes, folded.
#[derive(Debug, Default)]
pub(crate) struct Fold {
    /// By the table's own name, and the generation where there are several.
    tables: BTreeMap<(&'static str, Option<u32>), TableFold>,
}

#[derive(Debug)]
struct TableFold {
    table: &'static Table,
    /// Its name in the database.
    name: String,
    /// Beginnings of keys. Carried out first: what was put behind a deletion is among `rows`, what was set behind it
    /// finds no row.
    deleted: BTreeSet<Vec<Value>>,
    rows: HashMap<Vec<Value>, RowFold>,
    /// The keys of `rows` by their first value, where keys have several: a beginning can be deleted.
    beginnings: HashMap<Value, Vec<Vec<Value>>>,
}

/// What is known of a row: a cell that is not, stays as the database has it.
#[derive(Debug)]
struct RowFold {
    /// Whether this is the row, whether there was one or not.
    is_put: bool,
    cells: Vec<Option<Value>>,
}

impl Fold {
    /// Adds a change behind those that are here, of a table that there is only one of. The change fits its table.
    pub(crate) fn add(&mut self, change: Change) {
        self.add_at(None, change);
    }

    /// Adds a change of the rows of one generation. The change fits its table.
    pub(crate) fn add_to(&mut self, generation: u32, change: Change) {
        self.add_at(Some(generation), change);
    }

    fn add_at(&mut self, generation: Option<u32>, change: Change) {
        let Change { table, key, row } = change;
        let fold = self.tables.entry((table.name, generation)).or_insert_with(|| TableFold {
            table,
            name: generation.map_or_else(|| table.name.into(), |generation| table.of_generation(generation)),
            deleted: BTreeSet::new(),
            rows: HashMap::new(),
            beginnings: HashMap::new(),
        });
        match row {
            Row::Put(cells) => {
                let row = fold.row(key);
                *row = RowFold::new(table, true);
                row.write(table, cells);
            }
            Row::Set(cells) => fold.row(key).write(table, cells),
            Row::Delete => {
                fold.remove(&key);
                fold.deleted.insert(key);
            }
        }
    }

    /// How many rows it has something for.
    pub(crate) fn len(&self) -> usize {
        self.tables.values().map(|fold| fold.rows.len() + fold.deleted.len()).sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// The statements, to be carried out in this order.
    pub(crate) fn groups(&self) -> Vec<Group<'_>> {
        self.tables.values().flat_map(TableFold::groups).collect()
    }
}

impl RowFold {
    fn new(table: &Table, is_put: bool) -> Self {
        Self { is_put, cells: vec![None; table.columns.len()] }
    }

    fn write(&mut self, table: &Table, cells: Vec<Cell>) {
        for (name, value) in cells {
            if let Some(cell) = place(table, name).and_then(|place| self.cells.get_mut(place)) {
                *cell = Some(value);
            }
        }
    }

    /// Which columns it has something for.
    fn columns(&self, table: &'static Table) -> impl Iterator<Item = &'static Column> {
        table.columns.iter().zip(&self.cells).filter(|(_, cell)| cell.is_some()).map(|(column, _)| column)
    }
}

/// Changes of one table that have one statement in common.
#[derive(Debug)]
pub(crate) struct Group<'a> {
    pub(crate) table: &'static Table,
    /// Its name in the database.
    pub(crate) name: &'a str,
    pub(crate) act: Act,
    /// The columns that each row has a value for: those of the key, or of its beginning, first.
    pub(crate) columns: Vec<&'static Column>,
    pub(crate) rows: Vec<Vec<&'a Value>>,
}

/// What becomes of the rows of a [`Group`]; as [`Row`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Act {
    Delete,
    Put,
    Set,
}

impl TableFold {
    /// What is known of the row with this key; nothing at first.
    fn row(&mut self, key: Vec<Value>) -> &mut RowFold {
        match self.rows.entry(key) {
            Entry::Occupied(there) => there.into_mut(),
            Entry::Vacant(new) => {
                if let [first, _, ..] = new.key().as_slice() {
                    self.beginnings.entry(first.clone()).or_default().push(new.key().clone());
                }
                new.insert(RowFold::new(self.table, false))
            }
        }
    }

    /// Takes out all whose key begins so.
    fn remove(&mut self, beginning: &[Value]) {
        self.rows.remove(beginning);
        let Some(keys) = beginning.first().and_then(|first| self.beginnings.get_mut(first)) else { return };
        let rows = &mut self.rows;
        keys.retain(|key| {
            let stays = !key.starts_with(beginning);
            if !stays {
                rows.remove(key);
            }
            stays
        });
    }

    fn groups(&self) -> impl Iterator<Item = Group<'_>> {
        let (table, name) = (self.table, self.name.as_str());
        let mut groups: BTreeMap<(Act, Vec<&'static str>), Group<'_>> = BTreeMap::new();
        let mut add = |act, columns: Vec<&'static Column>, row| {
            let names = columns.iter().map(|column| column.name).collect();
            let empty = Group { table, name, act, columns, rows: vec![] };
            groups.entry((act, names)).or_insert(empty).rows.push(row);
        };
        for beginning in &self.deleted {
            add(Act::Delete, table.key.iter().take(beginning.len()).collect(), beginning.iter().collect());
        }
        let mut rows: Vec<_> = self.rows.iter().collect();
        rows.sort_unstable_by_key(|(key, _)| *key);
        for (key, row) in rows {
            let act = if row.is_put { Act::Put } else { Act::Set };
            let columns = table.key.iter().chain(row.columns(table)).collect();
            add(act, columns, key.iter().chain(row.cells.iter().flatten()).collect());
        }
        groups.into_values()
    }
}
