//! A Postgres database of a test's own, and views in it.

use std::{
    env,
    hash::{BuildHasher as _, RandomState},
    str::FromStr as _,
    time::Duration,
};

use sqlx::{
    ConnectOptions as _, PgPool, Row as _,
    postgres::{PgConnectOptions, PgPoolOptions},
    raw_sql,
};

/// Names a superuser of a server whose databases may be made and dropped.
const URL: &str = "MUSTER_TEST_POSTGRES_URL";

/// A new database; dropped with its value, also when the test fails.
pub(super) struct Database {
    server: PgConnectOptions,
    name: String,
}

impl Database {
    pub(super) async fn create() -> Self {
        let Ok(url) = env::var(URL) else {
            panic!("there is no Postgres to test with: run tests/run, which starts one, or set {URL}")
        };
        let server = PgConnectOptions::from_str(&url).unwrap();
        let name = format!("muster_views_{:016x}", RandomState::new().hash_one(()));
        run(&server, &format!("CREATE DATABASE {name}")).await;
        Self { server, name }
    }

    pub(super) fn options(&self) -> PgConnectOptions {
        self.server.clone().database(&self.name)
    }

    pub(super) fn pool(&self, most: u32) -> PgPool {
        pool(most, self.options())
    }

    /// Does something to the database past the views.
    pub(super) async fn run(&self, sql: &str) {
        run(&self.options(), sql).await;
    }

    /// A number that the database is asked for past the views.
    pub(super) async fn number(&self, sql: &str) -> i64 {
        let mut connection = self.options().connect().await.unwrap();
        sqlx::query(sql).fetch_one(&mut connection).await.unwrap().get(0)
    }
}

pub(super) fn pool(most: u32, options: PgConnectOptions) -> PgPool {
    let pool = PgPoolOptions::new().max_connections(most).acquire_timeout(Duration::from_secs(5));
    pool.connect_lazy_with(options)
}

async fn run(options: &PgConnectOptions, sql: &str) {
    let mut connection = options.connect().await.unwrap();
    raw_sql(sql).execute(&mut connection).await.unwrap();
}

impl Drop for Database {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // A runtime of its own: that of the test cannot be waited for from inside.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(run(&server, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")));
        });
        if dropped.join().is_err() {
            eprintln!("the database {} is left behind", self.name);
        }
    }
}
