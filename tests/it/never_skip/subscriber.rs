//! Subscribers: one that stops and starts at random, from where it had come, and one that stays, whatever happens to the
//! server.

use std::{sync::Arc, time::Duration};

use muster::{
    clock::SystemClock,
    database::Database,
    store::{Store, StoreError, postgres::PostgresStore},
};
use muster_events::stream::Position;
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};
use uuid::Uuid;

use crate::support::Random;

/// The longest time that it runs before it stops.
const RUN: Duration = Duration::from_millis(1_500);
/// The longest time that it is away.
const AWAY: Duration = Duration::from_millis(300);
/// The most events that it takes at once.
const PAGE: usize = 200;

/// What it keeps while it is away, and what it saw.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The identity of each event, in the order in which it came. How many there are is the cursor.
    pub(super) events: Vec<Uuid>,
    /// How often it was started.
    pub(super) starts: usize,
}

impl Seen {
    fn cursor(&self) -> Position {
        Position(self.events.len() as u64)
    }

    /// Reads up to `told`, which it was told to be in the log.
    async fn read_to(&mut self, store: &PostgresStore, told: Position) -> Result<(), StoreError> {
        while self.cursor() < told {
            let page = store.read_all(self.cursor(), PAGE).await?;
            assert!(!page.is_empty(), "told of position {told}, nothing is found after {}", self.cursor());
            for event in page {
                let next = self.cursor().next();
                assert_eq!(event.position, next, "the subscriber expects {next} and gets another one");
                self.events.push(event.event_id);
            }
        }
        Ok(())
    }
}

/// Follows the log until it has come to the head that `finish` says, with one store that is opened once: it has to be
/// told of everything also after each time that the server was gone.
pub(super) async fn stay(database: Database, mut finish: watch::Receiver<Option<u64>>) -> Seen {
    let store = PostgresStore::open(&database, Arc::new(SystemClock)).await.unwrap();
    let mut commits = store.commits();
    let mut followed = Seen { starts: 1, ..Seen::default() };
    while finish.borrow_and_update().is_none_or(|head| followed.cursor().0 < head) {
        let told = *commits.borrow_and_update();
        match followed.read_to(&store, told).await {
            Ok(()) => {}
            Err(StoreError::Unavailable(_)) => {
                sleep(AWAY).await;
                continue;
            }
            Err(other) => panic!("the subscriber that stays cannot read: {other}"),
        }
        tokio::select! {
            _ = commits.changed() => {}
            Ok(()) = finish.changed() => {}
        }
    }
    followed
}

/// Stops and starts until it has come to the head that `finish` says.
pub(super) async fn come_and_go(database: Database, seed: u64, finish: watch::Receiver<Option<u64>>) -> Seen {
    let mut random = Random::of(seed, 2_000);
    let mut followed = Seen::default();
    while finish.borrow().is_none_or(|head| followed.cursor().0 < head) {
        followed.starts += 1;
        let clock = Arc::new(SystemClock);
        // It fails while there is no server.
        if let Ok(store) = PostgresStore::open(&database, clock).await {
            match timeout(random.pause(RUN), follow(&store, &mut followed)).await {
                Err(_) | Ok(Ok(()) | Err(StoreError::Unavailable(_))) => {}
                Ok(Err(other)) => panic!("the subscriber cannot read: {other}"),
            }
        }
        sleep(random.pause(AWAY)).await;
    }
    followed
}

/// Is told of commits, and reads no more often than that.
async fn follow(store: &PostgresStore, followed: &mut Seen) -> Result<(), StoreError> {
    let mut commits = store.commits();
    loop {
        let told = *commits.borrow_and_update();
        followed.read_to(store, told).await?;
        if commits.changed().await.is_err() {
            return Ok(());
        }
    }
}
