//! Where a ledger under test is kept: in files, or in Postgres, as `MUSTER_TEST_STORE` says.

use std::path::Path;

use muster::{
    clock::{Clock as _, SystemClock, event_id},
    deployment::DeploymentOptions,
};
use muster_events::stream::StreamId;
use sqlx::{Connection as _, Executor as _, Row as _, SqliteConnection, postgres::PgRow};
use tempfile::TempDir;

use super::{TestDatabase, TestEventStore};

/// `sqlite`, `postgres`, or `eventstore`; the first where it is not set. `tests/run` runs what depends on it with each.
const STORE: &str = "MUSTER_TEST_STORE";

/// Where the ledgers under test are kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    Files,
    Postgres,
    /// The log in an event store, the rest in files.
    EventStore,
}

fn kept() -> Kept {
    match std::env::var(STORE).as_deref() {
        Ok("postgres") => Kept::Postgres,
        Ok("eventstore") => Kept::EventStore,
        Ok("sqlite") | Err(_) => Kept::Files,
        Ok(other) => panic!("{STORE} is {other}; it is sqlite, postgres or eventstore"),
    }
}

/// Whether the ledgers under test are kept in Postgres.
pub(crate) fn on_postgres() -> bool {
    kept() == Kept::Postgres
}

/// Whether the logs under test are kept in an event store.
pub(crate) fn on_event_store() -> bool {
    kept() == Kept::EventStore
}

/// Whether a test is left out of this pass, because what it is about is there only with files; says so.
pub(crate) fn is_without_files(what: &str) -> bool {
    let left_out = kept() != Kept::Files;
    if left_out {
        println!("left out where the log is in no file, and there is no such thing: {what}");
    }
    left_out
}

/// Whether a test is left out of this pass, because what it is about is there only with a database; says so.
pub(crate) fn is_without_database(what: &str) -> bool {
    if !on_postgres() {
        println!("left out where no database is, and there is no such thing: {what}");
    }
    !on_postgres()
}

/// The names of the mirrors of logs in a directory.
pub(crate) fn mirrors(directory: &Path) -> Vec<String> {
    let names = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
    let names = names.map(|name| name.into_string().unwrap());
    names.filter(|name| name.starts_with("mirror-") && !name.contains(".db-")).collect()
}

/// A directory, and beside it a database or an event store where the ledger is kept in one. All are gone when this is
/// dropped.
#[derive(Debug)]
pub(crate) struct Place {
    directory: TempDir,
    pub(crate) database: Option<TestDatabase>,
    pub(crate) event_store: Option<TestEventStore>,
}

