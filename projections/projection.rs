//! A read model as a function of the log.

use std::sync::Arc;

use muster_events::{
    event::Event,
    id::OrganizationId,
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
    pub project: fn(&LogEntry, &Event) -> Vec<Change>,
}

impl Projection {
    /// Whether it takes events of this stream.
    pub fn takes(&self, stream: &StreamId) -> bool {
        self.aggregates.iter().any(|aggregate| stream.aggregate_type == *aggregate)
    }

    /// What the event does, or why it cannot be read.
    pub fn changes(&self, entry: &LogEntry) -> Result<Vec<Change>, String> {
        match &entry.event {
            Ok(event) => Ok((self.project)(entry, event)),
            Err(error) => Err(error.clone()),
        }
    }
}

/// An event as a subscription gives it to projections: decoded, or why it could not be. Who acted is not among what a read
/// model may depend on: that is in the log, where it can be erased.
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
    pub event: Result<Arc<Event>, String>,
}
