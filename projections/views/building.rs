//! A generation that is built beside the living one: who builds it, and what of the log is folded for it already.

use std::{mem, time::Duration};

use muster_events::stream::Position;

use super::{
    Generation, State, Views,
    apply::{self, Target},
    bookkeeping::{self, Definitions, GENERATIONS},
    generation::{self, Builder},
    parked::{self, Parked},
    prepare,
};
use crate::{
    change::Change,
    database::{Query, Transaction},
    error::ViewError,
    projection::{LogEntry, Projection},
    read::Cells,
    sink::{fold::Fold, live},
    sql::{self, Dialect},
};

/// How long a builder that says nothing of itself keeps others from building: what one that was killed costs.
pub const BUILDER_TTL: Duration = Duration::from_secs(6);

/// A generation that this process fills.
#[derive(Debug)]
pub struct Building {
    pub(super) projection: &'static Projection,
    /// As it was saved last, with the streams that are set aside.
    pub(super) generation: Generation,
    parked: Parked,
    pub(super) folded: Folded,
}

/// What of the log is folded and not saved: rows, the streams that are set aside then, and how far that is.
#[derive(Debug)]
pub(super) struct Folded {
    pub(super) fold: Fold,
    pub(super) parked: Parked,
    pub(super) position: Position,
}

/// What became of an attempt to build.
#[derive(Debug)]
pub enum Claim {
    /// This process builds.
    Ours(Box<Building>),
    /// Another one does.
    Busy(Busy),
}

/// Who builds already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Busy {
    /// Its name.
    pub builder: String,
    /// How long it keeps others away, unless it says once more that it is there.
    pub left: Duration,
    /// Until when, by the clock of the database; grows whenever it says that it is there.
    pub until: i64,
}

impl Building {
    /// What is built.
    pub fn projection(&self) -> &'static Projection {
        self.projection
    }

    /// The number of the generation.
    pub fn number(&self) -> u32 {
        self.generation.number
    }

    /// What becomes of the generation at present.
    pub fn state(&self) -> State {
        self.generation.state
    }

    /// Up to where the log is folded, saved or not.
    pub fn position(&self) -> Position {
        self.folded.position
    }

    /// Up to where it is saved: where another process would go on.
    pub fn saved(&self) -> Position {
        self.generation.position
    }

    /// How many rows are to be saved.
    pub fn unsaved(&self) -> usize {
        self.folded.fold.len()
    }

    /// Folds those of `entries` that lie after its position. They are what concerns the projection of the log after that
    /// up to `position`, in order. Nothing is saved.
    pub fn take(&mut self, entries: &[LogEntry], position: Position) {
        let target = self.target();
        let Folded { fold, parked, position: after } = &mut self.folded;
        for entry in entries.iter().filter(|entry| entry.position > *after) {
            apply::take(fold, parked, target, entry);
        }
        *after = position.max(*after);
    }

    /// What is folded and not saved. From here on it is what it was when it was saved last.
    pub(super) fn take_folded(&mut self) -> Folded {
        let saved = Folded::nothing(&self.generation, &self.parked);
        mem::replace(&mut self.folded, saved)
    }

    /// It is saved up to `position`, with these streams set aside, and nothing more is folded.
    pub(super) fn is_saved(&mut self, position: Position, parked: Parked) {
        self.generation.position = position;
        self.folded = Folded::nothing(&self.generation, &parked);
        self.parked = parked;
    }

    pub(super) fn target(&self) -> Target {
        (self.projection, self.generation.number)
    }

    fn begun_at(projection: &'static Projection, generation: Generation, parked: Parked) -> Self {
        let folded = Folded::nothing(&generation, &parked);
        Self { projection, generation, parked, folded }
    }
}

impl Folded {
    /// Nothing, beyond what is saved.
    fn nothing(generation: &Generation, parked: &Parked) -> Self {
        Self { fold: Fold::default(), parked: parked.clone(), position: generation.position }
    }
}

