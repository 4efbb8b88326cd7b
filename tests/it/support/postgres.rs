//! A database of its own for a test, on the server whose URL is in the environment.

use std::{env, thread};

use muster::clock::random_bytes;
use sqlx::{Connection as _, PgConnection};

/// The URL of a server that tests may do anything with, as a superuser.
const SERVER: &str = "MUSTER_TEST_POSTGRES_URL";

/// An empty database with a name of its own; gone when it is dropped, also when the test has failed.
#[derive(Debug)]
pub(crate) struct TestDatabase {
    server: String,
    name: String,
    url: String,
}

impl TestDatabase {
    /// Makes one. A test that needs Postgres fails where there is none: what was not tried did not pass.
    pub(crate) async fn create() -> Self {
        let server = env::var(SERVER).unwrap_or_else(|_| {
            panic!("this test needs Postgres: run tests/run, which starts one, or set {SERVER}")
        });
        let name = format!("muster_test_{}", hex::encode(random_bytes::<8>()));
        let url = with_database(&server, &name);
        let database = Self { server, name, url };
        run(&database.server, &format!("CREATE DATABASE {}", database.name)).await.unwrap_or_else(|error| {
            panic!("no database can be made on the server of {SERVER}: {error}");
        });
        database
    }

    /// Its URL, with the rights of a superuser.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for TestDatabase {
    /// On a thread of its own, because the runtime of the test may be about to end.
    fn drop(&mut self) {
        let server = self.server.clone();
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let dropped = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(run(&server, &statement))
        })
        .join();
        if !matches!(dropped, Ok(Ok(()))) {
            // Not a panic: there may be one already, and that is the one to be seen.
            eprintln!("{} is left on the server: {dropped:?}", self.name);
        }
    }
}

/// The URL of another database of the same server.
fn with_database(url: &str, name: &str) -> String {
    let (place, parameters) = url.split_once('?').map_or((url, ""), |(place, rest)| (place, rest));
    let (server, _) = place.rsplit_once('/').unwrap_or_else(|| panic!("{SERVER} is no URL: {url}"));
    if parameters.is_empty() { format!("{server}/{name}") } else { format!("{server}/{name}?{parameters}") }
}

async fn run(url: &str, statement: &str) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::raw_sql(statement).execute(&mut connection).await?;
    connection.close().await
}
