//! Streams that were set aside, because a projection cannot take one of their events.
//!
//! One row a stream and generation is enough: the events themselves are in the log, from the first sequence that
//! stands here to the last one before the checkpoint.

use std::collections::BTreeMap;

use muster_events::{
    id::OrganizationId,
    stream::{Position, Sequence, StreamId},
};

use super::{
    Views,
    apply::Target,
    bookkeeping::PARKED,
    generation::{self, Generation, State, number},
};
use crate::{
    change::Change,
    database::{Query, Row},
    error::ViewError,
    projection::LogEntry,
    read::Cells,
    sink::fold::Fold,
    sql,
    table::Value,
};

/// A stream that is set aside in one projection: the event that could not be taken, and all behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedStream {
    /// The projection's name.
    pub projection: String,
    /// The generation of its rows.
    pub generation: u32,
    /// The stream.
    pub stream: StreamId,
    /// The organization whose rows are out of date; none when any organization's may be.
    pub organization: Option<OrganizationId>,
    /// The sequence of the event that could not be taken.
    pub first_sequence: Sequence,
    /// The position of the event that could not be taken.
    pub first_position: Position,
    /// The position of the last event that waits.
    pub last_position: Position,
    /// How many events wait.
    pub events: u64,
    /// Why the first could not be taken.
    pub error: String,
}

impl Views {
    /// The streams that are set aside in the living rows, by projection and stream.
    pub async fn parked(&self) -> Result<Vec<ParkedStream>, ViewError> {
        let mut reading = self.readers.reading().await?;
        let generations = generation::read(&reading.rows(&generation::query()).await?)?;
        Ok(Parked::read(&reading.rows(&query()).await?)?.of(&generations, State::Living))
    }
}

/// The query for all streams that are set aside, which [`Parked::read`] reads.
pub(super) fn query() -> Query {
    Query::new(sql::select_all(&PARKED))
}

/// Projection, generation, stream.
type Key = (String, u32, StreamId);

/// The streams that are set aside, as one transaction sees and changes them.
#[derive(Debug, Clone, Default)]
pub(super) struct Parked {
    streams: BTreeMap<Key, ParkedStream>,
    changed: Vec<Key>,
}

impl Parked {
    pub(super) fn read(rows: &[Row]) -> Result<Self, ViewError> {
        let mut parked = Self::default();
        for row in rows {
            let cells = Cells(row);
            let stream = ParkedStream {
                projection: cells.text("projection")?.into(),
                generation: number(cells, "generation")?,
                stream: StreamId::new(cells.text("aggregate_type")?, cells.text("aggregate_id")?),
                organization: cells.optional_id("organization_id")?,
                first_sequence: cells.sequence("first_sequence")?,
                first_position: Position(cells.count("first_position")?),
                last_position: Position(cells.count("last_position")?),
                events: cells.count("events")?,
                error: cells.text("error")?.into(),
            };
            parked.streams.insert(key_of(&stream), stream);
        }
        Ok(parked)
    }

    /// Those that are set aside in the generations of this state.
    pub(super) fn of(self, generations: &[Generation], state: State) -> Vec<ParkedStream> {
        let is_of = |parked: &ParkedStream| {
            generations.iter().any(|of| {
                of.state == state && of.projection == parked.projection && of.number == parked.generation
            })
        };
        self.streams.into_values().filter(is_of).collect()
    }

    /// Only those of one generation.
    pub(super) fn only(mut self, generation: &Generation) -> Self {
        self.streams.retain(|(projection, number, _), _| {
            *projection == generation.projection && *number == generation.number
        });
        self
    }

    /// What is set aside, by projection, generation and stream.
    pub(super) fn iter(&self) -> impl Iterator<Item = &ParkedStream> {
        self.streams.values()
    }

    /// Takes a stream out.
    pub(super) fn remove(&mut self, parked: &ParkedStream) {
        self.streams.remove(&key_of(parked));
    }

    /// One stream of one generation.
    pub(super) fn find(&self, (projection, generation): Target, stream: &StreamId) -> Option<&ParkedStream> {
        self.streams.get(&(projection.name.to_owned(), generation, stream.clone()))
    }

    /// Puts the event behind those of its stream that wait already. False when none waits.
    pub(super) fn queue(&mut self, (projection, generation): Target, entry: &LogEntry) -> bool {
        // Mostly nothing is parked at all: then nothing is looked for either.
        if self.streams.is_empty() {
            return false;
        }
        let key = (projection.name.to_owned(), generation, entry.stream.clone());
        let Some(stream) = self.streams.get_mut(&key) else { return false };
        stream.events += 1;
        stream.last_position = entry.position;
        self.changed.push(key);
        true
    }

    /// Sets the stream of this event aside, because of this event.
    pub(super) fn park(&mut self, (projection, generation): Target, entry: &LogEntry, error: &str) {
        let stream = ParkedStream {
            projection: projection.name.to_owned(),
            generation,
            stream: entry.stream.clone(),
            organization: entry.organization,
            first_sequence: entry.sequence,
            first_position: entry.position,
            last_position: entry.position,
            events: 1,
            // The one character that no column takes.
            error: error.replace('\0', "\u{FFFD}"),
        };
        let key = key_of(&stream);
        self.streams.insert(key.clone(), stream);
        self.changed.push(key);
    }

    /// Adds what has changed here to what the database is told.
    pub(super) fn save(&mut self, fold: &mut Fold) {
        let changed = self.changed.drain(..).filter_map(|key| self.streams.get(&key));
        changed.map(row).for_each(|row| fold.add(row));
    }
}

fn key_of(parked: &ParkedStream) -> Key {
    (parked.projection.clone(), parked.generation, parked.stream.clone())
}

fn row(parked: &ParkedStream) -> Change {
    let StreamId { aggregate_type, aggregate_id } = &parked.stream;
    let key: [Value; 4] = [
        parked.projection.as_str().into(),
        parked.generation.into(),
        aggregate_type.as_str().into(),
        aggregate_id.as_str().into(),
    ];
    let cells = [
        ("organization_id", parked.organization.into()),
        ("first_sequence", parked.first_sequence.into()),
        ("first_position", parked.first_position.into()),
        ("last_position", parked.last_position.into()),
        ("events", parked.events.cast_signed().into()),
        ("error", parked.error.as_str().into()),
    ];
    Change::put(&PARKED, key, cells)
}

/// Forgets that a stream is set aside.
pub(super) fn delete(parked: &ParkedStream) -> Change {
    let StreamId { aggregate_type, aggregate_id } = &parked.stream;
    let key: [Value; 4] = [
        parked.projection.as_str().into(),
        parked.generation.into(),
        aggregate_type.as_str().into(),
        aggregate_id.as_str().into(),
    ];
    Change::delete(&PARKED, key)
}

/// Forgets what is set aside in a generation.
pub(super) fn forget(generation: &Generation) -> Change {
    Change::delete(&PARKED, [generation.projection.as_str().into(), generation.number.into()])
}