impl Views {
    /// Begins a new generation of `projection` from the beginning of the log `incarnation`, or goes on with the one
    /// that was begun. The views have been prepared. One that was begun for another version or incarnation is dropped.
    pub async fn building(
        &self,
        projection: &'static Projection,
        incarnation: &str,
        builder: &str,
    ) -> Result<Claim, ViewError> {
        let mut writing = self.writer.writing().await?;
        let there = bookkeeping::make(&mut writing).await?;
        let mut stored = generation::read(&writing.rows(&generation::query()).await?)?;
        stored.retain(|generation| generation.projection == projection.name);
        let now = now(&mut writing).await?;
        if let Some(busy) = busy(&stored, builder, now) {
            return Ok(Claim::Busy(busy));
        }
        let is_begun = |of: &&Generation| matches!(of.state, State::Building | State::Following);
        let is_ours = |of: &&Generation| {
            of.is_of(projection, incarnation) && is_whole(writing.dialect(), projection, of, &there)
        };
        let found = stored.iter().find(|of| is_begun(of) && is_ours(of)).cloned();
        let mut fold = Fold::default();
        for other in stored.iter().filter(is_begun).filter(|other| found.as_ref() != Some(*other)) {
            prepare::drop_tables(&mut writing, other).await?;
            fold.add(parked::forget(other));
            fold.add(other.delete());
        }
        let is_new = found.is_none();
        let generation = if let Some(found) = found {
            found
        } else {
            let number = generation::next(projection, &stored);
            prepare::make_tables(&mut writing, projection, number).await?;
            // There, an index that is made afterwards would hold up whoever keeps the living rows.
            if writing.dialect() == Dialect::Sqlite {
                prepare::make_indexes(&mut writing, projection, number).await?;
            }
            Generation::new(projection, number, State::Building, incarnation)
        };
        let mut building = self.claim(&mut writing, projection, generation, builder, fold).await?;
        writing.commit().await?;
        if is_new {
            building.folded.fold = Fold::over_nothing();
        }
        Ok(Claim::Ours(Box::new(building)))
    }

    /// Takes up the rows that were living before the present ones, to be brought up to date and to live again. None
    /// when there are none of this version of the projection.
    pub async fn reviving(
        &self,
        projection: &'static Projection,
        incarnation: &str,
        builder: &str,
    ) -> Result<Option<Claim>, ViewError> {
        let mut writing = self.writer.writing().await?;
        let there = bookkeeping::make(&mut writing).await?;
        let mut stored = generation::read(&writing.rows(&generation::query()).await?)?;
        stored.retain(|generation| generation.projection == projection.name);
        let now = now(&mut writing).await?;
        if let Some(busy) = busy(&stored, builder, now) {
            return Ok(Some(Claim::Busy(busy)));
        }
        let is_ours = |of: &&Generation| {
            of.state == State::Kept
                && of.is_of(projection, incarnation)
                && is_whole(writing.dialect(), projection, of, &there)
        };
        let Some(kept) = stored.iter().find(is_ours).cloned() else { return Ok(None) };
        let building = self.claim(&mut writing, projection, kept, builder, Fold::default()).await?;
        writing.commit().await?;
        Ok(Some(Claim::Ours(Box::new(building))))
    }

    /// Notes who builds.
    async fn claim(
        &self,
        writing: &mut Transaction,
        projection: &'static Projection,
        mut generation: Generation,
        builder: &str,
        mut fold: Fold,
    ) -> Result<Building, ViewError> {
        let until = now(writing).await?.saturating_add(micros(BUILDER_TTL));
        generation.builder = Some(Builder { name: builder.into(), until });
        fold.add(generation.put());
        live::carry_out(writing, fold).await?;
        let parked = Parked::read(&writing.rows(&parked::query()).await?)?.only(&generation);
        Ok(Building::begun_at(projection, generation, parked))
    }

