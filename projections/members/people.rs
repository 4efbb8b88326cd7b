//! Whose accounts the rows of members name.

use std::collections::BTreeSet;

use muster_events::id::UserId;

use super::table::{ACCESS_REQUESTS, MEMBERS};
use crate::{
    read::Id as _,
    sink::memory::MemoryTables,
    table::{Table, Value},
};

/// The columns that name an account.
const NAMING: [(&Table, &str); 3] =
    [(&MEMBERS, "user_id"), (&MEMBERS, "inviter_id"), (&ACCESS_REQUESTS, "requester_id")];

/// The accounts that these rows need to be shown.
pub fn people(tables: &MemoryTables) -> BTreeSet<UserId> {
    let id = |value: &Value| match value {
        Value::Integer(number) => UserId::from_number(number.cast_unsigned()).ok(),
        _ => None,
    };
    let mut people = BTreeSet::new();
    for (table, column) in NAMING {
        let Some(place) = table.columns.iter().position(|known| known.name == column) else { continue };
        people.extend(tables.iter(table).filter_map(|(_, row)| row.get(place)).filter_map(id));
    }
    people
}