impl Place {
    /// An empty one.
    pub(crate) async fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let database = if on_postgres() { Some(TestDatabase::create().await) } else { None };
        let event_store = on_event_store().then(TestEventStore::start);
        Self { directory, database, event_store }
    }

    /// The directory.
    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// What to open: a ledger that is made when there is none.
    pub(crate) fn options(&self) -> DeploymentOptions {
        let database = self.database.as_ref().map(TestDatabase::database);
        let event_store = self.event_store.as_ref().map(TestEventStore::named);
        DeploymentOptions { database, event_store, ..DeploymentOptions::directory(self.path()) }
    }

    /// Runs statements on the log past the store, as who may append everything. The table is `{events}`.
    pub(crate) async fn run_on_log(&self, statements: &str) {
        assert!(self.event_store.is_none(), "an event store runs no statements");
        if let Some(database) = &self.database {
            let sql = statements.replace("{events}", "log.events");
            let mut connection = database.connection().await;
            connection.execute("SET muster.appends = 'yes'").await.unwrap();
            connection.execute(sqlx::raw_sql(&sql)).await.unwrap();
        } else {
            let sql = statements.replace("{events}", "events");
            self.file("log.db").await.execute(sqlx::raw_sql(&sql)).await.unwrap();
        }
    }

    /// Appends what a newer version of this program could have appended to a stream.
    pub(crate) async fn poison(&self, stream: StreamId) {
        if let Some(event_store) = &self.event_store {
            let mirror = mirrors(self.path()).remove(0);
            return event_store.poison(&mut self.file(&mirror).await, &stream).await;
        }
        let (StreamId { aggregate_type, aggregate_id }, id) = (stream, event_id(SystemClock.now()));
        let sql = format!(
            "INSERT INTO {{events}} (aggregate_type, aggregate_id, sequence, event_type, event_version, position, \
                event_id, recorded_at, organization, actor_kind, actor_id, leaf, payload, metadata) \
            SELECT aggregate_type, aggregate_id, sequence + 1, 'FromTheFuture', '1', \
                (SELECT max(position) + 1 FROM {{events}}), '{id}', (SELECT max(recorded_at) FROM {{events}}), \
                organization, actor_kind, actor_id, leaf, '{{}}', metadata \
            FROM {{events}} WHERE aggregate_type = '{aggregate_type}' AND aggregate_id = '{aggregate_id}' \
            ORDER BY sequence DESC LIMIT 1"
        );
        self.run_on_log(&sql).await;
    }

    /// Runs statements on the pictures past what keeps them. The table is `{blobs}`.
    pub(crate) async fn run_on_pictures(&self, statements: &str) {
        let sql = self.on_pictures(statements);
        if let Some(database) = &self.database {
            database.connection().await.execute(sqlx::raw_sql(&sql)).await.unwrap();
        } else {
            self.file("blobs.db").await.execute(sqlx::raw_sql(&sql)).await.unwrap();
        }
    }

    /// The names of all pictures that are kept.
    pub(crate) async fn kept_pictures(&self) -> Vec<String> {
        let sql = self.on_pictures("SELECT name FROM {blobs} ORDER BY name");
        if let Some(database) = &self.database {
            sqlx::query_scalar(&sql).fetch_all(&mut database.connection().await).await.unwrap()
        } else {
            sqlx::query_scalar(&sql).fetch_all(&mut self.file("blobs.db").await).await.unwrap()
        }
    }

    /// Loses the read models, as an operator may who deletes them.
    pub(crate) async fn lose_views(&self) {
        if let Some(database) = &self.database {
            database.connection().await.execute("DROP SCHEMA views CASCADE").await.unwrap();
            return;
        }
        for name in ["views.db", "views.db-wal", "views.db-shm"] {
            let _ = std::fs::remove_file(self.path().join(name));
        }
        assert!(!self.path().join("views.db").exists());
    }

    /// Runs statements on the read models past what keeps them.
    pub(crate) async fn run_on_views(&self, statements: &str) {
        if let Some(database) = &self.database {
            let mut connection = database.connection().await;
            connection.execute("SET search_path TO views").await.unwrap();
            connection.execute(sqlx::raw_sql(statements)).await.unwrap();
        } else {
            self.file("views.db").await.execute(sqlx::raw_sql(statements)).await.unwrap();
        }
    }

    fn on_pictures(&self, statements: &str) -> String {
        statements.replace("{blobs}", if self.database.is_some() { "blobs.blobs" } else { "blobs" })
    }

    async fn file(&self, name: &str) -> SqliteConnection {
        let file = format!("sqlite:{}", self.path().join(name).display());
        SqliteConnection::connect(&file).await.unwrap()
    }

    /// The bytes of the living key of a subject, as they are to be found in [`Self::everything_stored`]. They are wrapped.
    pub(crate) async fn wrapped_key(&self, subject: &str) -> Option<Vec<u8>> {
        let query = "SELECT hex FROM person_keys JOIN (SELECT number, {hex} AS hex FROM wrapped_keys) AS keys \
            USING (number) WHERE erased_at IS NULL AND subject = ";
        if let Some(database) = &self.database {
            let query = query.replace("{hex}", "encode(bytes, 'hex')");
            let query =
                query.replace("FROM person", "FROM keys.person").replace("FROM wrapped", "FROM keys.wrapped");
            let query = format!("{query}'{subject}'");
            let found: Option<String> =
                sqlx::query_scalar(&query).fetch_optional(&mut database.connection().await).await.unwrap();
            return found.map(String::into_bytes);
        }
        let query = format!("{}'{subject}'", query.replace("{hex}", "bytes"));
        sqlx::query_scalar(&query).fetch_optional(&mut self.file("keys.db").await).await.unwrap()
    }

    /// Every byte that is stored anywhere but in letters: of the files, and of the rows.
    pub(crate) async fn everything_stored(&self) -> Vec<u8> {
        let mut all = vec![];
        for file in std::fs::read_dir(self.path()).unwrap() {
            let path = file.unwrap().path();
            if path.is_file() {
                all.extend(std::fs::read(path).unwrap());
            }
        }
        let Some(database) = &self.database else { return all };
        let mut connection = database.connection().await;
        let tables = "SELECT format('SELECT string_agg(row::text, '''') AS text FROM %I.%I AS row', table_schema, \
                      table_name) AS query FROM information_schema.tables \
                      WHERE table_schema IN ('log', 'views', 'keys', 'blobs') AND table_type = 'BASE TABLE'";
        let queries: Vec<PgRow> = connection.fetch_all(tables).await.unwrap();
        assert!(queries.len() > 10, "there are hardly any tables");
        for query in queries {
            let row = connection.fetch_one(query.get::<&str, _>("query")).await.unwrap();
            all.extend(row.get::<Option<&str>, _>("text").unwrap_or_default().as_bytes());
        }
        all
    }
}
