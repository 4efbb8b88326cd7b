//! Appending, with the server's rules of what is new, what was there already, and what is wrong.
//!
//! The rules are those of the real server's index writer:
//! - With an exact revision or no stream: when the stream is further, and the events that follow the expected revision
//!   have the ids of the proposed ones, the append succeeded before and is answered so. When only the first ones do, or
//!   none, it is a wrong expected version.
//! - With any or an existing stream: when the first proposed id is new to the stream, all are appended, even if a later
//!   one is known. When all are known, the append succeeded before, wherever they stand; when only the first ones are, it
//!   is a wrong expected version.
//! - An id is known to its stream only; another stream may have it too.
//!
//! The real one remembers ids for any and existing streams in a cache of bounded size; here it forgets none.

use prost::bytes::Bytes;
use uuid::Uuid;

use super::{Log, State, Stream, system_event};

/// What the writer believes of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    Any,
    NoStream,
    Exists,
    Revision(u64),
}

impl Expected {
    /// As messages of the real server show it.
    pub(crate) fn number(self) -> i64 {
        match self {
            Self::NoStream => -1,
            Self::Any => -2,
            Self::Exists => -4,
            Self::Revision(revision) => i64::try_from(revision).unwrap_or(i64::MAX),
        }
    }
}

/// An event that a client wants to append.
#[derive(Debug, Clone)]
pub(crate) struct Proposed {
    pub(crate) id: Uuid,
    pub(crate) event_type: String,
    pub(crate) is_json: bool,
    pub(crate) data: Bytes,
    pub(crate) metadata: Bytes,
}

impl Proposed {
    /// What it takes on disk, as the real server counts it.
    pub(crate) fn size(&self) -> usize {
        self.data.len() + self.metadata.len() + 2 * self.event_type.len()
    }
}

/// Where the last event of an append stands; none of an append without events to a stream without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) revision: Option<u64>,
    pub(crate) position: Option<u64>,
}

/// Why a write is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The stream stands elsewhere.
    WrongExpectedVersion { current: Option<u64> },
    /// It is tombstoned; or it is soft-deleted, and was expected to exist.
    Deleted,
}

/// What an append is that nothing stands against.
pub(super) enum Verdict {
    New { soft_deleted: bool },
    Before(Written),
}

impl Log {
    /// Appends all of the events, or none.
    pub(crate) fn append(
        &self,
        stream: &str,
        expected: Expected,
        events: Vec<Proposed>,
    ) -> Result<Written, Refused> {
        self.change(|state, now| {
            let ids: Vec<_> = events.iter().map(|event| event.id).collect();
            let soft_deleted = match state.check(stream, expected, &ids)? {
                Verdict::Before(written) => return Ok(written),
                Verdict::New { soft_deleted } => soft_deleted,
            };
            let before = state.streams.get(stream).and_then(Stream::last);
            let mut written = Written { revision: before, position: None };
            for event in events {
                let (revision, position) = state.record(stream, event, now);
                written = Written { revision: Some(revision), position: Some(position) };
            }
            if soft_deleted {
                state.recreate(stream, before.map_or(0, |last| last + 1), now);
            }
            Ok(written)
        })
    }
}

impl State {
    pub(super) fn check(&self, name: &str, expected: Expected, ids: &[Uuid]) -> Result<Verdict, Refused> {
        let none = Stream::default();
        let stream = self.streams.get(name).unwrap_or(&none);
        if stream.tombstoned || expected == Expected::Exists && stream.soft_deleted {
            return Err(Refused::Deleted);
        }
        let current = stream.last();
        let new = Ok(Verdict::New { soft_deleted: stream.soft_deleted });
        let wrong = Err(Refused::WrongExpectedVersion { current });
        let next = match expected {
            Expected::Exists if current.is_none() && !self.has_metadata(name) => return wrong,
            Expected::Any | Expected::Exists => return self.check_by_ids(name, stream, ids),
            Expected::NoStream => 0,
            Expected::Revision(revision) => revision.saturating_add(1),
        };
        let length = stream.events.len() as u64;
        if next == length {
            return new;
        }
        if next > length {
            return wrong;
        }
        // The index is below the length of a list.
        let there = &stream.events[usize::try_from(next).unwrap_or(usize::MAX)..];
        let known = ids.iter().zip(there).take_while(|(id, event)| **id == event.id).count();
        match known {
            0 if expected == Expected::NoStream && stream.soft_deleted => new,
            known if known == ids.len() && known > 0 => {
                Ok(Verdict::Before(written(stream, next + known as u64 - 1)))
            }
            _ => wrong,
        }
    }

    fn check_by_ids(&self, name: &str, stream: &Stream, ids: &[Uuid]) -> Result<Verdict, Refused> {
        let seen = |id: &Uuid| self.ids.get(&(name.to_owned(), *id)).copied();
        let known: Vec<u64> = ids.iter().map_while(seen).collect();
        match known.last() {
            None => Ok(Verdict::New { soft_deleted: stream.soft_deleted }),
            Some(last) if known.len() == ids.len() => Ok(Verdict::Before(written(stream, *last))),
            Some(_) => Err(Refused::WrongExpectedVersion { current: stream.last() }),
        }
    }

    /// A stream that only has metadata exists as well.
    pub(super) fn has_metadata(&self, name: &str) -> bool {
        self.streams.get(&metastream(name)).is_some_and(|stream| stream.last().is_some())
    }

    /// The first append after a soft deletion moves the start of the stream behind what was deleted.
    fn recreate(&mut self, name: &str, first: u64, now: u64) {
        if let Some(stream) = self.streams.get_mut(name) {
            stream.soft_deleted = false;
            stream.first = first;
        }
        self.record_metadata(name, first, now);
    }

    pub(super) fn record_metadata(&mut self, name: &str, first: u64, now: u64) -> u64 {
        let event = system_event("$metadata", &format!(r#"{{"$tb":{first}}}"#), self.end);
        self.record(&metastream(name), event, now).1
    }
}

fn metastream(name: &str) -> String {
    format!("$${name}")
}

fn written(stream: &Stream, revision: u64) -> Written {
    let event = usize::try_from(revision).ok().and_then(|index| stream.events.get(index));
    Written { revision: Some(revision), position: event.map(|event| event.position) }
}
