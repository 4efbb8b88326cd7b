//! The promises, kept by EventStoreDB: by a double of it, or by a real one whose URL is in `MUSTER_TEST_EVENTSTORE_URL`.

mod faults;
mod streams;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use eventstore_double::Double;
use muster::{
    clock::Clock,
    store::{
        Store,
        eventstore::{EventStoreStore, EventStoreUrl},
    },
};
use tempfile::TempDir;

use super::{contract, lab::Lab};

/// Each store that is opened has a mirror of its own, as processes on several machines have.
struct EventStoreLab {
    double: Double,
    directory: TempDir,
    opened: AtomicUsize,
}

impl EventStoreLab {
    async fn new() -> Self {
        Self {
            double: Double::start().await,
            directory: tempfile::tempdir().unwrap(),
            opened: AtomicUsize::new(0),
        }
    }

    fn url(&self) -> EventStoreUrl {
        self.double.url().parse().unwrap()
    }

    fn mirror(&self, number: usize) -> PathBuf {
        self.directory.path().join(format!("mirror-{number}.db"))
    }
}

#[async_trait]
impl Lab for EventStoreLab {
    fn name(&self) -> &'static str {
        "EventStoreDB"
    }

    async fn open(&self, clock: Arc<dyn Clock>) -> Arc<dyn Store> {
        let mirror = self.mirror(self.opened.fetch_add(1, Ordering::SeqCst));
        EventStoreStore::open(&self.url(), &mirror, clock).await.unwrap()
    }

    /// The server has no way to change an event.
    async fn tamper(&self) -> Option<Vec<String>> {
        None
    }
}

contract!(EventStoreLab::new().await);
