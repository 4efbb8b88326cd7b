//! A generation that was built takes the place of the living one.

use muster_events::stream::Position;

use super::{
    Building, Generation, State, Views,
    apply::{self, Care, Failure},
    bookkeeping,
    building::{alive, is_ours},
    generation, parked, prepare, verification,
};
use crate::{
    error::ViewError,
    projection::LogEntry,
    sink::{
        fold::Fold,
        live::{self, SinkError},
    },
    sql::{self, Dialect},
};

/// How long a switch waits for who reads. Short: who wants to read meanwhile waits behind it. It is tried again.
const PATIENCE: &str = "SET LOCAL lock_timeout = 100";

/// What became of an attempt to follow or to switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switched {
    /// It does.
    Done,
    /// The living rows are further.
    Behind,
    /// Another process builds, or nobody does.
    Lost,
}

impl Views {
    /// Makes the indexes that readers need, where they are not there yet.
    pub async fn index(&self, building: &Building) -> Result<(), ViewError> {
        let mut filling = self.writer.filling().await?;
        let there = bookkeeping::definitions(&mut filling).await?;
        for table in building.projection.tables {
            let name = building.generation.name_of(table);
            for (index, sql) in sql::create_indexes(filling.dialect(), table, &name) {
                if !there.contains_key(&index) {
                    filling.run(&sql).await?;
                }
            }
        }
        Ok(filling.commit().await?)
    }

    /// From now on the generation is kept up to date with the living one. `entries` are what concerns the
    /// projection of the log after [`Building::saved`] up to `end`: those that the living rows have are applied here, so
    /// that who keeps both up to date has nothing to catch up with. What was folded has been saved.
    pub async fn follow(
        &self,
        building: &mut Building,
        entries: &[LogEntry],
        end: Position,
    ) -> Result<Switched, ViewError> {
        match self.attempt_to_follow(building, entries, end, Care::Trusting).await {
            Err(Failure::Sink(SinkError::Refused(_))) => {
                Ok(self.attempt_to_follow(building, entries, end, Care::Each).await?)
            }
            outcome => Ok(outcome?),
        }
    }

    async fn attempt_to_follow(
        &self,
        building: &mut Building,
        entries: &[LogEntry],
        end: Position,
        care: Care,
    ) -> Result<Switched, Failure> {
        let mut writing = self.writer.writing().await?;
        if !is_ours(&mut writing, building).await? {
            return Ok(Switched::Lost);
        }
        let stored = generation::read(&writing.rows(&generation::query()).await?)?;
        let is_living =
            |of: &&Generation| of.projection == building.projection.name && of.state == State::Living;
        let living = stored.iter().find(is_living).map_or(Position::ZERO, |living| living.position);
        if living > end.max(building.saved()) {
            return Ok(Switched::Behind);
        }
        let mut targets = [(building.projection, building.generation.clone())];
        let due: Vec<_> = entries.iter().filter(|entry| entry.position <= living).cloned().collect();
        let parked = apply::carry_out(&mut writing, &mut targets, &due, living, care).await?;
        let [(_, mut generation)] = targets;
        generation.state = State::Following;
        let mut fold = Fold::default();
        fold.add(generation.put());
        fold.add(alive(&mut writing, building).await?);
        live::carry_out(&mut writing, fold).await?;
        writing.commit().await?;
        let (position, parked) = (generation.position, parked.only(&generation));
        building.generation = generation;
        building.is_saved(position, parked);
        Ok(Switched::Done)
    }

    /// The generation becomes the living one, in one transaction: whoever reads sees the one or the other. The living one
    /// is kept, an older one that was kept is dropped. Rows of the same version have to be as far as the living ones.
    pub async fn switch(&self, building: &Building) -> Result<Switched, ViewError> {
        let mut writing = self.writer.writing().await?;
        if !is_ours(&mut writing, building).await? {
            return Ok(Switched::Lost);
        }
        if writing.dialect() == Dialect::Postgres {
            writing.run(PATIENCE).await?;
        }
        let mut stored = generation::read(&writing.rows(&generation::query()).await?)?;
        stored.retain(|generation| generation.projection == building.projection.name);
        let position = |of: &Generation| of.number == building.number();
        let position = stored.iter().find(|of| position(of)).map_or(Position::ZERO, |of| of.position);
        let mut fold = Fold::default();
        for old in stored.iter().filter(|old| old.number != building.number()) {
            match old.state {
                State::Living => {
                    if old.version == building.projection.version && old.position > position {
                        return Ok(Switched::Behind);
                    }
                    prepare::hide(&mut writing, old.tables.iter().map(String::as_str)).await?;
                    fold.add(Generation { state: State::Kept, builder: None, ..old.clone() }.put());
                }
                State::Kept => {
                    prepare::drop_tables(&mut writing, old).await?;
                    fold.add(parked::forget(old));
                    fold.add(old.delete());
                }
                State::Building | State::Following => {}
            }
        }
        let living =
            Generation { state: State::Living, builder: None, position, ..building.generation.clone() };
        prepare::show(&mut writing, building.projection, building.number()).await?;
        fold.add(living.put());
        // What was said of the rows that were living is not said of these.
        fold.add(verification::forget(building.projection));
        live::carry_out(&mut writing, fold).await?;
        writing.commit().await?;
        Ok(Switched::Done)
    }

    /// Drops a generation that is not to live.
    pub async fn discard(&self, building: &Building) -> Result<(), ViewError> {
        let mut writing = self.writer.writing().await?;
        if !is_ours(&mut writing, building).await? {
            return Ok(());
        }
        prepare::drop_tables(&mut writing, &building.generation).await?;
        let mut fold = Fold::default();
        fold.add(parked::forget(&building.generation));
        fold.add(building.generation.delete());
        live::carry_out(&mut writing, fold).await?;
        Ok(writing.commit().await?)
    }
}
