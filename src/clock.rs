//! Time and randomness: the only file of the product that reads a clock or draws a random number.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use muster_events::{id::MAX_ID, time::Timestamp};
use uuid::Uuid;

/// Tells the time.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The time of day, UTC.
    fn now(&self) -> Timestamp;
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    fn now(&self) -> Timestamp {
        jiff::Timestamp::now().into()
    }
}

/// A point from which a duration is measured; no time of day.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
pub fn stopwatch() -> Instant {
    Instant::now()
}

/// Fills `bytes` from the operating system's random source.
///
/// # Panics
///
/// When the operating system has no random source: nothing that this program does is safe without one.
#[expect(clippy::disallowed_methods, reason = "this is the one place that draws randomness")]
pub fn random(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the operating system has a random source");
}

/// `N` random bytes.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    random(&mut bytes);
    bytes
}

/// The identity of a new event: `UUIDv7` of `now`. It orders nothing.
pub fn event_id(now: Timestamp) -> Uuid {
    let millis = u64::try_from(now.as_micros() / 1000).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &random_bytes()).into_uuid()
}

/// Milliseconds from 1970 to 2025, where the time part of ids starts.
const ID_EPOCH_MILLIS: i64 = 1_735_689_600_000;

/// Draws ids of organizations, teams, members, users and tokens: 41 bits of milliseconds since 2025, 12 random
/// bits, and never the same or a smaller one twice in a process. Two processes that draw the same one are told
/// apart by the append, which expects a new stream.
#[derive(Debug, Default)]
pub struct Ids {
    last: Mutex<u64>,
}

impl Ids {
    /// The next id.
    pub fn draw(&self, now: Timestamp) -> u64 {
        let millis = u64::try_from(now.as_micros() / 1000 - ID_EPOCH_MILLIS).unwrap_or(0);
        let random = u64::from(u16::from_le_bytes(random_bytes()) & 0x0FFF);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = (millis << 12 | random).max(*last + 1).clamp(1, MAX_ID);
        *last
    }
}
