//! The promises for keys in Postgres, and what only a server can be.

use muster::{
    database::Database,
    sealing::{MasterKey, PostgresKeyStore, SealingError, Unsealed},
};
use sqlx::{Connection as _, PgConnection};

use super::{Keys, PLANTED, Store, promises, seal, user, value};
use crate::support::TestDatabase;

promises!(Store::Postgres);

async fn refusal(url: &str) -> String {
    let refused = PostgresKeyStore::open(&url.parse().unwrap()).await.unwrap_err();
    assert!(matches!(refused, SealingError::Unusable(_)), "{refused:?}");
    refused.to_string()
}

/// Runs a statement in a database and says whether the keys can be opened after it.
async fn after(database: &TestDatabase, statements: &str) -> Result<PostgresKeyStore, SealingError> {
    let mut connection = PgConnection::connect(database.url()).await.unwrap();
    sqlx::raw_sql(statements).execute(&mut connection).await.unwrap();
    PostgresKeyStore::open(&database.url().parse().unwrap()).await
}

#[tokio::test]
async fn a_schema_that_is_not_ours_or_not_whole_is_refused_and_left_as_it_is() {
    let database = TestDatabase::create().await;
    for (statements, says) in [
        ("CREATE SCHEMA keys; CREATE TABLE keys.theirs (x integer)", "schema keys of another program"),
        ("CREATE TABLE keys.muster_schema AS SELECT 99 AS version", "newer muster (schema 99"),
        ("UPDATE keys.muster_schema SET version = 0", "damaged: put it back"),
    ] {
        let text = after(&database, statements).await.unwrap_err().to_string();
        assert!(text.contains(says) && text.contains("muster_test_"), "{text}");
    }
    let mut connection = PgConnection::connect(database.url()).await.unwrap();
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'keys'";
    assert_eq!(sqlx::query_scalar::<_, i64>(tables).fetch_one(&mut connection).await.unwrap(), 2);
}

/// Somebody made it before, so that the user of the ledger needs no right to make schemas.
#[tokio::test]
async fn an_empty_schema_is_taken() {
    let database = TestDatabase::create().await;
    after(&database, "CREATE SCHEMA keys").await.unwrap();
}

#[tokio::test]
async fn a_table_that_is_gone_is_damage_and_not_a_new_ledger() {
    let keys = Keys::new(Store::Postgres).await;
    let ring = keys.open().await;
    keys.session().await.execute("DROP TABLE deployment_keys").await.unwrap();
    for refused in [keys.open_with(MasterKey::generate()).await.err(), {
        keys.session().await.execute("DROP TABLE wrapped_keys").await.unwrap();
        ring.sealer(user(7)).await.err()
    }] {
        assert!(
            matches!(&refused, Some(SealingError::Unusable(text)) if text.contains("damaged")),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn a_server_that_may_lose_what_it_was_given_is_refused() {
    let database = TestDatabase::create().await;
    let name = database.url().rsplit_once('/').unwrap().1;
    let name = name.split('?').next().unwrap();
    let careless = format!("ALTER DATABASE {name} SET synchronous_commit = off");
    let text = after(&database, &careless).await.unwrap_err().to_string();
    assert!(text.contains("synchronous_commit off") && text.contains("turn it on"), "{text}");
}

#[tokio::test]
async fn who_is_not_let_in_is_told_so_and_who_reaches_nobody_may_try_again() {
    let database = TestDatabase::create().await;
    let text = refusal(&format!("{}_not", database.url())).await;
    assert!(text.contains("does not let muster in") && text.contains("--database-url"), "{text}");

    let nobody: Database = "postgres://muster:hunter2@127.0.0.1:1/muster".parse().unwrap();
    let refused = PostgresKeyStore::open(&nobody).await.unwrap_err();
    assert!(matches!(refused, SealingError::Unavailable(_)), "{refused:?}");
    let text = refused.to_string();
    assert!(text.contains("muster on 127.0.0.1:1 cannot be reached") && !text.contains("hunter2"), "{text}");
}

/// The server was restarted, or the network was away: nothing is lost but the requests of that time.
#[tokio::test]
async fn a_lost_connection_is_made_again() {
    let keys = Keys::new(Store::Postgres).await;
    let ring = keys.open().await;
    let sealed = seal(&ring, user(7), PLANTED).await;
    let cut = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity \
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    for _ in 0..3 {
        keys.session().await.execute(cut).await.unwrap();
        ring.refresh().await.unwrap();
        assert_eq!(ring.unseal(&sealed).await, Ok(value(PLANTED)));
        ring.sealer(user(8)).await.unwrap();
    }
}

/// Another session keeps what it saw for long, but reads no keys: it keeps no bytes of theirs alive.
#[tokio::test]
async fn an_old_snapshot_keeps_no_erased_key() {
    let keys = Keys::new(Store::Postgres).await;
    let ring = keys.open().await;
    let sealed = seal(&ring, user(7), PLANTED).await;
    let bytes = keys.wrapped_bytes().await.remove(0);
    let mut other = keys.session().await;
    other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM pg_class").await.unwrap();
    assert_eq!(ring.erase(user(7)).await, Ok(1));
    assert!(!keys.files().await.contain(&bytes));
    assert_eq!(ring.unseal(&sealed).await, Ok(Unsealed::Erased));
    other.execute("COMMIT").await.unwrap();
}

/// The statistics of the planner hold samples of columns, and would keep them.
#[tokio::test]
async fn the_planner_takes_no_samples_of_keys() {
    let keys = Keys::new(Store::Postgres).await;
    let ring = keys.open().await;
    for number in 1..=20 {
        seal(&ring, user(number), PLANTED).await;
    }
    ring.erase(user(1)).await.unwrap();
    let mut session = keys.session().await;
    session.execute("ANALYZE wrapped_keys; ANALYZE deployment_keys").await.unwrap();
    let samples = |column: &str| {
        format!(
            "SELECT attname::text::bytea FROM pg_stats WHERE schemaname = 'keys' AND attname = '{column}'"
        )
    };
    assert!(!session.blobs(&samples("number")).await.is_empty(), "there are no statistics at all");
    assert!(session.blobs(&samples("bytes")).await.is_empty());
}
