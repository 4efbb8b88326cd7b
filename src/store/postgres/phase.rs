//! Where the time of a batch goes.

use std::time::Instant;

use crate::clock::stopwatch;

/// Measures where the time of an append goes, for `/metrics`.
pub(super) struct Phase(Instant);

impl Phase {
    /// The first one begins.
    pub(super) fn begin() -> Self {
        Self(stopwatch())
    }

    /// A phase ends and the next one begins.
    pub(super) fn ends(&mut self, name: &'static str) {
        let now = stopwatch();
        metrics::histogram!("muster_append_seconds", "phase" => name).record(now - self.0);
        self.0 = now;
    }
}
