//! The newest events of the log in memory, for subscribers: as a rule they want what this process has just appended, or has
//! just been told of, and need not read and decode it once more.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use muster_events::stream::Position;

use super::StoredEvent;

/// Most events that are kept: those of some seconds on a busy day.
const KEPT: usize = 2_048;
/// Most bytes that they take, about: see [`size`].
const BYTES: usize = 8 << 20;

/// The last events that followers were told of, without a hole.
#[derive(Debug, Default)]
pub(super) struct Tail(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    events: VecDeque<StoredEvent>,
    bytes: usize,
}

impl Kept {
    fn clear(&mut self) {
        *self = Self::default();
    }

    fn is_too_much(&self) -> bool {
        self.events.len() > KEPT || self.bytes > BYTES
    }
}

/// What an event takes, in bytes, about: its texts, and as much again for the event that was decoded of them.
fn size(event: &StoredEvent) -> usize {
    size_of::<StoredEvent>() + 2 * event.payload.len() + event.metadata.len()
}

impl Tail {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds events, which lie directly behind those that are here; else those are forgotten.
    pub(super) fn add(&self, events: &[StoredEvent]) {
        let Some(first) = events.first() else { return };
        let mut kept = self.lock();
        if kept.events.back().is_some_and(|last| last.position.next() != first.position) {
            kept.clear();
        }
        for event in events {
            kept.bytes += size(event);
            kept.events.push_back(event.clone());
            while kept.is_too_much()
                && let Some(oldest) = kept.events.pop_front()
            {
                kept.bytes -= size(&oldest);
            }
        }
    }

    /// Forgets all: they may be of another log.
    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    /// Events directly after `after`, in order, at most `limit`; none where they are not here.
    pub(super) fn after(&self, after: Position, limit: usize) -> Vec<StoredEvent> {
        let kept = self.lock();
        let events = &kept.events;
        let first = events.partition_point(|event| event.position <= after);
        let is_next = events.get(first).is_some_and(|event| event.position == after.next());
        if is_next { events.range(first..).take(limit).cloned().collect() } else { vec![] }
    }
}

#[cfg(test)]
mod tests {
    use muster_events::{
        stream::{Position, Sequence, StreamId},
        time::Timestamp,
    };
    use uuid::Uuid;

    use super::{BYTES, KEPT, StoredEvent, Tail};

    fn events(positions: std::ops::RangeInclusive<u64>) -> Vec<StoredEvent> {
        let event = |position| StoredEvent {
            position: Position(position),
            event_id: Uuid::nil(),
            stream: StreamId::new("team", "1"),
            sequence: Sequence(position),
            event_type: "TeamRenamed".into(),
            schema_version: 1,
            recorded_at: Timestamp::default(),
            organization: None,
            payload: "{}".into(),
            metadata: "{}".into(),
            leaf: [0; 32],
            decoded: None,
        };
        positions.map(event).collect()
    }

    fn after(tail: &Tail, after: u64, limit: usize) -> Vec<u64> {
        tail.after(Position(after), limit).iter().map(|event| event.position.0).collect()
    }

    #[test]
    fn events_are_given_only_to_who_goes_on_without_a_hole() {
        let tail = Tail::default();
        assert!(after(&tail, 0, 10).is_empty());
        tail.add(&events(5..=7));
        tail.add(&events(8..=9));
        assert_eq!(after(&tail, 4, 10), [5, 6, 7, 8, 9]);
        assert_eq!(after(&tail, 6, 2), [7, 8]);
        assert!(after(&tail, 9, 10).is_empty());
        assert!(after(&tail, 3, 10).is_empty(), "the fourth is not here");
        tail.add(&events(12..=12));
        assert!(after(&tail, 8, 10).is_empty(), "there may be others between them");
        assert_eq!(after(&tail, 11, 10), [12]);
        tail.clear();
        assert!(after(&tail, 11, 10).is_empty());
    }

    #[test]
    fn only_the_last_are_kept() {
        let (tail, most) = (Tail::default(), KEPT as u64);
        tail.add(&events(1..=most));
        assert_eq!(after(&tail, 0, 1), [1]);
        tail.add(&events(most + 1..=most + 3));
        assert!(after(&tail, 2, 1).is_empty());
        assert_eq!(after(&tail, 3, KEPT * 2).len(), KEPT);
    }

    #[test]
    fn large_ones_take_the_place_of_many() {
        let (tail, payload) = (Tail::default(), "x".repeat(BYTES / 8));
        let large: Vec<_> = events(1..=9)
            .into_iter()
            .map(|event| StoredEvent { payload: payload.as_str().into(), ..event })
            .collect();
        tail.add(&large);
        assert_eq!(after(&tail, 6, 10), [7, 8, 9]);
        assert!(after(&tail, 5, 1).is_empty(), "four of them are too much");
        let beyond = StoredEvent { payload: "x".repeat(BYTES).into(), ..events(10..=10).remove(0) };
        tail.add(&[beyond]);
        assert!(after(&tail, 9, 1).is_empty(), "one that is too large alone is read from the log");
        tail.add(&events(11..=12));
        assert_eq!(after(&tail, 10, 10), [11, 12]);
    }
}
