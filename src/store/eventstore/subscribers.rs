//! How far effectful subscribers have come, and who works: a small stream for each, whose last event says it. Every change
//! is appended at the revision that it rests on, so of two at most one is right.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use eventstore::{AppendToStreamOptions, EventData, RecordedEvent, StreamMetadataBuilder};
use muster_events::stream::Position;
use serde::{Deserialize, Serialize};

use super::{
    server::{Appended, Server, new_id},
    streams::{SUBSCRIBER_NOTED, of_subscriber},
};
use crate::{
    clock::stopwatch,
    store::{Incarnation, Lease, StoreError},
};

/// How often a change is tried because another one came first.
const ATTEMPTS: usize = 10;
/// Events of a stream that the server keeps: the last is all that counts.
const KEPT: u64 = 20;
/// A lease is renewed when this part of its time is over.
const RENEWED_AFTER: u32 = 3;

/// What the last event of a subscriber's stream says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Stand {
    incarnation: u32,
    checkpoint: Position,
    holder: String,
    epoch: u64,
    /// How long the holder may be silent; zero when he has given the lease back.
    ttl_milliseconds: u64,
}

/// What this process has seen of the streams. The clocks of two machines are never compared: a lease has run out when its
/// stream has not moved for that long before the eyes of whoever wants it.
#[derive(Debug, Default)]
pub(super) struct Subscribers {
    seen: Mutex<HashMap<String, (u64, Instant)>>,
}

impl Subscribers {
    /// Gets the lease, or renews it. `head` is where the log ends.
    pub(super) async fn lease(
        &self,
        server: &Server,
        incarnation: Incarnation,
        (subscriber, holder): (&str, &str),
        ttl: Duration,
        head: Position,
    ) -> Result<Option<Lease>, StoreError> {
        for _ in 0..ATTEMPTS {
            let found = stand(server, subscriber).await?;
            let silent_for =
                found.as_ref().map_or(Duration::ZERO, |(at, _)| self.silent_for(subscriber, *at));
            let next = match &found {
                None => Stand { checkpoint: head, epoch: 1, ..Stand::of(incarnation, holder, ttl) },
                Some((_, stand)) if stand.is_held_by(incarnation, holder) => {
                    if silent_for < ttl / RENEWED_AFTER {
                        return Ok(Some(stand.lease(subscriber)));
                    }
                    Stand { ttl_milliseconds: milliseconds(ttl), ..stand.clone() }
                }
                Some((_, stand)) if stand.is_alive(incarnation, silent_for) => return Ok(None),
                Some((_, stand)) => Stand {
                    checkpoint: stand.checkpoint.min(head),
                    epoch: stand.epoch + 1,
                    ..Stand::of(incarnation, holder, ttl)
                },
            };
            let at = found.map(|(at, _)| at);
            if note(server, subscriber, at, &next).await? {
                return Ok(Some(next.lease(subscriber)));
            }
        }
        Ok(None)
    }

    /// Moves the checkpoint of a lease, if it is still that one.
    pub(super) async fn advance(
        &self,
        server: &Server,
        incarnation: Incarnation,
        lease: &Lease,
        to: Position,
    ) -> Result<bool, StoreError> {
        change(server, lease, |stand| {
            let stands = stand.is_of(incarnation, lease) && stand.checkpoint == lease.checkpoint;
            stands.then(|| Stand { checkpoint: to, ..stand.clone() })
        })
        .await
    }

    /// Gives a lease back.
    pub(super) async fn release(
        &self,
        server: &Server,
        incarnation: Incarnation,
        lease: &Lease,
    ) -> Result<(), StoreError> {
        let released = change(server, lease, |stand| {
            stand.is_of(incarnation, lease).then(|| Stand { ttl_milliseconds: 0, ..stand.clone() })
        });
        released.await.map(drop)
    }