    /// Says that a builder is still there, for all that it builds.
    pub async fn beat(&self, builder: &str) -> Result<(), ViewError> {
        let mut filling = self.writer.filling().await?;
        let until = now(&mut filling).await?.saturating_add(micros(BUILDER_TTL));
        let sql = "UPDATE generations SET until = $1 WHERE builder = $2 AND until > 0";
        filling.rows(&Query::new(sql).bind(until).bind(builder)).await?;
        Ok(filling.commit().await?)
    }

    /// Lets another process go on at once. What was not saved is folded again.
    pub async fn give_up(&self, building: &Building) -> Result<(), ViewError> {
        let mut filling = self.writer.filling().await?;
        if !is_ours(&mut filling, building).await? {
            return Ok(());
        }
        let mut fold = Fold::default();
        fold.add(Change::set(&GENERATIONS, building.generation.key(), [("until", 0_i64.into())]));
        live::carry_out(&mut filling, fold).await?;
        Ok(filling.commit().await?)
    }
}

/// The one who builds, other than `builder`.
fn busy(stored: &[Generation], builder: &str, now: i64) -> Option<Busy> {
    let other = stored.iter().filter_map(|generation| generation.builder.as_ref());
    let other =
        other.filter(|other| other.name != builder && other.until > now).max_by_key(|other| other.until)?;
    let left = u64::try_from(other.until.saturating_sub(now)).unwrap_or(0);
    Some(Busy { builder: other.name.clone(), left: Duration::from_micros(left), until: other.until })
}

/// Whether the tables of a generation are those that the projection declares.
fn is_whole(dialect: Dialect, projection: &Projection, of: &Generation, there: &Definitions) -> bool {
    projection.tables.iter().all(|table| {
        let name = of.name_of(table);
        there.get(&name) == Some(&sql::create_table(dialect, table, &name))
    })
}

/// Whether this builder still fills this generation. On Postgres, nobody else takes it up before the transaction ends.
pub(super) async fn is_ours(transaction: &mut Transaction, building: &Building) -> Result<bool, sqlx::Error> {
    let generation = &building.generation;
    let Some(builder) = &generation.builder else { return Ok(false) };
    let lock = if transaction.dialect() == Dialect::Postgres { " FOR UPDATE" } else { "" };
    let sql = format!(
        "SELECT 1 FROM generations WHERE projection = $1 AND generation = $2 AND state = $3 AND builder = $4{lock}"
    );
    let query = Query::new(sql).bind(generation.projection.as_str()).bind(generation.number);
    let query = query.bind(generation.state.name()).bind(builder.name.as_str());
    Ok(transaction.row(&query).await?.is_some())
}

/// The query that finds a row when this builder still fills this generation, and says that it is still there; for SQLite,
/// where whoever writes does so alone.
pub(super) fn still_ours(building: &Building) -> Option<Query> {
    let generation = &building.generation;
    let builder = generation.builder.as_ref()?;
    let now = Dialect::Sqlite.now();
    let sql = format!(
        "UPDATE generations SET until = ({now}) + $1 \
         WHERE projection = $2 AND generation = $3 AND state = $4 AND builder = $5 RETURNING 1"
    );
    let query = Query::new(sql).bind(micros(BUILDER_TTL)).bind(generation.projection.as_str());
    Some(query.bind(generation.number).bind(generation.state.name()).bind(builder.name.as_str()))
}

/// The change that says that the builder is still there.
pub(super) async fn alive(transaction: &mut Transaction, building: &Building) -> Result<Change, ViewError> {
    let until = now(transaction).await?.saturating_add(micros(BUILDER_TTL));
    Ok(Change::set(&GENERATIONS, building.generation.key(), [("until", until.into())]))
}

/// What the clock of the database shows.
pub(super) async fn now(transaction: &mut Transaction) -> Result<i64, ViewError> {
    let row = transaction.row(&Query::new(transaction.dialect().now())).await?;
    row.map_or_else(
        || Err(ViewError::Damaged("the database tells no time".into())),
        |row| Ok(Cells(&row).count("now")?.cast_signed()),
    )
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
