//! A database of its own for each test, on the cluster that `tests/run` starts.

use std::thread;

use muster::database::Database;
use sqlx::{Connection as _, Executor as _, PgConnection, postgres::PgConnectOptions};
use uuid::Uuid;

/// The superuser's URL of a cluster that tests may use as they like.
const VARIABLE: &str = "MUSTER_TEST_POSTGRES_URL";

/// A database that is there until this is dropped, also by a test that fails.
#[derive(Debug)]
pub(crate) struct TestDatabase {
    cluster: String,
    name: String,
}

fn cluster() -> String {
    std::env::var(VARIABLE).unwrap_or_else(|_| {
        panic!("this test needs Postgres: start it with tests/run, which brings one, or set {VARIABLE}")
    })
}

impl TestDatabase {
    /// A new one, empty.
    pub(crate) async fn create() -> Self {
        let made = Self { cluster: cluster(), name: format!("test_{}", Uuid::now_v7().simple()) };
        let create = format!("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'", made.name);
        PgConnection::connect(&made.cluster).await.unwrap().execute(create.as_str()).await.unwrap();
        made
    }

    /// Its URL.
    pub(crate) fn url(&self) -> String {
        let options: PgConnectOptions = self.cluster.parse().unwrap();
        sqlx::ConnectOptions::to_url_lossy(&options.database(&self.name)).to_string()
    }

    /// As the product names it.
    pub(crate) fn database(&self) -> Database {
        self.url().parse().unwrap()
    }

    /// A connection past the product.
    pub(crate) async fn connection(&self) -> PgConnection {
        PgConnection::connect(&self.url()).await.unwrap()
    }
}

impl Drop for TestDatabase {
    /// On a thread of its own, because this may be a thread of the test's runtime.
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let cluster = self.cluster.clone();
        let dropped = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                PgConnection::connect(&cluster).await?.execute(drop.as_str()).await.map(|_| ())
            })
        });
        match dropped.join() {
            Ok(Ok(())) => {}
            left => eprintln!("the database {} is left behind: {left:?}", self.name),
        }
    }
}
