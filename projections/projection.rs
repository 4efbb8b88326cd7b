//! A read model as a function of the log.

use muster_events::{
    id::OrganizationId,
    recorded::RecordedEvent,
    stream::{Position, Sequence, StreamId},
    time::Timestamp,
};

use crate::{change::Change, table::Table};

/// One read model: its tables, and what each event does to them.
#[derive(Debug)]
pub struct Projection {
    /// Its name; never changes.
    pub name: &'static str,
    /// Raised whenever `project` gives other changes than before; the tables are then built anew.
    pub version: u32,
    /// The kinds of aggregates whose events it takes. A stream of one of these that cannot be read is parked.
    pub aggregates: &'static [&'static str],
    /// Its tables.
    pub tables: &'static [&'static Table],
    /// What an event does. Pure, and knows nothing but the event: what else it would have to look up belongs into
    /// the event, into [`Row::Set`](crate::change::Row::Set) or into the beginning of a key.
    pub project: fn(&RecordedEvent) -> Vec<Change>,
}

impl Projection {
    /// Whether it takes events of this stream.
    pub fn takes(&self, stream: &StreamId) -> bool {
        self.aggregates.iter().any(|aggregate| stream.aggregate_type == *aggregate)
    }

    /// What the event does.
    pub fn changes(&self, event: &RecordedEvent) -> Vec<Change> {
        (self.project)(event)
    }
}

/// An event as a subscription gives it to projections: decoded, or why it could not be.
#[derive(Debug, Clone)]
pub struct LogEntry {
    /// Its place in the whole log.
    pub position: Position,
    /// Its stream.
    pub stream: StreamId,
    /// Its place in its stream.
    pub sequence: Sequence,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// The organization that it belongs to.
    pub organization: Option<OrganizationId>,
    /// The event, or why it cannot be read.
    pub event: Result<RecordedEvent, String>,
}

impl From<RecordedEvent> for LogEntry {
    fn from(event: RecordedEvent) -> Self {
        Self {
            position: event.position,
            stream: event.stream.clone(),
            sequence: event.sequence,
            recorded_at: event.recorded_at,
            organization: event.organization,
            event: Ok(event),
        }
    }
}
