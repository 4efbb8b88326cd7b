//! What many changes come to: the last state of each row, so that a database is told each row once, and all rows of
//! which the same is told at once.
//!
//! Rows are told apart by their keys, so nothing but the order of the changes of one key has to be kept.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, hash_map::Entry},
    iter,
};

use foldhash::fast::RandomState;

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
    /// Whether the tables have no rows.
    is_over_nothing: bool,
}

#[derive(Debug)]
struct TableFold {
    table: &'static Table,
    /// Its name in the database.
    name: String,
    /// Beginnings of keys. Carried out first: what was put behind a deletion is among `rows`, what was set behind it
    /// finds no row.
    deleted: BTreeSet<Vec<Value>>,
    rows: HashMap<Vec<Value>, RowFold, RandomState>,
    /// The keys of `rows` by their first value, where keys have several: a beginning can be deleted.
    beginnings: HashMap<Value, Vec<Vec<Value>>, RandomState>,
}

/// What is known of a row: a cell that is not, stays as the database has it.
#[derive(Debug)]
struct RowFold {
    /// Whether this is the row, whether there was one or not.
    is_put: bool,
    cells: Vec<Option<Value>>,
}

impl Fold {
    /// Of changes of tables that have no rows: there is nothing to be deleted, or set before it is put.
    pub(crate) fn over_nothing() -> Self {
        Self { is_over_nothing: true, ..Self::default() }
    }

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
            rows: HashMap::default(),
            beginnings: HashMap::default(),
        });
        match row {
            Row::Put(cells) => {
                let row = fold.row(key);
                *row = RowFold::new(table, true);
                row.write(table, cells);
            }
            Row::Set(cells) if self.is_over_nothing => {
                if let Some(row) = fold.rows.get_mut(&key) {
                    row.write(table, cells);
                }
            }
            Row::Set(cells) => fold.row(key).write(table, cells),
            Row::Delete => {
                fold.remove(&key);
                if !self.is_over_nothing {
                    fold.deleted.insert(key);
                }
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
    pub(crate) fn into_groups(self) -> Vec<Group> {
        self.tables.into_values().flat_map(TableFold::into_groups).collect()
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
}

/// Changes of one table that have one statement in common.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) table: &'static Table,
    /// Its name in the database.
    pub(crate) name: String,
    pub(crate) act: Act,
    /// The columns that each row has a value for: those of the key, or of its beginning, first.
    pub(crate) columns: Vec<&'static Column>,
    pub(crate) rows: Vec<Vec<Value>>,
}

impl Group {
    /// The same in parts of at most so many rows.
    pub(crate) fn into_parts(self, rows: usize) -> impl Iterator<Item = Self> {
        let Self { table, name, act, columns, rows: all } = self;
        let mut left = all.into_iter();
        iter::from_fn(move || {
            let rows: Vec<_> = left.by_ref().take(rows).collect();
            let (name, columns) = (name.clone(), columns.clone());
            (!rows.is_empty()).then_some(Self { table, name, act, columns, rows })
        })
    }
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

    fn into_groups(self) -> impl Iterator<Item = Group> {
        let Self { table, name, deleted, rows, .. } = self;
        // By what a statement differs in: the columns are those of the key, or of its beginning, and those that are told of.
        let mut groups: BTreeMap<(Act, usize, Vec<bool>), Group> = BTreeMap::new();
        let mut add = |act, key: usize, told: Vec<bool>, row| {
            let group = groups.entry((act, key, told)).or_insert_with_key(|(_, _, told)| {
                let others = table.columns.iter().zip(told).filter(|(_, told)| **told);
                let columns = table.key.iter().take(key).chain(others.map(|(column, _)| column)).collect();
                Group { table, name: name.clone(), act, columns, rows: vec![] }
            });
            group.rows.push(row);
        };
        for beginning in deleted {
            add(Act::Delete, beginning.len(), vec![], beginning);
        }
        let mut rows: Vec<_> = rows.into_iter().collect();
        rows.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        for (mut row, RowFold { is_put, cells }) in rows {
            let (act, key) = (if is_put { Act::Put } else { Act::Set }, row.len());
            let told = cells.iter().map(Option::is_some).collect();
            row.extend(cells.into_iter().flatten());
            add(act, key, told, row);
        }
        groups.into_values()
    }
}
