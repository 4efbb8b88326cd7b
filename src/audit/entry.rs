//! From the events of one command to entries.

use std::sync::Arc;

use muster_events::{
    recorded::RecordedEvent,
    stream::{Position, StreamId},
};

use super::{Class, Kind, classify};

/// One entry of the audit log.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// What it says happened.
    pub kind: Kind,
    /// What it is made of, at least one event, in the order of the log.
    pub events: Vec<Arc<RecordedEvent>>,
    id: u64,
}

impl Entry {
    fn of(kind: Kind, event: &Arc<RecordedEvent>) -> Self {
        Self { kind, events: vec![Arc::clone(event)], id: own_id(event.position) }
    }

    /// Its number, which orders the entries of a deployment: twice the position of the event that it tells of, and one
    /// more where it sums up events, of which some have an entry besides.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The event that it begins with.
    pub fn first(&self) -> &RecordedEvent {
        &self.events[0]
    }

    /// The event that it ends with.
    pub fn last(&self) -> &RecordedEvent {
        &self.events[self.events.len() - 1]
    }

    /// What it happened to.
    pub fn stream(&self) -> &StreamId {
        &self.first().stream
    }
}

fn own_id(position: Position) -> u64 {
    position.0.saturating_mul(2)
}

/// Whether two neighbours in the order of the log were appended to one stream by one command.
pub fn same_run(one: &RecordedEvent, other: &RecordedEvent) -> bool {
    let (left, right) = (&one.metadata, &other.metadata);
    one.stream == other.stream
        && one.recorded_at == other.recorded_at
        && left.actor == right.actor
        && left.request_id == right.request_id
        && left.causation_id == right.causation_id
        && left.idempotency_key == right.idempotency_key
}

/// The entries of a whole run, whose events are given in the order of the log. Newest first.
pub fn entries(run: &[Arc<RecordedEvent>]) -> Vec<Entry> {
    let mut found: Vec<Entry> = vec![];
    let opened = match run.first().map(|first| (first, classify(&first.event))) {
        Some((first, Class::Own(kind))) if kind.opens() => {
            found.push(Entry::of(kind, first));
            true
        }
        _ => false,
    };
    for event in run.iter().skip(usize::from(opened)) {
        match classify(&event.event) {
            Class::Own(kind) => found.push(Entry::of(kind, event)),
            Class::Part(_) | Class::OwnAndPart(..) if opened => found[0].events.push(Arc::clone(event)),
            Class::Part(sum) => add(&mut found, sum, event),
            Class::OwnAndPart(own, sum) => {
                found.push(Entry::of(own, event));
                add(&mut found, sum, event);
            }
            Class::Silent => {}
        }
    }
    join_restoration(&mut found);
    found.sort_by_key(|entry| std::cmp::Reverse(entry.id));
    found
}

/// What is changed with the same request that calls off the end of an organization is told with that (behaviour.md 7.3).
fn join_restoration(found: &mut Vec<Entry>) {
    let Some(at) = found.iter().position(|entry| entry.kind == Kind::OrgEdit) else { return };
    if !found.iter().any(|entry| entry.kind == Kind::OrgRestore) {
        return;
    }
    let edit = found.remove(at);
    for restore in found.iter_mut().filter(|entry| entry.kind == Kind::OrgRestore) {
        restore.events.extend(edit.events.iter().cloned());
        restore.events.sort_by_key(|event| event.position);
        restore.id = restore.id.max(edit.id);
    }
}

/// Adds an event to the entry that sums up, which moves to its place.
fn add(found: &mut Vec<Entry>, sum: Kind, event: &Arc<RecordedEvent>) {
    let id = own_id(event.position).saturating_add(1);
    match found.iter_mut().find(|entry| entry.kind == sum && entry.id % 2 == 1) {
        Some(entry) => {
            entry.events.push(Arc::clone(event));
            entry.id = id;
        }
        None => found.push(Entry { kind: sum, events: vec![Arc::clone(event)], id }),
    }
}
