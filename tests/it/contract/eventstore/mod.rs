//! The promises, kept by EventStoreDB: by a double of it, or by a real one whose URL is in `MUSTER_TEST_EVENTSTORE_URL`.

mod faults;
mod sizes;
mod streams;

use std::{
    env, fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use eventstore_double::Double;
use muster::{
    clock::{Clock, random_bytes},
    store::{
        Store,
        eventstore::{EventStore, EventStoreUrl},
    },
};
use tempfile::TempDir;

use super::{contract, lab::Lab};

/// The URL of a real server.
const SERVER: &str = "MUSTER_TEST_EVENTSTORE_URL";
/// The stream of the log.
const COMMITS: &str = "muster.commits";

/// Each store that is opened has a mirror of its own, as processes on several machines have.
struct EventStoreLab {
    /// None on a real server.
    double: Option<Double>,
    url: String,
    directory: TempDir,
    opened: AtomicUsize,
}

impl EventStoreLab {
    /// On a real server where one is named, with streams of its own, which stay there; else on a double.
    async fn new() -> Self {
        let Ok(server) = env::var(SERVER) else { return Self::doubled().await };
        let separator = if server.contains('?') { '&' } else { '?' };
        let prefix = hex::encode(random_bytes::<8>());
        Self::at(None, format!("{server}{separator}prefix=test_{prefix}"))
    }

    /// On a double, for what only that can be made to do.
    async fn doubled() -> Self {
        let double = Double::start().await;
        let url = double.url();
        Self::at(Some(double), url)
    }

    fn at(double: Option<Double>, url: String) -> Self {
        Self { double, url, directory: tempfile::tempdir().unwrap(), opened: AtomicUsize::new(0) }
    }

    fn double(&self) -> &Double {
        self.double.as_ref().unwrap()
    }

    fn url(&self) -> EventStoreUrl {
        self.url.parse().unwrap()
    }

    /// Where a process has its mirror.
    fn mirror(&self, number: usize) -> PathBuf {
        let directory = self.directory.path().join(format!("process-{number}"));
        fs::create_dir_all(&directory).unwrap();
        directory
    }
}

#[async_trait]
impl Lab for EventStoreLab {
    fn name(&self) -> &'static str {
        "EventStoreDB"
    }

    async fn open(&self, clock: Arc<dyn Clock>) -> Arc<dyn Store> {
        let mirror = self.mirror(self.opened.fetch_add(1, Ordering::SeqCst));
        EventStore::at(&self.url()).unwrap().open(&mirror, clock).await.unwrap()
    }

    /// The server has no way to change an event.
    async fn tamper(&self) -> Option<Vec<String>> {
        None
    }
}

contract!(EventStoreLab::new().await);
