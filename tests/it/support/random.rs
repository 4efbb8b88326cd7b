//! Choices that look random and are the same again with the same seed.

use std::{env, time::Duration};

use muster::clock::random_bytes;

/// The seed to begin with; a new one is drawn where it is not set.
const SEED: &str = "MUSTER_TEST_SEED";

/// The seed of this run. It is printed, so that what has failed can be tried again with the same choices.
pub(crate) fn seed() -> u64 {
    let seed = match env::var(SEED) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{SEED} is a whole number, not {text}")),
        Err(_) => u64::from_le_bytes(random_bytes()),
    };
    println!("{SEED}={seed}");
    seed
}

/// Draws one number after the other: `SplitMix64`.
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// For one of several who draw independently of each other.
    pub(crate) fn of(seed: u64, number: u64) -> Self {
        Self(seed ^ Self(number).next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// One of `0..end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    /// At most `longest`.
    pub(crate) fn pause(&mut self, longest: Duration) -> Duration {
        let longest = usize::try_from(longest.as_micros()).unwrap();
        Duration::from_micros(self.below(longest + 1) as u64)
    }

    /// Puts `items` into another order.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            items.swap(end, self.below(end + 1));
        }
    }
}
