//! How far the whole has come, and when it is to stop.

use std::{sync::atomic::AtomicBool, sync::atomic::Ordering};

use tokio::{sync::watch, time::timeout};

use super::LIMIT;

/// What is counted.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    /// Changes that were acknowledged to clients.
    pub(super) acknowledged: usize,
    /// Transactions of foreign writers that were committed.
    pub(super) committed: usize,
    /// That they rolled back.
    pub(super) rolled_back: usize,
    /// That stalled and were cut off.
    pub(super) cut_off: usize,
}

/// Shared by all who write.
#[derive(Debug, Default)]
pub(super) struct Progress {
    counts: watch::Sender<Counts>,
    stopped: AtomicBool,
    head: watch::Sender<Option<u64>>,
}

impl Progress {
    pub(super) fn count(&self, change: impl FnOnce(&mut Counts)) {
        self.counts.send_modify(change);
    }

    /// Waits for so many acknowledged changes; fails when there is no new one for too long.
    pub(super) async fn reach(&self, goal: usize) {
        self.wait(|counts| counts.acknowledged >= goal).await;
    }

    /// Waits until a foreign writer has done each of the things that they do.
    pub(super) async fn await_foreign(&self) {
        self.wait(|counts| [counts.committed, counts.rolled_back, counts.cut_off].iter().all(|n| *n > 0))
            .await;
    }

    async fn wait(&self, enough: impl Fn(&Counts) -> bool) {
        let mut counts = self.counts.subscribe();
        while !enough(&counts.borrow_and_update()) {
            let changed = timeout(LIMIT, counts.changed()).await;
            assert!(changed.is_ok(), "nobody gets on: {:?}", self.counts.borrow());
        }
    }

    /// No new change is begun after this; each that was begun is carried through.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    /// Where the log ends, once nobody writes any more.
    pub(super) fn finish(&self) -> watch::Receiver<Option<u64>> {
        self.head.subscribe()
    }

    pub(super) fn finish_at(&self, head: u64) {
        self.head.send_replace(Some(head));
    }
}
