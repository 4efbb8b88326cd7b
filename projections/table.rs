//! Tables as data: what a read model keeps its rows in, whatever the database.

use compact_str::{CompactString, ToCompactString};
use muster_events::{
    id::{MemberId, OrganizationId, TeamId, TokenId, UserId},
    personal::{KeyedHash, Personal, PersonalText},
    roles::RoleId,
    stream::{Position, Sequence, StreamId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// One cell. Totally ordered, so that rows of different sinks can be compared and digested. As JSON it is what it is there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A number: an id, a count, microseconds since the epoch.
    Integer(i64),
    /// A text, or JSON as a text.
    Text(CompactString),
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColumnType {
    /// [`Value::Bool`].
    Bool,
    /// [`Value::Integer`].
    Integer,
    /// [`Value::Text`] without NUL characters.
    Text,
    /// [`Value::Text`] that is JSON, kept to the letter: what is sealed is stored as it was sealed.
    Json,
}

impl ColumnType {
    fn holds(self, value: &Value) -> bool {
        match self {
            Self::Bool => matches!(value, Value::Bool(_)),
            Self::Integer => matches!(value, Value::Integer(_)),
            // Postgres stores no NUL; a row is the same in every database, so none does.
            Self::Text | Self::Json => matches!(value, Value::Text(text) if !text.contains('\0')),
        }
    }
}

/// One column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: ColumnType,
    /// Whether it can hold nothing.
    pub nullable: bool,
}

impl Column {
    /// A column that always holds something.
    pub const fn new(name: &'static str, kind: ColumnType) -> Self {
        Self { name, kind, nullable: false }
    }

    /// A column that can hold nothing.
    pub const fn optional(name: &'static str, kind: ColumnType) -> Self {
        Self { name, kind, nullable: true }
    }

    /// Whether `value` may stand in this column.
    pub fn takes(&self, value: &Value) -> bool {
        match value {
            Value::Null => self.nullable,
            value => self.kind.holds(value),
        }
    }
}

/// One table of a read model.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Table {
    /// Its name, unique among all read models.
    pub name: &'static str,
    /// The columns of the primary key, in order.
    pub key: &'static [Column],
    /// The other columns.
    pub columns: &'static [Column],
    /// Further indexes, each the names of its columns.
    pub indexes: &'static [&'static [&'static str]],
}

impl Table {
    /// The name of the table in the database that holds the rows of a generation.
    pub(crate) fn of_generation(&self, generation: u32) -> String {
        format!("{}_{generation}", self.name)
    }

    /// All columns, the key first.
    pub fn all_columns(&self) -> impl Iterator<Item = &'static Column> {
        self.key.iter().chain(self.columns)
    }
}

impl Value {
    /// The aggregate's id. One that is no number becomes a text, which no column of ids takes: such a stream is
    /// parked rather than passed over.
    pub fn id_of(stream: &StreamId) -> Self {
        let id = &stream.aggregate_id;
        id.parse().map_or_else(|_| Self::Text(id.clone()), Self::Integer)
    }

    /// The envelope of a personal value, as JSON. A value that is still open, which the log never holds, becomes
    /// nothing: plaintext cannot get into a view.
    pub fn sealed<T: PersonalText>(personal: &Personal<T>) -> Self {
        personal.envelope().map_or(Self::Null, Self::json)
    }

    /// The keyed hash of a personal value.
    pub fn hash<T: PersonalText>(personal: &Personal<T>) -> Self {
        personal.hash().map_or(Self::Null, Self::from)
    }

    /// `value` as JSON; nothing when it cannot be written, which a column that needs a value refuses.
    pub fn json(value: &impl Serialize) -> Self {
        serde_json::to_string(value).map_or(Self::Null, |text| Self::Text(text.into()))
    }
}

macro_rules! id_values {
    ($($id:ty),*) => {$(
        impl From<$id> for Value {
            fn from(id: $id) -> Self {
                Self::Integer(id.get().cast_signed())
            }
        }
    )*};
}

id_values!(OrganizationId, TeamId, MemberId, UserId, TokenId);

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Integer(number.into())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<&RoleId> for Value {
    fn from(role: &RoleId) -> Self {
        role.as_str().into()
    }
}

impl From<&KeyedHash> for Value {
    fn from(hash: &KeyedHash) -> Self {
        Self::Text(hash.0.to_compact_string())
    }
}

impl From<Timestamp> for Value {
    fn from(time: Timestamp) -> Self {
        Self::Integer(time.as_micros())
    }
}

impl From<Sequence> for Value {
    fn from(sequence: Sequence) -> Self {
        Self::Integer(sequence.0.cast_signed())
    }
}

impl From<Position> for Value {
    fn from(position: Position) -> Self {
        Self::Integer(position.0.cast_signed())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
