//! The connection that appends, and what is refused when it is made.

use std::time::Duration;

use sqlx::{Connection as _, PgConnection, Row};
use tokio::time::timeout;

use super::errors::StoreResult;
use crate::{database::Database, store::StoreError};

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// The oldest server that has all that is used: 13, for `gen_random_uuid`.
const OLDEST_SERVER: i64 = 130_000;

/// How long appends wait and hold others up.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// How long a batch waits for the order lock before it is not available.
    pub lock_timeout: Duration,
    /// How long this process may keep the lock without saying anything, before the server cuts it off.
    pub stall_timeout: Duration,
    /// How long a whole batch may take, with a connection that says nothing any more.
    pub batch_timeout: Duration,
    /// Connections that read at the same time.
    pub readers: u32,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            lock_timeout: Duration::from_secs(5),
            stall_timeout: Duration::from_secs(5),
            batch_timeout: Duration::from_secs(15),
            readers: 8,
        }
    }
}

/// What the server says about itself.
#[derive(Debug)]
pub(super) struct Server {
    /// The system identifier of the cluster and its timeline.
    pub(super) cluster: String,
}

const SELECT_SERVER: &str = "SELECT current_setting('server_version_num')::bigint AS version, \
     current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS synchronous_commit, \
     current_setting('server_encoding') AS encoding, pg_is_in_recovery() AS standby";
const SELECT_CLUSTER: &str = "SELECT system_identifier::text || '-' || \
     substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) AS cluster FROM pg_control_system()";

/// A connection that may append.
pub(super) async fn open(
    database: &Database,
    options: &PostgresOptions,
) -> StoreResult<(PgConnection, Server)> {
    let lock = options.lock_timeout.as_millis().to_string();
    let stall = options.stall_timeout.as_millis().to_string();
    let statement = options.batch_timeout.as_millis().to_string();
    let settings = [
        // What is appended with this setting has its place already; see `schema.sql`.
        ("muster.appends", "yes"),
        ("lock_timeout", &*lock),
        ("idle_in_transaction_session_timeout", &*stall),
        ("statement_timeout", &*statement),
        ("jit", "off"),
    ];
    let connect = timeout(CONNECT_TIMEOUT, database.connect(&settings));
    let Ok(connected) = connect.await else {
        return Err(StoreError::Unavailable(format!("{} does not answer", database.place())));
    };
    let mut connection = connected.map_err(|error| cannot_connect(database, &error))?;
    let server = examine(&mut connection, database).await?;
    Ok((connection, server))
}

/// A commit must be on disk when it is answered, so a server where it would not be is refused.
async fn examine(connection: &mut PgConnection, database: &Database) -> StoreResult<Server> {
    let place = database.place();
    let row = sqlx::query(SELECT_SERVER).fetch_one(&mut *connection).await?;
    if row.try_get::<bool, _>("standby")? {
        return Err(StoreError::Unavailable(format!("{place} is a standby, which cannot be written")));
    }
    let unusable = |text: String| Err(StoreError::Unusable(format!("{place}: {text}")));
    if row.try_get::<i64, _>("version")? < OLDEST_SERVER {
        return unusable("Postgres 13 or newer is needed".into());
    }
    for setting in ["fsync", "synchronous_commit"] {
        if row.try_get::<&str, _>(setting)? == "off" {
            return unusable(format!("{setting} is off, and a commit could be lost: switch it on"));
        }
    }
    let encoding: &str = row.try_get("encoding")?;
    if encoding != "UTF8" {
        return unusable(format!("its encoding is {encoding}: create the database with ENCODING 'UTF8'"));
    }
    let cluster = sqlx::query(SELECT_CLUSTER).fetch_one(&mut *connection).await?.try_get("cluster")?;
    Ok(Server { cluster })
}

/// A wrong name or password stays wrong; everything else may pass.
fn cannot_connect(database: &Database, error: &sqlx::Error) -> StoreError {
    /// Classes of SQLSTATE: invalid authorization, invalid catalog name.
    const WRONG: [&str; 2] = ["28", "3D"];
    let text = format!("{} cannot be opened: {error}", database.place());
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    let wrong = code.is_some_and(|code| WRONG.iter().any(|class| code.starts_with(class)));
    // A certificate that is not the right one comes as data that cannot be read.
    let certificate =
        matches!(error, sqlx::Error::Io(error) if error.kind() == std::io::ErrorKind::InvalidData);
    if wrong || certificate || matches!(error, sqlx::Error::Tls(_)) {
        StoreError::Unusable(format!("{text}; check --database-url"))
    } else {
        StoreError::Unavailable(text)
    }
}

/// Ends a connection without waiting for what it was doing.
pub(super) async fn abandon(connection: PgConnection) {
    // The server is told to end where that is still possible; it finds out by itself otherwise.
    let _ = timeout(CONNECT_TIMEOUT, connection.close()).await;
}
