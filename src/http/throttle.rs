//! How often one caller may read what costs most (behaviour.md 4.1).

use std::{
    num::NonZeroU32,
    sync::atomic::{AtomicU32, Ordering},
};

use axum::http::{StatusCode, header};
use governor::{
    Quota, RateLimiter,
    clock::{Clock, MonotonicClock},
    state::keyed::HashMapStateStore,
};

use super::problem::Problem;
use crate::ledger::{Caller, CallerKind};

/// After how many requests callers are forgotten who have been quiet since.
const FORGET_AFTER: u32 = 4096;

/// Lets every person, and every organization with a token of its own, ask this process so and so often a second.
///
/// It counts as the generic cell rate algorithm does (ITU-T I.371): at once as many as the limit, then as they are
/// given back one after the other; there is no window at whose border twice as many pass.
#[derive(Debug)]
pub(super) struct Throttle {
    limit: Option<(NonZeroU32, Limiter)>,
    requests: AtomicU32,
}

type Limiter = RateLimiter<CallerKind, HashMapStateStore<CallerKind>, MonotonicClock>;

impl Throttle {
    /// At most `limit` requests a second; without one, all.
    pub(super) fn new(limit: Option<NonZeroU32>) -> Self {
        let limiter =
            |limit| RateLimiter::new(Quota::per_second(limit), HashMapStateStore::default(), MonotonicClock);
        Self { limit: limit.map(|limit| (limit, limiter(limit))), requests: AtomicU32::new(0) }
    }

    /// Counts a request; one too many is 429 and says when the next is answered.
    pub(super) fn pass(&self, caller: &Caller) -> Result<(), Problem> {
        let Some((limit, limiter)) = &self.limit else { return Ok(()) };
        if self.requests.fetch_add(1, Ordering::Relaxed) % FORGET_AFTER == FORGET_AFTER - 1 {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
        limiter.check_key(&caller.kind).map_err(|until| {
            let seconds = until.wait_time_from(MonotonicClock.now()).as_secs() + 1;
            let text = format!("Too many requests: at most {limit} a second are answered here.");
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", text)
                .with(header::RETRY_AFTER, &seconds.to_string())
        })
    }
}
