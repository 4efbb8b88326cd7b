//! What an idempotency key is found by, and for how long.

use muster_events::time::Timestamp;
use sha2::{Digest, Sha256};

/// Days that a key is remembered.
const DAYS: i64 = 7;

/// What a key is found by: 128 bits of SHA-256 over the length of the actor, the actor and the key.
pub(crate) fn key_digest(actor: &str, key: &str) -> [u8; 16] {
    let whole =
        Sha256::new().chain_update((actor.len() as u64).to_le_bytes()).chain_update(actor).chain_update(key);
    let mut half = [0; 16];
    half.copy_from_slice(&whole.finalize()[..16]);
    half
}

/// The earliest time of a key that is still remembered at `now`, in microseconds.
pub(crate) fn oldest_remembered_key(now: Timestamp) -> i64 {
    now.plus_days(-DAYS).as_micros()
}
