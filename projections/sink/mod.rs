//! What carries out changes. One fold, several sinks: the rows of each are the same.

pub(crate) mod fold;
pub(crate) mod live;
pub mod memory;
pub(crate) mod page;

use std::{collections::BTreeMap, ops::Bound};

use crate::table::{Table, Value};

/// The rows of one table: cells outside the key, in the order of the table's columns, by key.
pub type Rows = BTreeMap<Vec<Value>, Vec<Value>>;

/// Takes out all whose key begins so. A key sorts directly before the keys that begin with it.
fn remove<T>(rows: &mut BTreeMap<Vec<Value>, T>, beginning: &[Value]) {
    let from: (Bound<&[Value]>, _) = (Bound::Included(beginning), Bound::Unbounded);
    let keys: Vec<_> = rows
        .range::<[Value], _>(from)
        .map(|(key, _)| key)
        .take_while(|key| key.starts_with(beginning))
        .cloned()
        .collect();
    for key in keys {
        rows.remove(&key);
    }
}

/// Where a column stands in a row.
fn place(table: &Table, name: &str) -> Option<usize> {
    table.columns.iter().position(|column| column.name == name)
}
