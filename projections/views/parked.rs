//! Streams that were set aside, because a projection cannot take one of their events.
//!
//! One row a stream and projection is enough: the events themselves are in the log, from the first sequence that
//! stands here to the last one before the checkpoint.

use std::collections::BTreeMap;

use muster_events::{
    id::OrganizationId,
    stream::{Position, Sequence, StreamId},
};
use sqlx::SqliteConnection;

use super::Views;
use crate::{
    error::ViewError,
    projection::{LogEntry, Projection},
    read::{Cells, Id},
};

/// A stream that is set aside in one projection: the event that could not be taken, and all behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedStream {
    /// The projection's name.
    pub projection: String,
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
    /// The streams that are set aside, by projection and stream.
    pub async fn parked(&self) -> Result<Vec<ParkedStream>, ViewError> {
        let mut connection = self.readers.acquire().await?;
        Ok(Parked::read(&mut connection).await?.streams.into_values().collect())
    }
}

/// The streams that are set aside, as one transaction sees and changes them.
#[derive(Debug, Default)]
pub(super) struct Parked {
    pub(super) streams: BTreeMap<(String, StreamId), ParkedStream>,
    changed: Vec<(String, StreamId)>,
}

impl Parked {
    pub(super) async fn read(connection: &mut SqliteConnection) -> Result<Self, ViewError> {
        let sql = "SELECT projection, aggregate_type, aggregate_id, organization_id, first_sequence, first_position, \
            last_position, events, error FROM parked";
        let mut parked = Self::default();
        for row in sqlx::query(sql).fetch_all(connection).await? {
            let cells = Cells(&row);
            let stream = ParkedStream {
                projection: cells.text("projection")?.into(),
                stream: StreamId::new(cells.text("aggregate_type")?, cells.text("aggregate_id")?),
                organization: cells.optional_id("organization_id")?,
                first_sequence: cells.sequence("first_sequence")?,
                first_position: Position(cells.count("first_position")?),
                last_position: Position(cells.count("last_position")?),
                events: cells.count("events")?,
                error: cells.text("error")?.into(),
            };
            parked.streams.insert((stream.projection.clone(), stream.stream.clone()), stream);
        }
        Ok(parked)
    }

    /// Puts the event behind those of its stream that wait already. False when none waits.
    pub(super) fn queue(&mut self, projection: &Projection, entry: &LogEntry) -> bool {
        // Mostly nothing is parked at all: then nothing is looked for either.
        if self.streams.is_empty() {
            return false;
        }
        let key = (projection.name.to_owned(), entry.stream.clone());
        let Some(stream) = self.streams.get_mut(&key) else { return false };
        stream.events += 1;
        stream.last_position = entry.position;
        self.changed.push(key);
        true
    }

    /// Sets the stream of this event aside, because of this event.
    pub(super) fn park(&mut self, projection: &Projection, entry: &LogEntry, error: String) {
        let key = (projection.name.to_owned(), entry.stream.clone());
        let stream = ParkedStream {
            projection: key.0.clone(),
            stream: key.1.clone(),
            organization: entry.organization,
            first_sequence: entry.sequence,
            first_position: entry.position,
            last_position: entry.position,
            events: 1,
            error,
        };
        self.streams.insert(key.clone(), stream);
        self.changed.push(key);
    }

    pub(super) async fn save(&mut self, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        self.changed.sort();
        self.changed.dedup();
        for key in self.changed.drain(..) {
            if let Some(stream) = self.streams.get(&key) {
                save(connection, stream).await?;
            }
        }
        Ok(())
    }
}

async fn save(connection: &mut SqliteConnection, parked: &ParkedStream) -> Result<(), sqlx::Error> {
    let sql = "INSERT INTO parked (projection, aggregate_type, aggregate_id, organization_id, first_sequence, \
            first_position, last_position, events, error) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
        ON CONFLICT (projection, aggregate_type, aggregate_id) \
        DO UPDATE SET last_position = excluded.last_position, events = excluded.events";
    let query = sqlx::query(sql)
        .bind(&parked.projection)
        .bind(parked.stream.aggregate_type.as_str())
        .bind(parked.stream.aggregate_id.as_str())
        .bind(parked.organization.map(Id::number))
        .bind(parked.first_sequence.0.cast_signed())
        .bind(parked.first_position.0.cast_signed())
        .bind(parked.last_position.0.cast_signed())
        .bind(parked.events.cast_signed())
        .bind(&parked.error);
    query.execute(connection).await?;
    Ok(())
}

/// Forgets what is set aside in `projection`: it starts anew.
pub(super) async fn forget(
    connection: &mut SqliteConnection,
    projection: &Projection,
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM parked WHERE projection = $1").bind(projection.name).execute(connection).await?;
    Ok(())
}
