//! Keys in one store or another, and the means to look behind what is promised of them.

use std::{fmt, fs, path::PathBuf, sync::Arc};

use muster::{
    clock::SystemClock,
    database::Database,
    sealing::{
        KeyRing, KeyStore, MasterKey, MasterSource, PostgresKeyStore, SealingError, SqliteKeyStore, Subject,
        Unsealed,
    },
};
use muster_events::{
    id::{MemberId, UserId},
    personal::{Envelope, Personal, PersonalVisitor},
};
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;

use crate::support::TestDatabase;

pub(super) const PLANTED: &str = "Planted.Canary@Example.com";

/// The files of the tables that are not Postgres's own, after everything was written to them.
const READ_FILES: &str = "SELECT pg_read_binary_file(path, 0, 1 << 26, true) FROM ( \
        SELECT format('base/%s/%s', oid, pg_ls_dir(format('base/%s', oid))) AS path \
        FROM pg_database WHERE datname = current_database() \
    ) files WHERE substring(path from '/([0-9]+)[^/]*$')::bigint >= 16384";

/// A database that keys can be kept in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Store {
    Sqlite,
    Postgres,
}

impl Store {
    /// The module with its tests.
    pub(super) fn module(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }

    /// A place that was written as text.
    pub(super) fn place(self, text: String) -> Place {
        match self {
            Self::Sqlite => Place::File(text.into()),
            Self::Postgres => Place::Url(text),
        }
    }
}

/// Where keys are.
#[derive(Debug)]
pub(super) enum Place {
    File(PathBuf),
    Url(String),
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(out),
            Self::Url(url) => out.write_str(url),
        }
    }
}

/// Opens the keys at a place, as another process would: sharing nothing with others but what is there.
pub(super) async fn open(place: &Place, master: MasterSource) -> Result<KeyRing, SealingError> {
    let clock = Arc::new(SystemClock);
    match place {
        Place::File(path) => KeyRing::open_sqlite(path, master, clock).await,
        Place::Url(url) => KeyRing::open_postgres(&url.parse::<Database>().unwrap(), master, clock).await,
    }
}

/// Keys at a place of their own, to be opened by as many processes as a test wants.
pub(super) struct Keys {
    directory: TempDir,
    place: Place,
    pub(super) master: MasterKey,
    /// Held until the test is over.
    _database: Option<TestDatabase>,
}

impl Keys {
    pub(super) async fn new(store: Store) -> Self {
        let directory = TempDir::new().unwrap();
        let database = match store {
            Store::Sqlite => None,
            Store::Postgres => Some(TestDatabase::create().await),
        };
        let place = match &database {
            None => Place::File(directory.path().join("keys.db")),
            Some(database) => Place::Url(database.url().into()),
        };
        Self { directory, place, master: MasterKey::generate(), _database: database }
    }

    pub(super) async fn open(&self) -> KeyRing {
        self.open_with(self.master.clone()).await.unwrap()
    }

    pub(super) async fn open_with(&self, master: impl Into<MasterSource>) -> Result<KeyRing, SealingError> {
        open(&self.place, master.into()).await
    }

    /// What keeps them, without the master key.
    pub(super) async fn store(&self) -> Arc<dyn KeyStore> {
        match &self.place {
            Place::File(path) => Arc::new(SqliteKeyStore::open(path).await.unwrap()),
            Place::Url(url) => Arc::new(PostgresKeyStore::open(&url.parse().unwrap()).await.unwrap()),
        }
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// A path in a directory of the test.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The database itself, behind the back of all processes.
    pub(super) async fn session(&self) -> Session {
        match &self.place {
            Place::File(path) => Session::Sqlite(rusqlite::Connection::open(path).unwrap()),
            Place::Url(url) => {
                let mut connection = PgConnection::connect(url).await.unwrap();
                sqlx::raw_sql("SET search_path = keys").execute(&mut connection).await.unwrap();
                Session::Postgres(connection)
            }
        }
    }

    /// The wrapped keys of persons, in the order in which they were made.
    pub(super) async fn wrapped_bytes(&self) -> Vec<Vec<u8>> {
        self.session().await.blobs("SELECT bytes FROM wrapped_keys ORDER BY number").await
    }

    /// What stands in the files of the database. Of Postgres those of the tables: its log keeps what it was given.
    pub(super) async fn files(&self) -> Files {
        match self.session().await {
            Session::Sqlite(_) => {
                let entries = fs::read_dir(self.directory.path()).unwrap();
                Files(entries.map(|file| fs::read(file.unwrap().path()).unwrap()).collect())
            }
            mut postgres @ Session::Postgres(_) => {
                postgres.execute("CHECKPOINT").await.unwrap();
                Files(postgres.blobs(READ_FILES).await)
            }
        }
    }
}

/// The content of files.
pub(super) struct Files(Vec<Vec<u8>>);

impl Files {
    /// Whether any of them contains `bytes`.
    pub(super) fn contain(&self, bytes: &[u8]) -> bool {
        self.0.iter().any(|file| file.windows(bytes.len()).any(|window| window == bytes))
    }
}

/// A connection to the database of the keys.
pub(super) enum Session {
    Sqlite(rusqlite::Connection),
    Postgres(PgConnection),
}

impl Session {
    /// Runs statements; names of tables mean those of the keys.
    pub(super) async fn execute(&mut self, statements: &str) -> Result<(), String> {
        match self {
            Self::Sqlite(connection) => {
                connection.execute_batch(statements).map_err(|error| error.to_string())
            }
            Self::Postgres(connection) => {
                let done = sqlx::raw_sql(statements).execute(connection).await;
                done.map(drop).map_err(|error| error.to_string())
            }
        }
    }

    /// The first column of what is found.
    pub(super) async fn blobs(&mut self, query: &str) -> Vec<Vec<u8>> {
        match self {
            Self::Sqlite(connection) => {
                let mut statement = connection.prepare(query).unwrap();
                statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
            }
            Self::Postgres(connection) => {
                let found = sqlx::query_scalar::<_, Option<Vec<u8>>>(query).fetch_all(connection).await;
                found.unwrap().into_iter().flatten().collect()
            }
        }
    }
}

pub(super) fn user(number: u64) -> Subject {
    Subject::User(UserId::new(number).unwrap())
}

pub(super) fn invitee(number: u64) -> Subject {
    Subject::Invitee(MemberId::new(number).unwrap())
}

/// `text` sealed for `subject` as a field of an event.
pub(super) async fn seal(ring: &KeyRing, subject: Subject, text: &str) -> Envelope {
    let mut value = Personal::open(text.to_owned(), None);
    let sealer = ring.sealer(subject).await.unwrap();
    let Ok(()) = sealer.fields_of("UserRegistered").visit("name", &mut value);
    value.envelope().unwrap().clone()
}

pub(super) fn value(text: &str) -> Unsealed {
    Unsealed::Value(text.into())
}
