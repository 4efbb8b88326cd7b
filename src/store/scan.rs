//! A stretch of the log as those read it who make read models of it: decoded where it is read, and without who acted and
//! without the leaf, which cost as much as the rest and say nothing to them.

use std::sync::Arc;

use muster_events::{
    event::{DecodeError, Event},
    id::OrganizationId,
    stream::{Position, Sequence, StreamId},
    time::Timestamp,
};

/// Which stretch.
#[derive(Debug, Clone)]
pub struct Scan {
    /// After this position.
    pub after: Position,
    /// Up to this one.
    pub up_to: Position,
    /// The stored names of the kinds of aggregates whose events are wanted.
    pub aggregates: Vec<&'static str>,
}

/// An event of a [`Scan`].
#[derive(Debug)]
pub struct ScannedEvent {
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
    pub event: Result<Arc<Event>, DecodeError>,
}
