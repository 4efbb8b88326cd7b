//! Given events, then these rows; in every sink, in every split into batches.

mod apply;
mod filling;
mod lease;
mod many;
mod open;
mod postgres;
mod queries;
mod rebuild;
mod requests;
mod rows;
mod search;
mod splits;
mod team_queries;
mod trouble;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use muster_events::{
    event::Event,
    id::OrganizationId,
    personal::{EmailAddress, Envelope, KeyedHash, Personal, PersonalText, UserName},
    roles::RoleId,
    stream::{Position, Sequence, StreamId},
    time::Timestamp,
};
use sqlx::{SqlitePool, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

use crate::{
    all,
    projection::{LogEntry, Projection},
    sink::{Rows, memory::MemoryTables},
    table::{Table, Value},
    views::{Applied, Outcome, Views},
};

/// The incarnation of the log in these tests.
const LOG: &str = "00000001";

/// Events as a log numbers them; the event at position n is recorded at n microseconds.
#[derive(Debug, Clone, Default)]
struct Log {
    entries: Vec<LogEntry>,
    sequences: BTreeMap<StreamId, Sequence>,
}

impl Log {
    fn add(&mut self, stream: impl Into<StreamId>, event: impl Into<Event>) {
        let stream = stream.into();
        let sequence = self.sequences.entry(stream.clone()).or_default();
        *sequence = sequence.next();
        let position = self.entries.len() as u64 + 1;
        self.entries.push(LogEntry {
            position: Position(position),
            stream,
            sequence: *sequence,
            recorded_at: Timestamp::from_micros(position.cast_signed()).unwrap(),
            organization: None,
            event: Ok(Arc::new(event.into())),
        });
    }

    fn and(mut self, stream: impl Into<StreamId>, event: impl Into<Event>) -> Self {
        self.add(stream, event);
        self
    }

    fn entries(&self) -> Vec<LogEntry> {
        self.entries.clone()
    }

    /// The tables that all read models make of it; each event `times` times.
    fn in_memory(&self, times: usize) -> MemoryTables {
        let mut tables = MemoryTables::default();
        for entry in &self.entries {
            for projection in all() {
                for _ in 0..times {
                    tables.apply(projection.changes(entry).unwrap()).unwrap();
                }
            }
        }
        tables
    }
}

fn id<T>(new: impl Fn(u64) -> Result<T, muster_events::id::NotAnId>, number: u64) -> T {
    new(number).unwrap()
}

fn organization(number: u64) -> OrganizationId {
    id(OrganizationId::new, number)
}

fn role(name: &str) -> RoleId {
    RoleId::new(name).unwrap()
}

fn sealed<T: PersonalText>(text: &str, hash: Option<KeyedHash>) -> Personal<T> {
    Personal::Sealed(Envelope { key: "k".into(), sealed_for: "f".into(), sealed: text.into(), hash })
}

fn hash(text: &str) -> KeyedHash {
    KeyedHash(format!("h:{text}").into())
}

fn email(text: &str) -> Personal<EmailAddress> {
    sealed(text, Some(hash(text)))
}

fn username(text: &str) -> Personal<UserName> {
    sealed(text, Some(hash(text)))
}

/// Where the views of a test are kept.
enum Lab {
    Sqlite { directory: TempDir, files: AtomicU32 },
    Postgres(Box<postgres::Database>),
}

impl Lab {
    fn sqlite() -> Self {
        Self::Sqlite { directory: tempfile::tempdir().unwrap(), files: AtomicU32::new(0) }
    }

    async fn postgres() -> Self {
        Self::Postgres(Box::new(postgres::Database::create().await))
    }

    /// Opens the views, as one more process would.
    async fn open(&self) -> Views {
        match self {
            Self::Sqlite { directory, files } => Views::open(&file(directory, files)).await.unwrap(),
            Self::Postgres(database) => {
                Views::open_postgres(database.pool(2), database.pool(4)).await.unwrap()
            }
        }
    }

    /// From here on there are no views.
    async fn clear(&self) {
        match self {
            Self::Sqlite { files, .. } => drop(files.fetch_add(1, Ordering::Relaxed)),
            Self::Postgres(database) => database.run("DROP SCHEMA IF EXISTS views CASCADE").await,
        }
    }

    /// Does something to the views past this program.
    async fn harm(&self, in_sqlite: &str, in_postgres: &str) {
        match self {
            Self::Sqlite { directory, files } => {
                let options = SqliteConnectOptions::new().filename(file(directory, files));
                let pool = SqlitePool::connect_with(options).await.unwrap();
                sqlx::raw_sql(in_sqlite).execute(&pool).await.unwrap();
                pool.close().await;
            }
            Self::Postgres(database) => database.run(in_postgres).await,
        }
    }
}

fn file(directory: &TempDir, files: &AtomicU32) -> PathBuf {
    directory.path().join(format!("views-{}.db", files.load(Ordering::Relaxed)))
}

/// Makes two tests of each function that takes a [`Lab`].
macro_rules! on_every_database {
    ($($test:ident)*) => {
        mod on_sqlite {
            $(#[tokio::test]
            async fn $test() {
                super::$test(&$crate::tests::Lab::sqlite()).await;
            })*
        }

        mod on_postgres {
            $(#[tokio::test]
            async fn $test() {
                super::$test(&$crate::tests::Lab::postgres().await).await;
            })*
        }
    };
}
use on_every_database;

struct TestViews {
    views: Views,
}

impl TestViews {
    /// New views.
    async fn new(lab: &Lab) -> Self {
        lab.clear().await;
        let views = lab.open().await;
        views.prepare(&all(), LOG).await.unwrap();
        Self { views }
    }

    async fn of(lab: &Lab, log: &Log) -> Self {
        let test = Self::new(lab).await;
        test.applied(&all(), 0, &log.entries()).await;
        test
    }

    async fn applied(
        &self,
        projections: &[&'static Projection],
        after: u64,
        entries: &[LogEntry],
    ) -> Applied {
        match self.views.apply(projections, LOG, Position(after), entries, None).await.unwrap() {
            Outcome::Applied(applied) => applied,
            outcome => panic!("the batch after {after} was not applied: {outcome:?}"),
        }
    }

    async fn assert_same_as(&self, tables: &MemoryTables) {
        for table in all().iter().flat_map(|projection| projection.tables) {
            assert_eq!(self.views.rows(table).await.unwrap(), tables.rows(table), "{}", table.name);
        }
    }
}

/// One line a row: the key, then what is neither empty nor false.
fn shown(table: &'static Table, rows: &Rows) -> Vec<String> {
    let text = |value: &Value| match value {
        Value::Null => String::new(),
        Value::Bool(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Text(value) => value.to_string(),
    };
    let line = |(key, row): (&Vec<Value>, &Vec<Value>)| {
        let key: Vec<_> = key.iter().map(text).collect();
        let cells = table.columns.iter().zip(row);
        let cells = cells.filter(|(_, value)| !matches!(value, Value::Null | Value::Bool(false)));
        let cells: Vec<_> = cells.map(|(column, value)| format!("{}={}", column.name, text(value))).collect();
        format!("{}: {}", key.join("/"), cells.join(" "))
    };
    rows.iter().map(line).collect()
}
