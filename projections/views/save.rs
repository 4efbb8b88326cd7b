//! Saving what a rebuild has folded, without holding up whoever keeps the living rows.

use std::{collections::BTreeSet, time::Duration};

use muster_events::stream::Position;

use super::{
    Building, Views,
    apply::{self, Care, Failure},
    building::{alive, is_ours},
    generation,
    parked::{self, Parked},
};
use crate::{
    change::Change,
    database::{Query, Transaction},
    error::ViewError,
    projection::LogEntry,
    sink::{
        fold::{Act, Fold, Group},
        live::{self, SinkError},
    },
    sql::{self, Dialect},
    views::bookkeeping::GENERATIONS,
};

/// Most rows in one transaction of SQLite, where only one process writes at a time.
const CHUNK: usize = 2_000;
/// The rest between two such transactions, in which others write.
const REST: Duration = Duration::from_millis(2);

/// What became of an attempt to save.
#[derive(Debug)]
pub enum Saved {
    /// It is saved.
    Saved,
    /// The database refuses a row because of what it is. Nothing is lost: the events after
    /// [`Building::saved`] are to be given to [`Views::save_each`].
    Refused(String),
    /// Another process builds, or nobody does: the generation is not ours any more.
    Lost,
}

impl Views {
    /// Saves what was folded and how far that is.
    ///
    /// Rows and position need not be saved in one transaction. A process that is killed between the two leaves rows of
    /// later events than the position says, and the next one folds these events once more over them. The rows are the
    /// same in the end: in a stretch of the log, the last [`Put`] or [`Delete`] of a row decides what it is whatever it
    /// was before; without one the row exists as it did before, and the last [`Set`] of each of its cells decides.
    ///
    /// [`Put`]: crate::change::Row::Put
    /// [`Delete`]: crate::change::Row::Delete
    /// [`Set`]: crate::change::Row::Set
    pub async fn save(&self, building: &mut Building) -> Result<Saved, ViewError> {
        let saved = match self.writer.dialect() {
            Dialect::Postgres => self.save_as_one(building).await,
            Dialect::Sqlite => self.save_in_chunks(building).await,
        };
        match saved {
            Ok(true) => {
                building.generation.position = building.folded;
                building.fold = Fold::default();
                Ok(Saved::Saved)
            }
            Ok(false) => Ok(Saved::Lost),
            Err(Failure::Sink(SinkError::Refused(text))) => Ok(Saved::Refused(text)),
            Err(failure) => Err(failure.into()),
        }
    }

    /// False when the generation is not ours any more.
    async fn save_as_one(&self, building: &mut Building) -> Result<bool, Failure> {
        let mut filling = self.writer.filling().await?;
        if !is_ours(&mut filling, building).await? {
            return Ok(false);
        }
        // Rows and position are one transaction here, so tables at the beginning have no rows.
        let is_empty = building.generation.position == Position::ZERO;
        for group in building.fold.groups() {
            match (is_empty, group.act) {
                (true, Act::Put) => filling.fill(&group).await?,
                // Nothing is there to be deleted or set.
                (true, Act::Delete | Act::Set) => {}
                (false, _) => filling.carry_out(&group).await?,
            }
        }
        let parked = save_position(&mut filling, building).await?;
        filling.commit().await?;
        building.parked = parked;
        Ok(true)
    }

    async fn save_in_chunks(&self, building: &mut Building) -> Result<bool, Failure> {
        let Some(empty) = self.empty_tables(building).await? else { return Ok(false) };
        let groups = building.fold.groups();
        let is_needed = |group: &&Group<'_>| group.act == Act::Put || !empty.contains(group.name);
        for chunk in groups.iter().filter(is_needed).flat_map(chunks) {
            let mut filling = self.writer.filling().await?;
            if !is_ours(&mut filling, building).await? {
                return Ok(false);
            }
            filling.carry_out(&chunk).await?;
            let mut fold = Fold::default();
            fold.add(alive(&mut filling, building).await?);
            live::carry_out(&mut filling, &fold).await?;
            filling.commit().await?;
            tokio::time::sleep(REST).await;
        }
        let mut filling = self.writer.filling().await?;
        if !is_ours(&mut filling, building).await? {
            return Ok(false);
        }
        let parked = save_position(&mut filling, building).await?;
        filling.commit().await?;
        building.parked = parked;
        Ok(true)
    }

    /// The tables without rows. Nobody else fills them, so they get those only that are put there. None when the generation
    /// is not ours any more.
    async fn empty_tables(&self, building: &Building) -> Result<Option<BTreeSet<String>>, Failure> {
        let mut filling = self.writer.filling().await?;
        if !is_ours(&mut filling, building).await? {
            return Ok(None);
        }
        let mut empty = BTreeSet::new();
        for table in building.projection.tables {
            let name = building.generation.name_of(table);
            if filling.row(&Query::new(sql::any_row(&name))).await?.is_none() {
                empty.insert(name);
            }
        }
        Ok(Some(empty))
    }

    /// Carries out `entries`, what concerns the projection of the log after [`Building::saved`] up to `end`, each by
    /// itself: one that is refused has its stream set aside, as it would be in the living rows. What was folded is
    /// forgotten. False when the generation is not ours any more.
    pub async fn save_each(
        &self,
        building: &mut Building,
        entries: &[LogEntry],
        end: Position,
    ) -> Result<bool, ViewError> {
        let mut filling = self.writer.filling().await?;
        if !is_ours(&mut filling, building).await? {
            return Ok(false);
        }
        let mut targets = [(building.projection, building.generation.clone())];
        let parked = apply::carry_out(&mut filling, &mut targets, entries, end, Care::Each).await;
        let parked = parked.map_err(ViewError::from)?.only(&building.generation);
        let mut fold = Fold::default();
        fold.add(alive(&mut filling, building).await?);
        live::carry_out(&mut filling, &fold).await?;
        filling.commit().await?;
        building.generation.position = end;
        building.folded = end;
        building.fold = Fold::default();
        building.parked = parked;
        Ok(true)
    }

    /// Forgets what was folded and not saved.
    pub async fn forget_folded(&self, building: &mut Building) -> Result<(), ViewError> {
        let mut reading = self.readers.reading().await?;
        let stored = generation::read(&reading.rows(&generation::query()).await?)?;
        let parked = Parked::read(&reading.rows(&parked::query()).await?)?.only(&building.generation);
        let ours = |of: &&generation::Generation| {
            of.projection == building.generation.projection && of.number == building.generation.number
        };
        if let Some(stored) = stored.iter().find(ours) {
            building.generation.position = stored.position;
        }
        building.folded = building.generation.position;
        building.fold = Fold::default();
        building.parked = parked;
        Ok(())
    }
}

/// The streams that are set aside, as they are saved then.
async fn save_position(filling: &mut Transaction, building: &Building) -> Result<Parked, Failure> {
    let mut fold = Fold::default();
    let mut parked = building.parked.clone();
    parked.save(&mut fold);
    fold.add(Change::set(&GENERATIONS, building.generation.key(), [("position", building.folded.into())]));
    fold.add(alive(filling, building).await?);
    live::carry_out(filling, &fold).await?;
    Ok(parked)
}

/// The same group in parts.
fn chunks<'a>(group: &Group<'a>) -> Vec<Group<'a>> {
    let part = |rows: &[Vec<&'a crate::table::Value>]| Group {
        table: group.table,
        name: group.name,
        act: group.act,
        columns: group.columns.clone(),
        rows: rows.to_vec(),
    };
    group.rows.chunks(CHUNK).map(part).collect()
}
