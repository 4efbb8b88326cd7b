//! What is taken over from another log: its events in records, and the claims that they lead to.

use std::collections::VecDeque;

use muster_events::stream::Position;

use super::{
    EventStoreStore,
    published::parts,
    server::{Appended, NewEvent},
    streams::COMMIT,
};
use crate::{
    clock::{Clock as _, SystemClock, event_id},
    store::{
        HeldClaim, Store as _, StoreError, StoredEvent,
        source::{Held, Record, RecordedEvent, Records},
        taking_over,
    },
};

/// Bytes of payloads and metadata in one record: with quotes escaped, less than a server takes.
const RECORD_BYTES: usize = 400 * 1024;
/// Claims in one record.
const RECORD_CLAIMS: usize = 2_000;

impl EventStoreStore {
    /// Records a stretch of another log as it stands.
    pub(super) async fn record_stretch(&self, stretch: &[StoredEvent]) -> Result<(), StoreError> {
        let count = self.fresh().await?;
        taking_over::follows(self.mirror.head().await?.position, stretch)?;
        // All of it is looked at before any of it is recorded.
        let mut records = vec![];
        for part in parts(stretch, RECORD_BYTES) {
            let Some(last) = part.last() else { continue };
            records.push(Record {
                id: event_id(last.recorded_at),
                recorded_at: last.recorded_at,
                events: part.iter().map(recorded).collect::<Result<_, _>>()?,
                claims: vec![],
                key: None,
                held: None,
            });
        }
        self.record(count, records).await
    }

    /// Records that these claims take the place of all others.
    pub(super) async fn record_claims(
        &self,
        claims: Vec<HeldClaim>,
        folded: Position,
    ) -> Result<(), StoreError> {
        let count = self.fresh().await?;
        let hash_key = self.hash_key().await?;
        taking_over::is_nobodys(folded, self.mirror.head().await?.position, hash_key.as_deref())?;
        let recorded_at = SystemClock.now();
        let mut parts: Vec<_> = claims.chunks(RECORD_CLAIMS).map(<[_]>::to_vec).collect();
        if parts.is_empty() {
            parts.push(vec![]);
        }
        let held = |(number, claims)| Record {
            id: event_id(recorded_at),
            recorded_at,
            events: vec![],
            claims: vec![],
            key: None,
            held: Some(Held { is_first: number == 0, claims }),
        };
        self.record(count, parts.into_iter().enumerate().map(held).collect()).await
    }

    /// Appends records behind the first `count`, one after the other; in halves, where the server takes less than usual.
    async fn record(&self, mut count: Records, records: Vec<Record>) -> Result<(), StoreError> {
        let mut left = VecDeque::from(records);
        while let Some(record) = left.pop_front() {
            let new = NewEvent::json(COMMIT, record.id, &record)?;
            match self.server.append(&self.server.streams.commits, count.0, &[new]).await {
                Ok(Appended::Yes) => count.0 += 1,
                Ok(Appended::Conflict | Appended::Closed) => {
                    return Err(StoreError::Unavailable("another process writes this log".into()));
                }
                Err(error @ StoreError::TooLarge(_)) => {
                    let [first, second] = halved(record).ok_or(error)?;
                    left.push_front(second);
                    left.push_front(first);
                }
                Err(error) => return Err(error),
            }
        }
        self.mirror.catch_up(count).await
    }
}

/// What is taken over in two records; none where that is one event or one claim.
fn halved(mut first: Record) -> Option<[Record; 2]> {
    let events = first.events.split_off(first.events.len() / 2);
    let held = first
        .held
        .as_mut()
        .map(|held| Held { is_first: false, claims: held.claims.split_off(held.claims.len() / 2) });
    let has_some =
        !first.events.is_empty() || first.held.as_ref().is_some_and(|held| !held.claims.is_empty());
    let id = event_id(first.recorded_at);
    let second = Record { id, recorded_at: first.recorded_at, events, claims: vec![], key: None, held };
    has_some.then_some([first, second])
}

fn recorded(event: &StoredEvent) -> Result<RecordedEvent, StoreError> {
    let actor = taking_over::actor(event)?;
    Ok(RecordedEvent::new(event, &actor.kind, actor.id.as_deref()))
}
