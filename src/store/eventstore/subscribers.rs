//! How far effectful subscribers have come, and who works: a small stream for each, whose last event says it. Every change
//! is appended at the revision that it rests on, so of two at most one is right.

use std::{
    collections::HashMap,
    future::Future,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use muster_events::stream::Position;
use serde::{Deserialize, Serialize};

use super::{
    server::{Appended, NewEvent, Server, new_id},
    streams::SUBSCRIBER_NOTED,
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
    seen: Mutex<HashMap<String, Seen>>,
}

/// The last event of a stream that was seen. It may not be the last any more: then what rests on it is not accepted.
#[derive(Debug, Clone)]
struct Seen {
    revision: u64,
    stand: Stand,
    since: Instant,
    /// Whether this process made it so: then others see it no earlier than `since`.
    is_own: bool,
}

impl Subscribers {
    /// Gets the lease, or renews it. `head` finds where the log ends: there begins a new subscriber, unless `begin` says
    /// otherwise, and one that had come further than that.
    pub(super) async fn lease<R>(
        &self,
        server: &Server,
        incarnation: Incarnation,
        (subscriber, holder): (&str, &str),
        ttl: Duration,
        begin: Option<Position>,
        head: impl Fn() -> R,
    ) -> Result<Option<Lease>, StoreError>
    where
        R: Future<Output = Result<Position, StoreError>>,
    {
        let is_fresh = |seen: &Seen| {
            seen.is_own
                && seen.stand.is_held_by(incarnation, holder)
                && seen.since.elapsed() < ttl / RENEWED_AFTER
        };
        if let Some(seen) = self.seen(subscriber).filter(is_fresh) {
            return Ok(Some(seen.stand.lease(subscriber)));
        }
        for _ in 0..ATTEMPTS {
            let found = self.look(server, subscriber).await?;
            let next = match &found {
                None => {
                    let checkpoint = if let Some(begin) = begin { begin } else { head().await? };
                    Stand { checkpoint, epoch: 1, ..Stand::of(incarnation, holder, ttl) }
                }
                Some(seen) if is_fresh(seen) => return Ok(Some(seen.stand.lease(subscriber))),
                Some(seen) if seen.stand.is_held_by(incarnation, holder) => {
                    Stand { ttl_milliseconds: milliseconds(ttl), ..seen.stand.clone() }
                }
                Some(seen) if seen.is_alive(incarnation) => return Ok(None),
                Some(seen) => Stand {
                    checkpoint: match begin {
                        // What was done of another history says nothing of this one.
                        Some(begin) if seen.stand.incarnation != incarnation.0 => begin,
                        _ => seen.stand.checkpoint.min(head().await?),
                    },
                    epoch: seen.stand.epoch + 1,
                    ..Stand::of(incarnation, holder, ttl)
                },
            };
            if self.note(server, subscriber, found.map(|seen| seen.revision), &next).await? {
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
        self.change(server, lease, |stand| {
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
        let released = self.change(server, lease, |stand| {
            stand.is_of(incarnation, lease).then(|| Stand { ttl_milliseconds: 0, ..stand.clone() })
        });
        released.await.map(drop)
    }

    /// How far a subscriber has come.
    pub(super) async fn checkpoint(
        &self,
        server: &Server,
        incarnation: Incarnation,
        subscriber: &str,
    ) -> Result<Option<Position>, StoreError> {
        let found = self.look(server, subscriber).await?.map(|seen| seen.stand);
        let known = found.filter(|stand| stand.incarnation == incarnation.0);
        Ok(known.map(|stand| stand.checkpoint))
    }

    fn seen(&self, subscriber: &str) -> Option<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(subscriber).cloned()
    }

    /// What is seen counts, unless it was seen before, or something later was.
    fn see(&self, subscriber: &str, now: Seen) -> Seen {
        let mut all = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match all.get(subscriber) {
            Some(seen) if seen.revision >= now.revision => seen.clone(),
            _ => {
                all.insert(subscriber.to_owned(), now.clone());
                now
            }
        }
    }

    /// Reads what stands.
    async fn look(&self, server: &Server, subscriber: &str) -> Result<Option<Seen>, StoreError> {
        let stream = server.streams.of_subscriber(subscriber);
        let Some(last) = server.last(&stream).await? else { return Ok(None) };
        let stand = last.as_json().map_err(|error| {
            StoreError::Damaged(format!("the last event of {stream} cannot be read: {error}"))
        })?;
        let now = Seen { revision: last.revision, stand, since: stopwatch(), is_own: false };
        Ok(Some(self.see(subscriber, now)))
    }

    /// Makes `next` what stands, when `at` still does.
    async fn note(
        &self,
        server: &Server,
        subscriber: &str,
        at: Option<u64>,
        next: &Stand,
    ) -> Result<bool, StoreError> {
        let (stream, new) =
            (server.streams.of_subscriber(subscriber), NewEvent::json(SUBSCRIBER_NOTED, new_id(), next)?);
        let (after, since) = (at.map_or(0, |at| at + 1), stopwatch());
        if server.append(&stream, after, &[new]).await? != Appended::Yes {
            return Ok(false);
        }
        self.see(subscriber, Seen { revision: after, stand: next.clone(), since, is_own: true });
        if at.is_none() {
            // Without it, the stream only grows.
            if let Err(error) = server.keep_last(&stream, KEPT).await {
                tracing::warn!(%error, subscriber, "the server keeps all that a subscriber's stream ever said");
            }
        }
        Ok(true)
    }

    /// Changes what stands, if `change` finds that it may be; whether it was changed. What was seen last is believed, until
    /// it is not accepted.
    async fn change(
        &self,
        server: &Server,
        lease: &Lease,
        change: impl Fn(&Stand) -> Option<Stand>,
    ) -> Result<bool, StoreError> {
        let mut believed = self.seen(&lease.subscriber).filter(|seen| change(&seen.stand).is_some());
        for _ in 0..ATTEMPTS {
            let found = match believed.take() {
                Some(seen) => Some(seen),
                None => self.look(server, &lease.subscriber).await?,
            };
            let Some(Seen { revision, stand, .. }) = found else { return Ok(false) };
            let Some(next) = change(&stand) else { return Ok(false) };
            if self.note(server, &lease.subscriber, Some(revision), &next).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Seen {
    fn is_alive(&self, incarnation: Incarnation) -> bool {
        let ttl = Duration::from_millis(self.stand.ttl_milliseconds);
        // Its holder may count from when he was last sure of it, which is that much later than what is seen here.
        self.stand.incarnation == incarnation.0 && self.since.elapsed() < ttl + ttl / RENEWED_AFTER
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
