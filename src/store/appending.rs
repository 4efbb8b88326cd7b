//! What an append is to every writer of an SQL store: how it waits, what it conflicts with, how its events are placed.

use std::sync::Arc;

use muster_events::{
    stream::{Position, Sequence, StreamId},
    time::Timestamp,
};
use tokio::sync::oneshot;

use super::{Append, AppendError, Appended, NewEvent, StoredEvent, leaf::leaf_of};

/// Appends in one transaction: enough to make the cost of a commit vanish, few enough to keep the lock shortly.
pub(crate) const BATCH: usize = 256;
/// Appends that may wait for the writer; more wait outside, without a place in the order.
pub(crate) const QUEUE: usize = 1024;
/// Streams in each generation of the remembered heads: about 8 MiB in all.
pub(crate) const HEADS: usize = 1 << 16;
/// Foreign events that are read at once.
pub(crate) const FOREIGN_PAGE: usize = 1_000;
/// How often the lock is let go to read many foreign events outside it, before they are read under it all the same.
pub(crate) const FOLLOW_OUTSIDE: usize = 3;

/// An append with the place where its answer goes.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) append: Append,
    pub(crate) answer: oneshot::Sender<Outcome>,
}

/// What became of one append of a batch.
pub(crate) type Outcome = Result<Appended, AppendError>;

impl Append {
    /// Which stream is not where the decision saw it, when the log ends at `head` and the streams stand where `head_of`
    /// says.
    pub(crate) fn conflict<E>(
        &self,
        head: Position,
        mut head_of: impl FnMut(&StreamId) -> Result<Sequence, E>,
    ) -> Result<Option<AppendError>, E> {
        let conflict = |stream: &StreamId, expected, actual| {
            Ok(Some(AppendError::Conflict { stream: stream.clone(), expected, actual }))
        };
        for (index, write) in self.writes.iter().enumerate() {
            // No stream is to be named twice; should it be, the second write has to expect what the first appends.
            let before = self.writes[..index].iter().filter(|earlier| earlier.stream == write.stream);
            let before: usize = before.map(|earlier| earlier.events.len()).sum();
            let actual = Sequence(head_of(&write.stream)?.0 + before as u64);
            if actual != write.expected {
                return conflict(&write.stream, write.expected, actual);
            }
        }
        let whole_log = StreamId::whole_log();
        for read in &self.reads {
            let actual = if read.stream == whole_log { Sequence(head.0) } else { head_of(&read.stream)? };
            if actual != read.sequence {
                return conflict(&read.stream, read.sequence, actual);
            }
        }
        Ok(None)
    }
}

impl NewEvent {
    /// The event at its place in the log, with its leaf.
    pub(crate) fn placed(
        &self,
        position: Position,
        stream: &StreamId,
        sequence: Sequence,
        recorded_at: Timestamp,
    ) -> StoredEvent {
        let mut stored = StoredEvent {
            position,
            event_id: self.event_id,
            stream: stream.clone(),
            sequence,
            event_type: self.event.event_type().into(),
            schema_version: self.event.schema_version(),
            recorded_at,
            organization: self.organization,
            payload: Arc::from(self.payload.as_str()),
            metadata: Arc::clone(&self.metadata),
            leaf: [0; 32],
            decoded: Some(Arc::clone(&self.event)),
        };
        stored.leaf = leaf_of(&stored);
        stored
    }
}
