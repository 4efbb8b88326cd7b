//! States of organizations that were folded once, so that the next state is not folded from the beginning.

use muster_events::{id::OrganizationId, stream::Position};

use super::{
    Views,
    bookkeeping::{self, SNAPSHOTS},
};
use crate::{
    change::Change,
    database::Query,
    error::ViewError,
    read::Cells,
    sink::{fold::Fold, live, memory::MemoryTables},
    table::{Table, Value},
};

/// Whose state it is, and what made it.
#[derive(Debug, Clone, Copy)]
pub struct SnapshotOf<'a> {
    /// Names the log, and what folded it: whoever folds otherwise does not go on from it.
    pub made_by: &'a str,
    /// The organization.
    pub organization: OrganizationId,
}

impl Views {
    /// The newest state at `up_to` or before, and where it stands. One that cannot be read is none.
    pub async fn snapshot_before(
        &self,
        of: SnapshotOf<'_>,
        up_to: Position,
        tables: impl IntoIterator<Item = &'static Table>,
    ) -> Result<Option<(Position, MemoryTables)>, ViewError> {
        if !bookkeeping::is_there(&self.readers, &SNAPSHOTS).await? {
            return Ok(None);
        }
        let sql = "SELECT position, tables FROM snapshots WHERE made_by = $1 AND organization_id = $2 AND position <= $3 \
                   ORDER BY position DESC LIMIT 1";
        let query = Query::new(sql).bind(of.made_by).bind(of.organization).bind(up_to);
        let Some(row) = self.readers.row(&query).await? else { return Ok(None) };
        let cells = Cells(&row);
        let read = MemoryTables::from_json(cells.text("tables")?, tables).ok();
        Ok(read.zip(cells.count("position").ok()).map(|(tables, position)| (Position(position), tables)))
    }

    /// Keeps a state.
    pub async fn keep_snapshot(
        &self,
        of: SnapshotOf<'_>,
        at: Position,
        tables: &MemoryTables,
    ) -> Result<(), ViewError> {
        let Ok(json) = tables.to_json() else { return Ok(()) };
        let key = [of.made_by.into(), of.organization.into(), at.into()];
        let mut fold = Fold::default();
        fold.add(Change::put(&SNAPSHOTS, key, [("tables", Value::from(json.as_str()))]));
        let mut filling = self.writer.filling().await?;
        live::carry_out(&mut filling, fold).await?;
        Ok(filling.commit().await?)
    }

    /// Forgets what others made: it reads all keys.
    pub async fn forget_snapshots_but(&self, made_by: &str) -> Result<(), ViewError> {
        let mut filling = self.writer.filling().await?;
        filling.rows(&Query::new("DELETE FROM snapshots WHERE made_by <> $1").bind(made_by)).await?;
        Ok(filling.commit().await?)
    }

    /// Where the states of an organization stand that are kept.
    pub async fn snapshots(&self, organization: OrganizationId) -> Result<Vec<Position>, ViewError> {
        let sql = "SELECT position FROM snapshots WHERE organization_id = $1 ORDER BY position";
        let rows = self.readers.rows(&Query::new(sql).bind(organization)).await?;
        rows.iter().map(|row| Ok(Position(Cells(row).count("position")?))).collect()
    }
}
