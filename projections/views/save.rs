//! Saving what a rebuild has folded, without holding up whoever keeps the living rows.

use std::{sync::Arc, time::Duration};

use muster_events::stream::Position;
use tokio::time::sleep;

use super::{
    Building, Views,
    apply::{self, Care, Failure},
    building::{Folded, alive, is_ours, still_ours},
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
        let folded = building.take_folded();
        let position = folded.position;
        let saved = match &self.writer {
            Pool::Postgres(_) => self.save_as_one(building, folded).await,
            Pool::Sqlite(pool) => match Filler::open(pool).await {
                Ok(filler) => self.save_in_chunks(filler, building, folded).await,
                Err(error) => Err(error.into()),
            },
        };
        match saved {
            Ok(Some(parked)) => {
                building.is_saved(position, parked);
                Ok(Saved::Saved)
            }
            Ok(None) => Ok(Saved::Lost),
            Err(Failure::Sink(SinkError::Refused(text))) => {
                building.folded.position = position;
                Ok(Saved::Refused(text))
            }
            Err(failure) => Err(failure.into()),
        }
    }

    /// The streams that are set aside from now on; none when the generation is not ours any more.
    async fn save_as_one(&self, building: &Building, folded: Folded) -> Result<Option<Parked>, Failure> {
        let Folded { fold, parked, position } = folded;
        let mut filling = self.writer.filling().await?;
        if !is_ours(&mut filling, building).await? {
            return Ok(None);
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
        let parked = save_position(&mut filling, building, position, parked).await?;
        filling.commit().await?;
        Ok(Some(parked))
    }

    async fn save_in_chunks(
        &self,
        mut filler: Filler,
        building: &Building,
        folded: Folded,
    ) -> Result<Option<Parked>, Failure> {
        let Folded { fold, parked, position } = folded;
        let Some(still) = still_ours(building).map(Arc::new) else { return Ok(None) };
        for chunk in fold.into_groups().into_iter().flat_map(|group| group.into_parts(CHUNK)) {
            let done;
            (filler, done) = filler.carry_out(&still, chunk).await?;
            if !done {
                return Ok(None);
            }
            sleep(REST).await;
        }
        let mut filling = self.writer.filling().await?;
        if !is_ours(&mut filling, building).await? {
            return Ok(None);
        }
        let parked = save_position(&mut filling, building, position, parked).await?;
        filling.commit().await?;
        Ok(Some(parked))
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
        building.is_saved(end, parked);
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
        let position =
            stored.iter().find(ours).map_or(building.generation.position, |stored| stored.position);
        building.is_saved(position, parked);
        Ok(())
    }
}

/// The streams that are set aside, as they are saved then.
async fn save_position(
    filling: &mut Transaction,
    building: &Building,
    position: Position,
    mut parked: Parked,
) -> Result<Parked, Failure> {
    let mut fold = Fold::default();
    parked.save(&mut fold);
    fold.add(Change::set(&GENERATIONS, building.generation.key(), [("position", position.into())]));
    fold.add(alive(filling, building).await?);
    live::carry_out(filling, fold).await?;
    Ok(parked)
}
