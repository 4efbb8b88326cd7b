//! A database of its own for a test, on the server whose URL is in the environment.

use std::{env, future::Future, thread};

use muster::{clock::random_bytes, database::Database};
use sqlx::{Connection as _, Executor as _, PgConnection, Row as _};
use url::Url;

use super::Relay;

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

    /// As [`TestDatabase::create`], for a test that is not asynchronous.
    pub(crate) fn create_blocking() -> Self {
        on_a_thread(Self::create())
    }

    /// Runs statements past the product, for a test that is not asynchronous. The rows of the last one, as text.
    pub(crate) fn run_blocking(&self, statements: &str) -> Vec<String> {
        let (url, statements) = (self.url.clone(), statements.to_owned());
        on_a_thread(async move {
            let mut connection = PgConnection::connect(&url).await.unwrap();
            let rows = connection.fetch_all(sqlx::raw_sql(&statements)).await.unwrap();
            rows.iter().map(|row| row.get_unchecked(0)).collect()
        })
    }

    /// Its URL, with the rights of a superuser.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// As the product names it.
    pub(crate) fn database(&self) -> Database {
        self.url.parse().unwrap()
    }

    /// As the product names it when it goes by a way that can break.
    pub(crate) async fn by_relay(&self) -> (Relay, Database) {
        let mut url: Url = self.url.parse().unwrap();
        let address = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5432));
        let relay = Relay::to(address).await;
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(relay.port())).unwrap();
        (relay, url.as_str().parse().unwrap())
    }

    /// A connection past the product.
    pub(crate) async fn connection(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.unwrap()
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let server = self.server.clone();
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let dropped = on_a_thread(async move { run(&server, &statement).await });
        if let Err(error) = dropped {
            // Not a panic: there may be one already, and that is the one to be seen.
            eprintln!("{} is left on the server: {error}", self.name);
        }
    }
}

/// Waits for `future` on a thread of its own: the runtime of the test may be about to end, or there is none.
fn on_a_thread<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> T {
    let wait = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(future)
    };
    thread::spawn(wait).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// The URL of another database of the same server.
fn with_database(url: &str, name: &str) -> String {
    let (place, parameters) = url.split_once('?').map_or((url, ""), |(place, rest)| (place, rest));
    let (server, _) = place.rsplit_once('/').unwrap_or_else(|| panic!("{SERVER} is no URL: {url}"));
    if parameters.is_empty() { format!("{server}/{name}") } else { format!("{server}/{name}?{parameters}") }
}

async fn run(url: &str, statement: &str) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect(url).await?;
    connection.execute(sqlx::raw_sql(statement)).await?;
    connection.close().await
}
