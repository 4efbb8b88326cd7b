//! What the last comparison of living rows with the log has found, for every process to be seen.

use muster_events::{stream::Position, time::Timestamp};

use super::{Views, bookkeeping, bookkeeping::VERIFICATIONS, generation::number};
use crate::{
    change::Change,
    database::Query,
    error::ViewError,
    projection::Projection,
    read::Cells,
    sink::{fold::Fold, live},
    sql,
};

/// A comparison of the living rows of a projection with the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// The projection's name.
    pub projection: String,
    /// The generation that was living.
    pub generation: u32,
    /// At which position both were.
    pub position: Position,
    /// When.
    pub checked_at: Timestamp,
    /// How many differences were found.
    pub differences: u64,
}

impl Views {
    /// Notes what a comparison has found, in place of the last one.
    pub async fn note(&self, verification: &Verification) -> Result<(), ViewError> {
        let cells = [
            ("generation", verification.generation.into()),
            ("position", verification.position.into()),
            ("checked_at", verification.checked_at.into()),
            ("differences", verification.differences.cast_signed().into()),
        ];
        let mut fold = Fold::default();
        fold.add(Change::put(&VERIFICATIONS, [verification.projection.as_str().into()], cells));
        let mut filling = self.writer.filling().await?;
        live::carry_out(&mut filling, fold).await?;
        Ok(filling.commit().await?)
    }

    /// The last comparison of each projection, by projection.
    pub async fn verifications(&self) -> Result<Vec<Verification>, ViewError> {
        if !bookkeeping::is_there(&self.readers, &bookkeeping::GENERATIONS).await? {
            return Ok(vec![]);
        }
        let read = |cells: Cells<'_>| {
            Ok(Verification {
                projection: cells.text("projection")?.into(),
                generation: number(cells, "generation")?,
                position: Position(cells.count("position")?),
                checked_at: cells.time("checked_at")?,
                differences: cells.count("differences")?,
            })
        };
        let rows = self.readers.rows(&Query::new(sql::select_all(&VERIFICATIONS))).await?;
        rows.iter().map(|row| read(Cells(row))).collect()
    }
}

/// Forgets it.
pub(super) fn forget(projection: &Projection) -> Change {
    Change::delete(&VERIFICATIONS, [projection.name.into()])
}
