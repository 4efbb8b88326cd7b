//! The appends of one transaction, decided in memory one after the other, each seeing those before it.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use muster_events::{
    stream::{Position, StreamId},
    time::Timestamp,
};
use uuid::Uuid;

use super::{
    claims::Claims,
    keys::{self, NewKeys},
    rows::number,
};
use crate::store::{
    Append, AppendError, Appended, Head, Incarnation, KeyedOutcome, NewEvent, StoredEvent, StreamWrite,
    appending::Outcome, heads::Sequences,
};

/// Columns of rows to be written.
#[derive(Debug, Default)]
pub(super) struct NewEvents<'a> {
    pub(super) aggregate_types: Vec<&'a str>,
    pub(super) aggregate_ids: Vec<&'a str>,
    pub(super) sequences: Vec<i64>,
    pub(super) event_types: Vec<&'static str>,
    pub(super) event_versions: Vec<String>,
    pub(super) payloads: Vec<&'a str>,
    pub(super) metadatas: Vec<&'a str>,
    pub(super) positions: Vec<i64>,
    pub(super) event_ids: Vec<Uuid>,
    pub(super) organizations: Vec<Option<i64>>,
    pub(super) actor_kinds: Vec<&'static str>,
    pub(super) actor_ids: Vec<Option<&'a str>>,
    pub(super) leaves: Vec<[u8; 32]>,
}

impl<'a> NewEvents<'a> {
    fn push(&mut self, stream: &'a StreamId, new: &'a NewEvent, stored: &StoredEvent) {
        self.aggregate_types.push(&stream.aggregate_type);
        self.aggregate_ids.push(&stream.aggregate_id);
        self.sequences.push(number(stored.sequence.0));
        self.event_types.push(new.event.event_type());
        self.event_versions.push(stored.schema_version.to_string());
        self.payloads.push(&new.payload);
        self.metadatas.push(&new.metadata);
        self.positions.push(number(stored.position.0));
        self.event_ids.push(stored.event_id);
        self.organizations.push(stored.organization.map(|organization| number(organization.get())));
        self.actor_kinds.push(new.actor.kind.name());
        self.actor_ids.push(new.actor.id.as_deref());
        self.leaves.push(stored.leaf);
    }
}

/// What was read before anything is decided, all of it with the order lock.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Where every stream stands that the appends write or read.
    pub(super) heads: Sequences,
    /// The claims that they touch.
    pub(super) claims: Claims,
    /// The keys that were used before; none when nobody looked.
    pub(super) keys: HashMap<Uuid, KeyedOutcome>,
}

/// What is to be appended together to a log of which everything is known that was committed before.
#[derive(Debug)]
pub(super) struct Batch<'a> {
    pub(super) known: Known,
    /// Which log it is.
    incarnation: Incarnation,
    /// Where the log stood before.
    pub(super) began: Head,
    /// The position of the last event, with what this batch has appended already.
    pub(super) head: Position,
    /// One time for the whole batch, because it becomes visible as a whole.
    pub(super) recorded_at: Timestamp,
    /// What is to be written.
    pub(super) events: NewEvents<'a>,
    pub(super) keys: NewKeys<'a>,
    used: HashSet<Uuid>,
}

impl<'a> Batch<'a> {
    /// Nothing decided yet; the log stands at `began`.
    pub(super) fn new(known: Known, incarnation: Incarnation, began: Head, recorded_at: Timestamp) -> Self {
        let (head, used) = (began.position, HashSet::new());
        let (events, keys) = (NewEvents::default(), NewKeys::default());
        Self { known, incarnation, began, head, recorded_at, events, keys, used }
    }

    /// Where the log stands when this is written.
    pub(super) fn end(&self) -> Head {
        if self.head == self.began.position {
            return self.began;
        }
        Head { position: self.head, recorded_at: self.recorded_at }
    }

    /// Whether there is anything to write but claims.
    pub(super) fn writes_rows(&self) -> bool {
        !self.events.positions.is_empty() || !self.keys.digests.is_empty()
    }

    /// Appends one after the other; each has its outcome. None for what repeats a key of this batch: it is for the next
    /// one, where the first is known.
    pub(super) fn apply_all(&mut self, appends: &[&'a Append]) -> Vec<Option<Outcome>> {
        let decide = |append: &&'a Append| {
            let key = append.key.as_ref().map(|key| (keys::digest(key), key));
            let repeats = key.is_some_and(|(digest, _)| self.used.contains(&digest));
            (!repeats).then(|| self.apply(append, key))
        };
        appends.iter().map(decide).collect()
    }

    /// Appends, or leaves everything as it was.
    fn apply(&mut self, append: &'a Append, key: Option<(Uuid, &'a KeyedOutcome)>) -> Outcome {
        // A repeated request may find its own events in the way: how it ended the first time is the answer.
        if let Some(before) = key.and_then(|(digest, _)| self.known.keys.get(&digest)) {
            return Err(AppendError::KeyUsed(Box::new(before.clone())));
        }
        if append.log.is_some_and(|log| log != self.incarnation) {
            return Err(AppendError::OtherLog);
        }
        self.conflict(append)?;
        self.known.claims.change_all(&append.claims, self.recorded_at)?;
        let mut stored = Vec::new();
        for write in &append.writes {
            self.write(write, &mut stored);
        }
        let position = self.head;
        if let Some((digest, outcome)) = key {
            self.used.insert(digest);
            self.keys.push(digest, outcome, position);
        }
        Ok(Appended { position, recorded_at: self.recorded_at, events: Arc::from(stored) })
    }

    fn conflict(&self, append: &Append) -> Result<(), AppendError> {
        let head_of = |stream: &StreamId| Ok(self.known.heads.get(stream).copied().unwrap_or_default());
        append.conflict::<AppendError>(self.head, head_of)?.map_or(Ok(()), Err)
    }

    fn write(&mut self, write: &'a StreamWrite, appended: &mut Vec<StoredEvent>) {
        let mut sequence = write.expected;
        for new in &write.events {
            sequence = sequence.next();
            self.head = self.head.next();
            let stored = new.placed(self.head, &write.stream, sequence, self.recorded_at);
            self.events.push(&write.stream, new, &stored);
            appended.push(stored);
        }
        self.known.heads.insert(write.stream.clone(), sequence);
    }
}