    /// How far a subscriber has come.
    pub(super) async fn checkpoint(
        server: &Server,
        incarnation: Incarnation,
        subscriber: &str,
    ) -> Result<Option<Position>, StoreError> {
        let found = stand(server, subscriber).await?;
        let known = found.filter(|(_, stand)| stand.incarnation == incarnation.0);
        Ok(known.map(|(_, stand)| stand.checkpoint))
    }

    /// For how long the stream has not moved beyond revision `at`, as far as this process has seen.
    fn silent_for(&self, subscriber: &str, at: u64) -> Duration {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match seen.get(subscriber) {
            Some((revision, since)) if *revision == at => since.elapsed(),
            _ => {
                seen.insert(subscriber.to_owned(), (at, stopwatch()));
                Duration::ZERO
            }
        }
    }
}

impl Stand {
    fn of(incarnation: Incarnation, holder: &str, ttl: Duration) -> Self {
        Self {
            incarnation: incarnation.0,
            checkpoint: Position::ZERO,
            holder: holder.to_owned(),
            epoch: 0,
            ttl_milliseconds: milliseconds(ttl),
        }
    }

    fn is_held_by(&self, incarnation: Incarnation, holder: &str) -> bool {
        self.holder == holder && self.incarnation == incarnation.0 && self.ttl_milliseconds > 0
    }

    fn is_alive(&self, incarnation: Incarnation, silent_for: Duration) -> bool {
        self.incarnation == incarnation.0 && silent_for < Duration::from_millis(self.ttl_milliseconds)
    }

    fn is_of(&self, incarnation: Incarnation, lease: &Lease) -> bool {
        (self.incarnation, self.holder.as_str(), self.epoch)
            == (incarnation.0, lease.holder.as_str(), lease.epoch)
    }

    fn lease(&self, subscriber: &str) -> Lease {
        let (holder, epoch, checkpoint) = (self.holder.clone(), self.epoch, self.checkpoint);
        Lease { subscriber: subscriber.to_owned(), holder, epoch, checkpoint }
    }
}

fn milliseconds(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX)
}

/// What stands at which revision.
async fn stand(server: &Server, subscriber: &str) -> Result<Option<(u64, Stand)>, StoreError> {
    let stream = of_subscriber(subscriber);
    let read = |last: RecordedEvent| {
        let stand = last.as_json().map_err(|error| {
            StoreError::Damaged(format!("the last event of {stream} cannot be read: {error}"))
        })?;
        Ok((last.revision, stand))
    };
    server.last(&stream).await?.map(read).transpose()
}

/// Makes `next` what stands, when `at` still does.
async fn note(server: &Server, subscriber: &str, at: Option<u64>, next: &Stand) -> Result<bool, StoreError> {
    let stream = of_subscriber(subscriber);
    let id = new_id();
    let event = EventData::json(SUBSCRIBER_NOTED, next).map_err(|error| server.unavailable(&error))?.id(id);
    let after = at.map_or(0, |at| at + 1);
    let is_noted = server.append(&stream, after, &[event], id).await? == Appended::Yes;
    if is_noted && at.is_none() {
        let metadata = StreamMetadataBuilder::new().max_count(KEPT).build();
        let options = AppendToStreamOptions::default();
        // Without it, the stream only grows.
        if let Err(error) = server.client()?.set_stream_metadata(stream, &options, &metadata).await {
            tracing::warn!(%error, subscriber, "the server keeps all that a subscriber's stream ever said");
        }
    }
    Ok(is_noted)
}

/// Changes what stands, if `change` finds that it may be; whether it was changed.
async fn change(
    server: &Server,
    lease: &Lease,
    change: impl Fn(&Stand) -> Option<Stand>,
) -> Result<bool, StoreError> {
    for _ in 0..ATTEMPTS {
        let Some((at, stand)) = stand(server, &lease.subscriber).await? else { return Ok(false) };
        let Some(next) = change(&stand) else { return Ok(false) };
        if note(server, &lease.subscriber, Some(at), &next).await? {
            return Ok(true);
        }
    }
    Ok(false)
}
