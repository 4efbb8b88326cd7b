//! Digests of a generation: two with the same one at the same position hold the same.

use std::io;

use muster_events::stream::Position;
use sha2::{Digest as _, Sha256};
use tokio::task::JoinSet;

use super::{Building, Views, parked::ParkedStream, verify::Snapshot};
use crate::{
    database::Transaction,
    error::ViewError,
    projection::Projection,
    sink::page::page,
    table::{Table, Value},
};

/// Rows that are read at once.
const PAGE: usize = 2_000;

/// What a generation holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewDigest {
    /// The number of the generation.
    pub generation: u32,
    /// Where it stands.
    pub position: Position,
    /// Its tables.
    pub tables: Vec<TableDigest>,
    /// Of what is set aside in it.
    pub parked: String,
}

/// What a table holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableDigest {
    /// The table's name.
    pub table: &'static str,
    /// How many rows.
    pub rows: u64,
    /// SHA-256 over its rows in the order of their keys, in hexadecimal digits.
    pub digest: String,
}

impl ViewDigest {
    /// One digest of all.
    pub fn whole(&self) -> String {
        let mut hash = Sha256::new();
        for table in &self.tables {
            text(&mut hash, table.table);
            text(&mut hash, &table.digest);
        }
        text(&mut hash, &self.parked);
        hex::encode(hash.finalize())
    }

    /// Whether both hold the same.
    pub fn is_same(&self, other: &Self) -> bool {
        self.tables == other.tables && self.parked == other.parked
    }
}

/// The digests of two generations at one position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// Of the living one.
    pub living: ViewDigest,
    /// Of the one that is to take its place.
    pub built: ViewDigest,
}

impl Views {
    /// The digests of the living generation and of the one that was built, at one position; none when they do not stand at
    /// the same one now.
    pub async fn compare(&self, building: &Building) -> Result<Option<Comparison>, ViewError> {
        let living = self.snapshot(building.projection, None).await?;
        let built = self.snapshot(building.projection, Some(building.number())).await?;
        let Some((living, built)) = living.zip(built) else { return Ok(None) };
        if living.position() != built.position() {
            return Ok(None);
        }
        // The one on a task of its own, because most of it is work and no waiting; it ends with this.
        let mut beside = JoinSet::new();
        beside.spawn(living.digest());
        let built = built.digest().await?;
        let living = beside.join_next().await.ok_or(sqlx::Error::WorkerCrashed)?;
        let living = living.map_err(|error| sqlx::Error::Io(io::Error::other(error)))??;
        Ok(Some(Comparison { living, built }))
    }

    /// The digest of the living rows of `projection`; none when there are none of this version.
    pub async fn digest(&self, projection: &'static Projection) -> Result<Option<ViewDigest>, ViewError> {
        match self.snapshot(projection, None).await? {
            Some(living) => living.digest().await.map(Some),
            None => Ok(None),
        }
    }
}

impl Snapshot {
    async fn digest(self) -> Result<ViewDigest, ViewError> {
        let Self { mut reading, projection, generation, parked } = self;
        let mut tables = vec![];
        for table in projection.tables {
            tables.push(digest_of_table(&mut reading, table, &generation.name_of(table)).await?);
        }
        let mut hash = Sha256::new();
        for stream in &parked {
            add_parked(&mut hash, stream);
        }
        let parked = hex::encode(hash.finalize());
        Ok(ViewDigest { generation: generation.number, position: generation.position, tables, parked })
    }
}

async fn digest_of_table(
    reading: &mut Transaction,
    table: &'static Table,
    name: &str,
) -> Result<TableDigest, ViewError> {
    let (mut hash, mut rows, mut after) = (Sha256::new(), 0, None::<Vec<Value>>);
    loop {
        let mut page = page(reading, table, name, after.as_deref(), PAGE).await?;
        for (key, cells) in &page {
            key.iter().chain(cells).for_each(|value| add(&mut hash, value));
        }
        rows += u64::try_from(page.len()).unwrap_or(u64::MAX);
        if page.len() < PAGE {
            return Ok(TableDigest { table: table.name, rows, digest: hex::encode(hash.finalize()) });
        }
        after = page.pop().map(|(key, _)| key);
    }
}

/// What kind of value, its length, the value: no two rows are written alike.
fn add(hash: &mut Sha256, value: &Value) {
    match value {
        Value::Null => hash.update([0]),
        Value::Bool(value) => hash.update([1, u8::from(*value)]),
        Value::Integer(value) => {
            hash.update([2]);
            hash.update(value.to_be_bytes());
        }
        Value::Text(value) => text(hash, value),
    }
}

fn text(hash: &mut Sha256, text: &str) {
    hash.update([3]);
    hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
    hash.update(text.as_bytes());
}

/// Without the words of the error, which another version of the program may choose otherwise.
fn add_parked(hash: &mut Sha256, parked: &ParkedStream) {
    text(hash, &parked.stream.aggregate_type);
    text(hash, &parked.stream.aggregate_id);
    for number in [parked.first_sequence.0, parked.first_position.0, parked.last_position.0, parked.events] {
        hash.update(number.to_be_bytes());
    }
}
