//! What carries out changes. One fold, several sinks: the rows of each are the same.

pub mod memory;
pub mod sqlite;

use std::collections::BTreeMap;

use crate::table::Value;

/// The rows of one table: cells outside the key, in the order of the table's columns, by key.
pub type Rows = BTreeMap<Vec<Value>, Vec<Value>>;
