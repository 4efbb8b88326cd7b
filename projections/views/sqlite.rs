//! How the file of the views is opened, and what is refused then.

use std::{path::Path, time::Duration};

use sqlx::{
    ConnectOptions, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::Views;
use crate::{
    change::Change,
    database::{LOCK_WAIT, Pool, is_damage, result_code},
    error::ViewError,
    projection::Projection,
    sink::{fold::Fold, live, memory::MemoryTables},
};

/// `PRAGMA application_id` of this file: "msvw".
const APPLICATION_ID: i64 = 0x6D73_7677;
/// Rows that the thread of a connection reads ahead of who asks for them: each time that one waits for the other costs more
/// than many rows.
const ROWS_AHEAD: usize = 1_000;
/// How often a file that is locked is tried to be opened.
const OPEN_ATTEMPTS: u32 = 20;
/// How long to wait between two of these attempts.
const OPEN_PAUSE: Duration = Duration::from_millis(50);
const SQLITE_BUSY: i32 = 5;
/// How many queries run at a time.
const READERS: u32 = 4;
/// Statements that a connection keeps prepared; more than there are.
const STATEMENTS: usize = 256;

impl Views {
    /// Opens the views at `path`; makes the file when there is none.
    pub async fn open(path: &Path) -> Result<Self, ViewError> {
        look_before(path)?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .busy_timeout(LOCK_WAIT)
            // Only rows of other read models would be referred to, and each is built on its own.
            .foreign_keys(false)
            .statement_cache_capacity(STATEMENTS)
            .row_buffer_size(ROWS_AHEAD)
            .disable_statement_logging();
        let writer = options
            .clone()
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // A commit that is lost with the machine is applied again: its checkpoint is lost with it.
            .synchronous(SqliteSynchronous::Normal);
        let pool =
            || SqlitePoolOptions::new().test_before_acquire(false).idle_timeout(None).max_lifetime(None);
        let writer =
            connect(&pool().max_connections(1), &writer).await.map_err(|error| cannot_open(path, &error))?;
        claim_file(&writer, path).await?;
        let readers = pool().max_connections(READERS).connect_lazy_with(options.read_only(true));
        Ok(Self { writer: Pool::Sqlite(writer), readers: Pool::Sqlite(readers) })
    }
}

/// The incarnation of what follows no log.
const NO_LOG: &str = "none";

impl Views {
    /// Views in memory that hold these rows: of a past moment, asked by the queries of the present.
    pub async fn in_memory(
        projections: &[&'static Projection],
        tables: &MemoryTables,
    ) -> Result<Self, ViewError> {
        let options =
            SqliteConnectOptions::new().in_memory(true).foreign_keys(false).disable_statement_logging();
        // Each connection would have a database of its own.
        let pool = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
        let pool = Pool::Sqlite(pool.test_before_acquire(false).connect_with(options).await?);
        let views = Self { writer: pool.clone(), readers: pool };
        let generations = views.prepare(projections, NO_LOG).await?.living;
        let mut fold = Fold::default();
        for generation in &generations {
            let of = projections.iter().filter(|projection| projection.name == generation.projection);
            for table in of.flat_map(|projection| projection.tables) {
                for (key, row) in tables.rows(table) {
                    let names = table.columns.iter().map(|column| column.name);
                    let cells: Vec<_> = names.zip(row).collect();
                    fold.add_to(generation.number, Change::put(table, key, cells));
                }
            }
        }
        let mut writing = views.writer.writing().await?;
        live::carry_out(&mut writing, fold).await?;
        writing.commit().await?;
        Ok(views)
    }
}

/// Two processes that make the same new file meet where SQLite does not wait: at the change to the write-ahead log.
async fn connect(
    pool: &SqlitePoolOptions,
    options: &SqliteConnectOptions,
) -> Result<SqlitePool, sqlx::Error> {
    let mut attempts = 1..OPEN_ATTEMPTS;
    loop {
        match pool.clone().connect_with(options.clone()).await {
            Err(error) if result_code(&error) == Some(SQLITE_BUSY) && attempts.next().is_some() => {
                tokio::time::sleep(OPEN_PAUSE).await;
            }
            connected => return connected,
        }
    }
}

/// What SQLite would only call "unable to open database file".
fn look_before(path: &Path) -> Result<(), ViewError> {
    let shown = path.display();
    if path.is_dir() {
        let text = format!("{shown} is a directory: name the file that the views are to be kept in");
        return Err(ViewError::Unusable(text));
    }
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if directory.is_dir() {
        return Ok(());
    }
    let directory = directory.display();
    let text = format!("there is no directory {directory}: create it, or name another one for {shown}");
    Err(ViewError::Unusable(text))
}

fn cannot_open(path: &Path, error: &sqlx::Error) -> ViewError {
    let path = path.display();
    ViewError::Unusable(if is_damage(error) {
        format!("{path} is not a database: delete it; the views are built again from the log")
    } else {
        format!("{path} cannot be opened: {error}")
    })
}

/// Marks a new file as ours, and refuses one of another program: tables are dropped here without asking.
async fn claim_file(writer: &SqlitePool, path: &Path) -> Result<(), ViewError> {
    let cannot_open = |error| cannot_open(path, &error);
    // The tables before the mark: whoever makes the file at this moment marks it first.
    let objects: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema")
        .fetch_one(writer)
        .await
        .map_err(cannot_open)?;
    let application: i64 =
        sqlx::query_scalar("PRAGMA application_id").fetch_one(writer).await.map_err(cannot_open)?;
    if application == APPLICATION_ID {
        return Ok(());
    }
    if application != 0 || objects != 0 {
        let path = path.display();
        let text = format!("{path} is a database of another program: name another data directory");
        return Err(ViewError::Unusable(text));
    }
    let mark = format!("PRAGMA application_id = {APPLICATION_ID}");
    sqlx::query(&mark).execute(writer).await.map_err(cannot_open)?;
    Ok(())
}
