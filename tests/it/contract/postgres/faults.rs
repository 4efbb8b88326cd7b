//! Lost connections, locks that are not let go, another cluster: nothing half-written, and it goes on afterwards
//! without a restart.

use std::{sync::Arc, time::Duration};

use muster::store::{
    AppendError, Appended, Store, StoreError,
    postgres::{PostgresOptions, PostgresStore},
};
use muster_events::stream::Position;
use sqlx::{Connection as _, Executor as _};

use super::{
    super::lab::{Lab, ManualClock, Recorder, all_at_once, done, everything, keyed, one, positions},
    PostgresLab,
};

async fn open_with(lab: &PostgresLab, options: PostgresOptions) -> Arc<dyn Store> {
    let clock = Arc::new(ManualClock::at("2026-11-24T10:00:00Z"));
    Arc::new(PostgresStore::open_with(&lab.0.database(), clock, options).await.unwrap())
}

fn unavailable(outcome: Result<Appended, AppendError>) -> String {
    match outcome {
        Err(AppendError::Store(StoreError::Unavailable(text))) => text,
        other => panic!("not unavailable but {other:?}"),
    }
}

/// Ends every other connection to the database.
pub(super) async fn terminate(lab: &PostgresLab) {
    let all = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    lab.0.connection().await.execute(all).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_is_not_let_go_is_waited_for_with_a_limit() {
    let lab = PostgresLab::new().await;
    let options = PostgresOptions { lock_timeout: Duration::from_millis(100), ..PostgresOptions::default() };
    let store = open_with(&lab, options).await;
    done(&*store, one("a", 0)).await;
    let mut stranger = lab.0.connection().await;
    let mut transaction = stranger.begin().await.unwrap();
    transaction.execute("SELECT pg_advisory_xact_lock(7887337266164674156)").await.unwrap();
    for outcome in all_at_once(&[&store], [one("a", 1), one("b", 0)]).await {
        assert_eq!(unavailable(outcome), "Postgres says: canceling statement due to lock timeout");
    }
    assert_eq!(everything(&*store).await.len(), 1, "reads wait for nobody");
    transaction.rollback().await.unwrap();
    done(&*store, one("a", 1)).await;
}

/// Every append either happened or did not, as it was told; none is in doubt after the next look.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_lost_lose_nothing() {
    let lab = PostgresLab::new().await;
    let store = lab.store().await;
    let recorder = Arc::new(Recorder::default());
    store.follow(Arc::clone(&recorder) as _);
    let mut acknowledged = Vec::new();
    for round in 0..10 {
        let appends = (0..20).map(|number| {
            let id = format!("{round}-{number}");
            keyed(one(&id, 0), "user:1", &id)
        });
        let stores = [&store];
        let (outcomes, ()) = tokio::join!(all_at_once(&stores, appends), terminate(&lab));
        for (number, outcome) in outcomes.into_iter().enumerate() {
            let id = format!("{round}-{number}");
            let kept = store.outcome("user:1", &id).await.unwrap();
            match outcome {
                Ok(appended) => {
                    assert_eq!(kept.unwrap().position, appended.position);
                    acknowledged.push(appended.position);
                }
                Err(error) => {
                    assert!(matches!(error, AppendError::Store(StoreError::Unavailable(_))), "{error:?}");
                    assert_eq!(kept, None, "{id} was refused and is there");
                }
            }
        }
    }
    done(&*store, one("last", 0)).await;
    let found = everything(&*store).await;
    assert_eq!(positions(&found), (1..=found.len() as u64).map(Position).collect::<Vec<_>>());
    assert_eq!(positions(&found[..found.len() - 1]), acknowledged);
    assert_eq!(recorder.positions(), positions(&found));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_would_lose_commits_is_refused() {
    let lab = PostgresLab::new().await;
    let name = "ALTER DATABASE {} SET synchronous_commit = off";
    let database: String = sqlx::query_scalar("SELECT current_database()")
        .fetch_one(&mut lab.0.connection().await)
        .await
        .unwrap();
    lab.0.connection().await.execute(name.replace("{}", &database).as_str()).await.unwrap();
    let clock = Arc::new(ManualClock::at("2026-11-24T10:00:00Z"));
    let refused = PostgresStore::open(&lab.0.database(), clock).await.unwrap_err().to_string();
    assert!(
        refused.ends_with("synchronous_commit is off, and a commit could be lost: switch it on"),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schema_of_another_program_or_of_a_newer_one_is_refused() {
    let lab = PostgresLab::new().await;
    let mut connection = lab.0.connection().await;
    connection.execute(sqlx::raw_sql("CREATE SCHEMA log; CREATE TABLE log.events (n int)")).await.unwrap();
    let clock = Arc::new(ManualClock::at("2026-11-24T10:00:00Z"));
    let database = lab.0.database();
    let open = || PostgresStore::open(&database, Arc::clone(&clock) as _);
    let refused = open().await.unwrap_err().to_string();
    assert!(refused.contains("another program's"), "{refused}");
    connection.execute("DROP SCHEMA log CASCADE").await.unwrap();
    drop(open().await.unwrap());
    connection.execute("UPDATE log.schema_version SET version = 99, oldest_reader = 99").await.unwrap();
    let refused = open().await.unwrap_err().to_string();
    assert!(refused.contains("use the newer muster"), "{refused}");
    connection.execute("UPDATE log.schema_version SET oldest_reader = 1").await.unwrap();
    drop(open().await.expect("a newer schema that says that it can be worked with"));
}
