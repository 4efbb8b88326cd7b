//! The generations of a projection's rows: the living one that is read, one that is being built beside it, one that
//! was living before. How far each has come is kept beside its rows and saved in the same transaction.

use std::{fmt, str::FromStr};

use muster_events::stream::Position;

use super::{
    Views,
    bookkeeping::{self, GENERATIONS},
};
use crate::{
    change::Change,
    database::{Query, Row},
    error::ViewError,
    projection::Projection,
    read::{Cells, damaged},
    sink::fold::Fold,
    sql,
    table::{Table, Value},
};

/// What becomes of a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// It is read, and kept up to date.
    Living,
    /// A rebuild fills it.
    Building,
    /// It is complete and kept up to date beside the living one, whose place it is about to take.
    Following,
    /// It was living before; a rollback brings it back.
    Kept,
}

/// One set of a projection's tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    /// The projection's name.
    pub projection: String,
    /// Its number, the next one of this projection.
    pub number: u32,
    /// What becomes of it.
    pub state: State,
    /// The version that its rows were made by.
    pub version: u32,
    /// The incarnation of the log that its rows were made from.
    pub incarnation: String,
    /// The position of the last event that was applied or parked.
    pub position: Position,
    /// The tables that hold its rows, without its number.
    pub tables: Vec<String>,
    /// Which rebuild fills it.
    pub builder: Option<Builder>,
}

/// A rebuild that fills a generation: nobody else does before its time is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Builder {
    /// Which process it is.
    pub name: String,
    /// Until when, by the clock of the database, in microseconds since the epoch.
    pub until: i64,
}

impl State {
    const ALL: [Self; 4] = [Self::Living, Self::Building, Self::Following, Self::Kept];

    /// As it is stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Living => "living",
            Self::Building => "building",
            Self::Following => "following",
            Self::Kept => "kept",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl FromStr for State {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || format!("{text:?} is no state of a generation");
        Self::ALL.into_iter().find(|state| state.name() == text).ok_or_else(unknown)
    }
}

impl Generation {
    /// The first or next generation of `projection`, from the beginning of the log `incarnation`.
    pub(super) fn new(projection: &Projection, number: u32, state: State, incarnation: &str) -> Self {
        Self {
            projection: projection.name.into(),
            number,
            state,
            version: projection.version,
            incarnation: incarnation.into(),
            position: Position::ZERO,
            tables: projection.tables.iter().map(|table| table.name.into()).collect(),
            builder: None,
        }
    }

    /// Whether these rows are what `projection` makes from the log `incarnation`.
    pub fn is_of(&self, projection: &Projection, incarnation: &str) -> bool {
        self.projection == projection.name
            && self.version == projection.version
            && self.incarnation == incarnation
    }

    /// Whether an event that is applied to the living rows is applied to these too.
    pub(super) fn is_kept_up(&self) -> bool {
        matches!(self.state, State::Living | State::Following)
    }

    /// The names of its tables in the database.
    pub(super) fn table_names(&self) -> impl Iterator<Item = String> {
        self.tables.iter().map(|table| format!("{table}_{}", self.number))
    }

    /// The name that one of its tables has in the database.
    pub(super) fn name_of(&self, table: &Table) -> String {
        table.of_generation(self.number)
    }

    pub(super) fn key(&self) -> [Value; 2] {
        [self.projection.as_str().into(), self.number.into()]
    }

    /// Saves all of it.
    pub(super) fn put(&self) -> Change {
        let cells = [
            ("state", self.state.name().into()),
            ("version", self.version.into()),
            ("incarnation", self.incarnation.as_str().into()),
            ("position", self.position.into()),
            ("tables", self.tables.join(",").as_str().into()),
            ("builder", self.builder.as_ref().map(|builder| builder.name.as_str()).into()),
            ("until", self.builder.as_ref().map(|builder| builder.until).into()),
        ];
        Change::put(&GENERATIONS, self.key(), cells)
    }

    /// Saves how far it has come. The caller holds the write lock and has looked at it under that.
    pub(super) fn advance(&self, fold: &mut Fold) {
        fold.add(Change::set(&GENERATIONS, self.key(), [("position", self.position.into())]));
    }

    /// Forgets it.
    pub(super) fn delete(&self) -> Change {
        Change::delete(&GENERATIONS, self.key())
    }
}

impl Views {
    /// Every generation of every projection, by projection and number; none in new views.
    pub async fn generations(&self) -> Result<Vec<Generation>, ViewError> {
        if !bookkeeping::is_there(&self.readers, &bookkeeping::GENERATIONS).await? {
            return Ok(vec![]);
        }
        read(&self.readers.rows(&query()).await?)
    }

    /// The living generation of each projection.
    pub async fn living(&self) -> Result<Vec<Generation>, ViewError> {
        let mut generations = self.generations().await?;
        generations.retain(|generation| generation.state == State::Living);
        Ok(generations)
    }
}

/// The query for all generations, which [`read`] reads.
pub(super) fn query() -> Query {
    Query::new(sql::select_all(&GENERATIONS))
}

pub(super) fn read(rows: &[Row]) -> Result<Vec<Generation>, ViewError> {
    let generation = |cells: Cells<'_>| {
        Ok(Generation {
            projection: cells.text("projection")?.into(),
            number: number(cells, "generation")?,
            state: cells.text("state")?.parse().map_err(|error| damaged("state", error))?,
            version: number(cells, "version")?,
            incarnation: cells.text("incarnation")?.into(),
            position: Position(cells.count("position")?),
            tables: cells.text("tables")?.split(',').map(Into::into).collect(),
            builder: builder(cells)?,
        })
    };
    rows.iter().map(|row| generation(Cells(row))).collect()
}

fn builder(cells: Cells<'_>) -> Result<Option<Builder>, ViewError> {
    let (name, until) = (cells.optional_text("builder")?, cells.optional_count("until")?);
    Ok(name.zip(until).map(|(name, until)| Builder { name: name.into(), until: until.cast_signed() }))
}

pub(super) fn number(cells: Cells<'_>, column: &str) -> Result<u32, ViewError> {
    u32::try_from(cells.count(column)?).map_err(|error| damaged(column, error))
}

/// The number of the next generation of `projection`.
pub(super) fn next(projection: &Projection, stored: &[Generation]) -> u32 {
    let numbers = stored.iter().filter(|of| of.projection == projection.name).map(|of| of.number);
    numbers.max().unwrap_or(0) + 1
}
