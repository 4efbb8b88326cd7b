//! The two ways in which a stream ends.

use uuid::Uuid;

use super::{Expected, Log, Refused, State, TOMBSTONE, append::Verdict, system_event};

impl Log {
    /// Hides what the stream has; the next append goes on at the next revision. Returns the position of the record.
    pub(crate) fn delete(&self, stream: &str, expected: Expected) -> Result<u64, Refused> {
        self.change(|state, now| {
            state.check_deletion(stream, expected)?;
            let exists = state.streams.get(stream).is_some_and(|stream| stream.last().is_some());
            if !exists && !state.has_metadata(stream) {
                return Err(Refused::WrongExpectedVersion { current: None });
            }
            state.streams.entry(stream.into()).or_default().soft_deleted = true;
            Ok(state.record_metadata(stream, TOMBSTONE, now))
        })
    }

    /// Ends the stream for ever, also one that never was. Returns the position of the record.
    pub(crate) fn tombstone(&self, stream: &str, expected: Expected) -> Result<u64, Refused> {
        self.change(|state, now| {
            state.check_deletion(stream, expected)?;
            state.streams.entry(stream.into()).or_default().tombstoned = true;
            let event = system_event("$streamDeleted", "", state.end);
            Ok(state.place(stream, TOMBSTONE, event, now))
        })
    }
}

impl State {
    /// A deletion is checked like the append of an event that was never seen before.
    fn check_deletion(&self, stream: &str, expected: Expected) -> Result<Verdict, Refused> {
        self.check(stream, expected, &[Uuid::max()])
    }
}
