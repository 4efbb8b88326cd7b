//! The databases that a deployment is kept in. For Postgres: how it is named, how connections to it are made, and how a
//! schema comes to be that one part has for itself. For SQLite: how a file comes to be that one part has for itself.

mod file;
mod schema;

pub use file::{FileError, OwnFile};
pub use schema::{OwnSchema, SchemaError};

use std::{fmt, str::FromStr, time::Duration};

use sqlx::{
    Connection as _, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use thiserror::Error;
use tokio::time::{sleep, timeout};

/// How long a request waits for a free connection before it is told to try again.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection that is given back may take to answer, before its place is given to a new one: as long as the server
/// may go on with a statement that nobody waits for any more, so that there are never more at work than there are places.
const RELEASE_TIMEOUT: Duration = STATEMENT_TIMEOUT.saturating_add(Duration::from_secs(2));
/// How long one statement of a pooled connection may take. Longer ones have lost their reader.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(30);
/// How long who asked may wait for that: until there is a connection, and until the server has ended a statement that took too
/// long, which one that says nothing any more never does.
pub const ANSWER_TIMEOUT: Duration =
    STATEMENT_TIMEOUT.saturating_add(ACQUIRE_TIMEOUT).saturating_add(Duration::from_secs(5));
/// How long a pooled connection may sit inside a transaction, in milliseconds: a process that was stopped there holds
/// nothing up for longer.
const IDLE_IN_TRANSACTION_TIMEOUT_MS: u32 = 10_000;

/// Who logs what Postgres remarks on a statement, such as that a table is there already: for who wrote the statement.
pub const REMARKS: &str = "sqlx::postgres::notice";
/// How this program is called among those who are connected.
const APPLICATION: &str = "muster";
/// How often it is looked for others.
const OTHERS_LOOKS: u32 = 20;
/// How long to wait between two looks.
const OTHERS_PAUSE: Duration = Duration::from_millis(50);
const OTHERS: &str = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() \
     AND application_name = $1 AND pid <> pg_backend_pid())";
const TRY_LOCK: &str = "SELECT pg_try_advisory_lock($1)";
const USED_SCHEMAS: &str = "SELECT DISTINCT nspname::text FROM pg_namespace \
     JOIN pg_class ON relnamespace = pg_namespace.oid";

/// A `--database-url` that cannot be used.
#[derive(Debug, Error)]
#[error("{0}: --database-url is to be like postgres://user:password@host:5432/database?sslmode=verify-full")]
pub struct DatabaseUrlError(String);

/// A Postgres database, not connected. Its password is not shown by `Debug`.
#[derive(Clone)]
pub struct Database {
    options: PgConnectOptions,
}

impl fmt::Debug for Database {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Database({})", self.place())
    }
}

impl FromStr for Database {
    type Err = DatabaseUrlError;

    /// Reads a URL as libpq does; its parameters `sslmode` (`verify-full` checks certificate and name), `sslrootcert`,
    /// `sslcert` and `sslkey` say how the connection is protected.
    fn from_str(url: &str) -> Result<Self, Self::Err> {
        let known = ["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme));
        if !known {
            return Err(DatabaseUrlError("a Postgres URL is needed".into()));
        }
        let options = PgConnectOptions::from_str(url).map_err(|error| DatabaseUrlError(error.to_string()))?;
        if options.get_database().is_none() {
            return Err(DatabaseUrlError("the URL names no database".into()));
        }
        Ok(Self { options: options.application_name(APPLICATION) })
    }
}

/// An advisory lock, held until this is dropped or the connection is lost.
#[derive(Debug)]
pub struct DatabaseLock {
    _session: PgConnection,
}

impl Database {
    /// Where it is, for messages: host, port and name, nothing secret.
    pub fn place(&self) -> String {
        let host = match self.options.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => self.options.get_host().to_owned(),
        };
        let name = self.options.get_database().unwrap_or_default();
        format!("{name} on {host}:{}", self.options.get_port())
    }

    /// A connection of its own, outside any pool, with `settings` (such as `("lock_timeout", "5000")`) for its session.
    pub async fn connect(&self, settings: &[(&str, &str)]) -> Result<PgConnection, sqlx::Error> {
        use sqlx::ConnectOptions as _;
        self.options.clone().options(settings.iter().copied()).connect().await
    }

    /// Takes an advisory lock alone; none while another session has it.
    pub async fn lock(&self, lock: i64) -> Result<Option<DatabaseLock>, sqlx::Error> {
        let mut session = self.connect(&[]).await?;
        let taken: bool = sqlx::query_scalar(TRY_LOCK).bind(lock).fetch_one(&mut session).await?;
        Ok(taken.then_some(DatabaseLock { _session: session }))
    }

    /// Whether other processes of this program are connected. A process that has just ended may be seen for a moment;
    /// so who is there to stay is there for longer than that.
    pub async fn has_others(&self) -> Result<bool, sqlx::Error> {
        let mut connection = self.connect(&[]).await?;
        let mut others = true;
        for _ in 0..OTHERS_LOOKS {
            others = sqlx::query_scalar(OTHERS).bind(APPLICATION).fetch_one(&mut connection).await?;
            if !others {
                break;
            }
            sleep(OTHERS_PAUSE).await;
        }
        let _ = connection.close().await;
        Ok(others)
    }

    /// The names of the schemas that have something in them, at one moment: another process may be making them.
    pub async fn used_schemas(&self) -> Result<Vec<String>, sqlx::Error> {
        let mut connection = self.connect(&[]).await?;
        let used = sqlx::query_scalar(USED_SCHEMAS).fetch_all(&mut connection).await?;
        // Whether the server hears of it matters to nobody.
        let _ = connection.close().await;
        Ok(used)
    }

    /// A pool of at most `most` connections that are made when they are needed. Nothing is connected yet.
    pub fn pool(&self, most: u32) -> PgPool {
        let statement = STATEMENT_TIMEOUT.as_millis().to_string();
        let idle = IDLE_IN_TRANSACTION_TIMEOUT_MS.to_string();
        let settings = [
            ("statement_timeout", statement.as_str()),
            ("idle_in_transaction_session_timeout", idle.as_str()),
        ];
        PgPoolOptions::new()
            .max_connections(most)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .after_release(|connection, _| Box::pin(is_alive(connection)))
            .connect_lazy_with(self.options.clone().options(settings))
    }
}

/// Whether the server answers on a connection that is given back: before that, it may have been given up in the middle of a
/// statement. The pool asks too, and for as long as it takes: a server that is gone would hold the connection's place for a
/// quarter of an hour.
async fn is_alive(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    // An error makes the pool drop it at once, where a polite end would wait for the same server.
    timeout(RELEASE_TIMEOUT, connection.ping()).await.map_err(|_| sqlx::Error::PoolTimedOut)?.map(|()| true)
}
