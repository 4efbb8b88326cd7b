//! Reading a stream and `$all`, in either direction.

use std::sync::Arc;

use super::{Event, Log, State};

/// Where a read begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    First,
    End,
    /// A revision of a stream, a position of `$all`.
    At(u64),
}

/// Why a stream cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// It never was, or is soft-deleted.
    NotFound,
    /// It is tombstoned.
    Deleted,
}

/// Some events of a stream, and the revisions between which it can be read.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) events: Vec<Arc<Event>>,
    pub(crate) first: u64,
    pub(crate) last: u64,
}

impl Log {
    /// Events of a stream from `start` on; it is included.
    pub(crate) fn read_stream(
        &self,
        name: &str,
        start: Start,
        backwards: bool,
        count: u64,
    ) -> Result<Page, Missing> {
        let state = self.state();
        let stream = state.streams.get(name).ok_or(Missing::NotFound)?;
        if stream.tombstoned {
            return Err(Missing::Deleted);
        }
        let last = stream.last().filter(|_| !stream.soft_deleted).ok_or(Missing::NotFound)?;
        let kept = stream.events.iter().filter(|event| event.revision >= stream.first);
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let events: Vec<_> = match (start, backwards) {
            (Start::End, false) => Vec::new(),
            (Start::End, true) => kept.rev().take(count).cloned().collect(),
            (start, false) => {
                kept.skip_while(|event| event.revision < start.or_first()).take(count).cloned().collect()
            }
            (start, true) => kept
                .rev()
                .skip_while(|event| event.revision > start.or_first())
                .take(count)
                .cloned()
                .collect(),
        };
        Ok(Page { events, first: stream.first, last })
    }

    /// Events of `$all`: forwards from `start` on, which is included; backwards before it, without it.
    /// None when there is no event at that position, although there are later ones.
    pub(crate) fn read_all(
        &self,
        start: Start,
        backwards: bool,
        count: u64,
        wanted: impl Fn(&Event) -> bool,
    ) -> Option<Vec<Arc<Event>>> {
        let state = self.state();
        let from = match start {
            Start::First => 0,
            Start::End => state.events.len(),
            Start::At(position) => state.index(position)?,
        };
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let wanted = |event: &&Arc<Event>| wanted(event);
        Some(if backwards {
            state.events[..from].iter().rev().filter(wanted).take(count).cloned().collect()
        } else {
            state.events[from..].iter().filter(wanted).take(count).cloned().collect()
        })
    }

    /// The position of the last event.
    pub(crate) fn last_position(&self) -> Option<u64> {
        self.state().events.last().map(|event| event.position)
    }

    /// Whether a read can begin there: at an event, or behind all.
    pub(crate) fn is_position(&self, position: u64) -> bool {
        self.state().index(position).is_some()
    }

    /// At most `limit` events of `$all` after a position.
    pub(crate) fn after(&self, position: Option<u64>, limit: usize) -> Vec<Arc<Event>> {
        let state = self.state();
        let from = state.events.partition_point(|event| Some(event.position) <= position);
        state.events[from..].iter().take(limit).cloned().collect()
    }
}

impl Start {
    fn or_first(self) -> u64 {
        match self {
            Self::At(place) => place,
            Self::First | Self::End => 0,
        }
    }
}

impl State {
    fn index(&self, position: u64) -> Option<usize> {
        let index = self.events.partition_point(|event| event.position < position);
        self.events.get(index).is_none_or(|event| event.position == position).then_some(index)
    }
}
