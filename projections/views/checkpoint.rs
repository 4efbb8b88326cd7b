//! How far each projection has come, kept beside its rows and saved in the same transaction.

use muster_events::stream::Position;
use sqlx::SqliteConnection;

use super::Views;
use crate::{error::ViewError, projection::Projection, read::Cells};

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
    pub(super) fn is_of(&self, projection: &Projection, incarnation: &str) -> bool {
        self.projection == projection.name
            && self.version == projection.version
            && self.incarnation == incarnation
    }
}

impl Views {
    /// How far each projection has come; nowhere in new views.
    pub async fn checkpoints(&self) -> Result<Vec<Checkpoint>, ViewError> {
        let mut connection = self.readers.acquire().await?;
        let sql = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'checkpoints'";
        if sqlx::query(sql).fetch_optional(&mut *connection).await?.is_none() {
            return Ok(vec![]);
        }
        read(&mut connection).await
    }
}

pub(super) async fn read(connection: &mut SqliteConnection) -> Result<Vec<Checkpoint>, ViewError> {
    let sql =
        "SELECT projection, version, incarnation, position, tables FROM checkpoints ORDER BY projection";
    let rows = sqlx::query(sql).fetch_all(connection).await?;
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
pub(super) async fn begin(
    connection: &mut SqliteConnection,
    projection: &Projection,
    incarnation: &str,
) -> Result<(), sqlx::Error> {
    let tables: Vec<_> = projection.tables.iter().map(|table| table.name).collect();
    let sql = "INSERT INTO checkpoints (projection, version, incarnation, position, tables) \
        VALUES ($1, $2, $3, 0, $4) ON CONFLICT (projection) DO UPDATE SET version = excluded.version, \
        incarnation = excluded.incarnation, position = excluded.position, tables = excluded.tables";
    let query = sqlx::query(sql).bind(projection.name).bind(projection.version);
    query.bind(incarnation).bind(tables.join(",")).execute(connection).await?;
    Ok(())
}

/// Moves the checkpoint of `projection`. The caller holds the write lock and has looked at the old one under it.
pub(super) async fn advance(
    connection: &mut SqliteConnection,
    projection: &Projection,
    position: Position,
) -> Result<(), sqlx::Error> {
    let sql = "UPDATE checkpoints SET position = $2 WHERE projection = $1";
    let query = sqlx::query(sql).bind(projection.name).bind(position.0.cast_signed());
    query.execute(connection).await?;
    Ok(())
}
