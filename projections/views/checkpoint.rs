//! How far each projection has come, kept beside its rows and saved in the same transaction.

use super::{
    Views,
    bookkeeping::{self, CHECKPOINTS},
};
use crate::{
    change::Change,
    database::{Query, Row},
    error::ViewError,
    projection::Projection,
    read::Cells,
};
use muster_events::stream::Position;

/// How far a projection has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The projection's name.
    pub projection: String,
    /// The version that its rows were made by.
    pub version: u32,
    /// The incarnation of the log that its rows were made from.
    pub incarnation: String,
    /// The position of the last event that was applied or parked.
    pub position: Position,
    /// The tables that hold its rows.
    pub tables: Vec<String>,
}

impl Checkpoint {
    /// Whether the rows behind this checkpoint are what `projection` makes from the log `incarnation`.
    pub fn is_of(&self, projection: &Projection, incarnation: &str) -> bool {
        self.projection == projection.name
            && self.version == projection.version
            && self.incarnation == incarnation
    }
}

impl Views {
    /// How far each projection has come; nowhere in new views.
    pub async fn checkpoints(&self) -> Result<Vec<Checkpoint>, ViewError> {
        if !bookkeeping::is_there(&self.readers).await? {
            return Ok(vec![]);
        }
        read(&self.readers.rows(&query()).await?)
    }
}

/// The query for all checkpoints, which [`read`] reads.
pub(super) fn query() -> Query {
    Query::new(
        "SELECT projection, version, incarnation, position, tables FROM checkpoints ORDER BY projection",
    )
}

pub(super) fn read(rows: &[Row]) -> Result<Vec<Checkpoint>, ViewError> {
    let checkpoint = |cells: Cells<'_>| {
        Ok(Checkpoint {
            projection: cells.text("projection")?.into(),
            // A number that no version has is a version that nothing matches.
            version: u32::try_from(cells.count("version")?).unwrap_or(u32::MAX),
            incarnation: cells.text("incarnation")?.into(),
            position: Position(cells.count("position")?),
            tables: cells.text("tables")?.split(',').map(Into::into).collect(),
        })
    };
    rows.iter().map(|row| checkpoint(Cells(row))).collect()
}

/// Starts `projection` at zero.
pub(super) fn begin(projection: &Projection, incarnation: &str) -> Change {
    let tables: Vec<_> = projection.tables.iter().map(|table| table.name).collect();
    let cells = [
        ("version", projection.version.into()),
        ("incarnation", incarnation.into()),
        ("position", Position::ZERO.into()),
        ("tables", tables.join(",").as_str().into()),
    ];
    Change::put(&CHECKPOINTS, [projection.name.into()], cells)
}

/// Moves the checkpoint of `projection`. The caller holds the write lock and has looked at the old one under it.
pub(super) fn advance(projection: &Projection, position: Position) -> Change {
    Change::set(&CHECKPOINTS, [projection.name.into()], [("position", position.into())])
}
