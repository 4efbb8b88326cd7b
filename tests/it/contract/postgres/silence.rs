//! A server that says nothing, or whose answer is lost: who waits is answered, and it goes on by itself.

use std::{sync::Arc, time::Duration};

use muster::store::{
    Store, StoreError,
    postgres::{PostgresOptions, PostgresStore},
};
use muster_events::stream::Position;
use sqlx::{Connection as _, Executor as _};
use tokio::time::timeout;

use super::{
    super::lab::{Lab, ManualClock, done, everything, keyed, one},
    PostgresLab,
};
use crate::support::Relay;

/// Longer than a read may take that finds out where the log stands, and than a connection may be waited for after that.
const LIMIT: Duration = Duration::from_secs(40);

async fn by_relay(lab: &PostgresLab, options: PostgresOptions) -> (Relay, Arc<dyn Store>) {
    let (relay, database) = lab.0.by_relay().await;
    let clock = Arc::new(ManualClock::at("2026-11-24T10:00:00Z"));
    (relay, Arc::new(PostgresStore::open_with(&database, clock, options).await.unwrap()))
}

/// The server has kept it and its answer is lost; it does not answer again for a moment, as after a crash.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_whose_answer_is_lost_is_found_when_the_server_is_back() {
    let lab = PostgresLab::new().await;
    let (relay, store) = by_relay(&lab, PostgresOptions::default()).await;
    done(&*store, one("a", 0)).await;
    relay.lose_answers(6);
    let appended = done(&*store, keyed(one("a", 1), "user:1", "key")).await;
    assert_eq!(appended.position, Position(2));
    assert_eq!(everything(&*lab.store().await).await.len(), 2, "it is there once");
}

/// A read that the server took and never answers is given up, also by those who share it, and the next one is made on another
/// connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_says_nothing_any_more_holds_nobody_up_for_ever() {
    let lab = PostgresLab::new().await;
    let options = PostgresOptions { batch_timeout: Duration::from_secs(2), ..PostgresOptions::default() };
    let (relay, store) = by_relay(&lab, options).await;
    done(&*store, one("a", 0)).await;
    let mut stranger = lab.0.connection().await;
    let mut held = stranger.begin().await.unwrap();
    held.execute("LOCK TABLE log.events IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let waiting = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.head().await }
    });
    // This one, and the look of who listens.
    let asked = "SELECT count(*) > 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%incarnation%'";
    let mut onlooker = lab.0.connection().await;
    while !sqlx::query_scalar::<_, bool>(asked).fetch_one(&mut onlooker).await.unwrap() {}
    relay.silence();
    held.rollback().await.unwrap();
    let answered = timeout(LIMIT, waiting).await.expect("it is answered").unwrap();
    assert!(matches!(answered, Err(StoreError::Unavailable(_))), "{answered:?}");
    let goes_on = async {
        while store.confirm_head().await.is_err() {}
        while store.append(one("b", 0)).await.is_err() {}
    };
    timeout(LIMIT, goes_on).await.expect("it goes on by itself");
    assert_eq!(store.head().await.unwrap().position, Position(2));
}
