//! How a batch becomes durable where the log is kept elsewhere: decided here, accepted there, and then kept here.

use super::{
    errors::StoreResult,
    mirror::{self, Mirror},
    writer::{Decided, Writer},
};
use crate::{
    clock::event_id,
    store::{
        Append, KeyedOutcome, NewEvent, StoreError, StoredEvent,
        appending::{Command, Outcome},
        source::{Accepted, Record, RecordedEvent, Records},
    },
};

/// How often a batch is decided anew because others were faster, before it is not available.
const ATTEMPTS: usize = 50;
/// Bytes that a record takes for each event beside its payload and metadata, with room to spare.
const FRAME_BYTES: usize = 700;
/// By how much payload and metadata may grow in a record, where quotes are escaped that were escaped before.
const ESCAPED: usize = 2;

impl Writer {
    /// Either all of it is durable in the source and here, and followers have been told, or nothing of it happened; but
    /// for an error between the two, after which it is brought here with what others append.
    ///
    /// What was decided stands when the source accepts it right behind what this mirror has seen, with refusals and all:
    /// then nothing happened that they do not know of.
    pub(super) fn commit_to_source(
        &mut self,
        mirror: &Mirror,
        appends: &[Append],
    ) -> StoreResult<Vec<Outcome>> {
        let connection = self.connected()?;
        for _ in 0..ATTEMPTS {
            // What was put back meanwhile may be as long as what is here, and not the same.
            if !mirror.is_sure() {
                mirror.catch_up(&connection)?;
            }
            let decided = self.decide(&connection, appends.iter().cloned())?;
            let seen = mirror::seen(&connection)?;
            let records = records(&decided, appends);
            let accepted = is_accepted(mirror, seen, &records);
            if matches!(accepted, Err(StoreError::TooLarge(_))) && appends.len() > 1 {
                self.undo(&connection)?;
                self.connection = Some(connection);
                return Ok(self.commit_halves(mirror, appends));
            }
            if accepted? {
                let now = Records(seen.0 + records.len() as u64);
                let last = records.last().map(|record| record.id);
                let kept =
                    Mirror::note(&connection, now, last).and_then(|()| self.keep(connection, &decided));
                kept.map_err(|error| {
                    StoreError::Unavailable(format!(
                        "the event store has recorded it, and the mirror cannot be written ({error}); look whether it was kept"
                    ))
                })?;
                mirror.committed(now);
                return Ok(decided.outcomes);
            }
            self.undo(&connection)?;
            mirror.catch_up(&connection)?;
        }
        Err(StoreError::Unavailable("others kept appending before this could".into()))
    }

    /// Together they are too large for a source that takes less than usual; each by itself may not be.
    fn commit_halves(&mut self, mirror: &Mirror, appends: &[Append]) -> Vec<Outcome> {
        let mut outcomes = vec![];
        for half in appends.chunks(appends.len().div_ceil(2)) {
            outcomes.extend(self.commit_to_source(mirror, half).unwrap_or_else(|error| {
                self.begin_anew();
                half.iter().map(|_| Err(error.clone().into())).collect()
            }));
        }
        outcomes
    }
}

/// Where nothing is to be recorded, what was decided still rests on what this mirror has seen.
fn is_accepted(mirror: &Mirror, seen: Records, records: &[Record]) -> StoreResult<bool> {
    if records.is_empty() {
        return Ok(mirror.source.count()? == seen);
    }
    Ok(mirror.source.append(seen, records)? == Accepted::Yes)
}

/// What is to be kept of those that were not refused.
fn records(decided: &Decided, appends: &[Append]) -> Vec<Record> {
    let record = |(append, outcome): (&Append, &Outcome)| {
        let appended = outcome.as_ref().ok()?;
        let key = append.key.clone().map(|key| KeyedOutcome { position: appended.position, ..key });
        let is_empty = appended.events.is_empty() && append.claims.is_empty() && key.is_none();
        (!is_empty).then(|| Record {
            id: event_id(appended.recorded_at),
            recorded_at: appended.recorded_at,
            events: recorded(append, &appended.events),
            claims: append.claims.clone(),
            key,
            held: None,
        })
    };
    appends.iter().zip(&decided.outcomes).filter_map(record).collect()
}

fn recorded(append: &Append, stored: &[StoredEvent]) -> Vec<RecordedEvent> {
    let new = append.writes.iter().flat_map(|write| &write.events);
    let recorded = |(stored, new): (&StoredEvent, &NewEvent)| {
        RecordedEvent::new(stored, new.actor.kind.name(), new.actor.id.as_deref())
    };
    stored.iter().zip(new).map(recorded).collect()
}

/// The parts of a batch, in order, each small enough for the source. One that is too large by itself is a part of its own,
/// which the source refuses.
pub(super) fn parts(batch: impl Iterator<Item = Command>, most: usize) -> Vec<Vec<Command>> {
    let (mut parts, mut bytes) = (vec![vec![]], 0);
    for command in batch {
        let more = bytes_of(&command.append);
        if bytes + more > most && bytes > 0 {
            parts.push(vec![]);
            bytes = 0;
        }
        bytes += more;
        if let Some(part) = parts.last_mut() {
            part.push(command);
        }
    }
    parts
}

fn bytes_of(append: &Append) -> usize {
    let events = append.writes.iter().flat_map(|write| &write.events);
    let texts: usize = events.clone().map(|event| event.payload.len() + event.metadata.len()).sum();
    let key = append.key.as_ref().map_or(0, |key| key.result.len());
    let frames = 1 + events.count() + append.claims.len();
    (texts + key) * ESCAPED + frames * FRAME_BYTES
}
