//! Saving what a rebuild has folded, without holding up whoever keeps the living rows.

use std::{mem, time::Duration};

use muster_events::stream::Position;
use tokio::time::sleep;

use super::{
    Building, Views,
    apply::{self, Care, Failure},
    building::{alive, is_ours, still_ours},
    generation,
    parked::{self, Parked},
};
use crate::{
    change::Change,
    database::{Filler, Pool, Transaction},
    error::ViewError,
    projection::LogEntry,
    sink::{
        fold::{Act, Fold},
        live::{self, SinkError},
    },
    views::bookkeeping::GENERATIONS,
};

/// Most rows in one transaction of SQLite, where only one process writes at a time.
const CHUNK: usize = 5_000;
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
        // Whoever gives up in the midst has folded nothing: what was taken from here is not saved.
        let fold = mem::take(&mut building.fold);
        let folded = mem::replace(&mut building.folded, building.generation.position);
        let saved = match &self.writer {
            Pool::Postgres(_) => self.save_as_one(building, fold, folded).await,
            Pool::Sqlite(pool) => match Filler::open(pool).await {
                Ok(filler) => self.save_in_chunks(filler, building, fold, folded).await,
                Err(error) => Err(error.into()),
            },
        };
        match saved {
            Ok(true) => {
                building.generation.position = folded;
                building.folded = folded;
                Ok(Saved::Saved)
            }
            Ok(false) => Ok(Saved::Lost),
            Err(Failure::Sink(SinkError::Refused(text))) => {
                building.folded = folded;
                Ok(Saved::Refused(text))
            }
            Err(failure) => Err(failure.into()),
        }
    }

    /// False when the generation is not ours any more.
    async fn save_as_one(
        &self,
        building: &mut Building,
        fold: Fold,
        folded: Position,
    ) -> Result<bool, Failure> {
        let mut filling = self.writer.filling().await?;
        if !is_ours(&mut filling, building).await? {
            return Ok(false);
        }
        // Rows and position are one transaction here, so tables at the beginning have no rows.
        let is_empty = building.generation.position == Position::ZERO;
        for group in fold.into_groups() {
            if is_empty && group.act == Act::Put {
                filling.fill(&group).await?;
            } else {
                filling.carry_out(&group).await?;
            }
        }
        let parked = save_position(&mut filling, building, folded).await?;
        filling.commit().await?;
        building.parked = parked;
        Ok(true)
    }

    async fn save_in_chunks(
        &self,
        mut filler: Filler,
        building: &mut Building,
        fold: Fold,
        folded: Position,
    ) -> Result<bool, Failure> {
        for chunk in fold.into_groups().into_iter().flat_map(|group| group.into_parts(CHUNK)) {
            let Some(still) = still_ours(building) else { return Ok(false) };
            let done;
            (filler, done) = filler.carry_out(still, chunk).await?;
            if !done {
                return Ok(false);
            }
            sleep(REST).await;
        }
        let mut filling = self.writer.filling().await?;
        if !is_ours(&mut filling, building).await? {
            return Ok(false);
        }
        let parked = save_position(&mut filling, building, folded).await?;
        filling.commit().await?;
        building.parked = parked;
        Ok(true)
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
        live::carry_out(&mut filling, fold).await?;
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
async fn save_position(
    filling: &mut Transaction,
    building: &Building,
    folded: Position,
) -> Result<Parked, Failure> {
    let mut fold = Fold::default();
    let mut parked = building.parked.clone();
    parked.save(&mut fold);
    fold.add(Change::set(&GENERATIONS, building.generation.key(), [("position", folded.into())]));
    fold.add(alive(filling, building).await?);
    live::carry_out(filling, fold).await?;
    Ok(parked)
}
