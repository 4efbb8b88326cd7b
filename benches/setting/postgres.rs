//! A Postgres to measure on, and pgbench as the reference on the same server.

use std::{path::PathBuf, process::Command};

use muster::database::Database;
use sqlx::{Connection as _, Executor as _, PgConnection};

/// The superuser's URL of a cluster with fsync on; `tests/with-postgres` brings one.
const VARIABLE: &str = "MUSTER_TEST_POSTGRES_URL";

/// The usual design, in the table layout of postgres-es: read the stream, insert one event. Ids are spread so widely that
/// streams stay short and two clients never meet.
const SCRIPT: &str = "\\set id random(1, 1000000) * 256 + :client_id
BEGIN;
SELECT aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata FROM usual.events \
WHERE aggregate_type = 'member' AND aggregate_id = (:id)::text ORDER BY sequence;
INSERT INTO usual.events SELECT 'member', (:id)::text, coalesce(max(sequence), 0) + 1, 'OrgRoleChanged', '1', \
'{\"from\":\"member\",\"to\":\"manager\"}', '{\"actor\":{\"kind\":\"user\",\"id\":\"1000000000000000\",\
\"via\":\"1000000000000001\"},\"idempotency_key\":\
\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}' \
FROM usual.events WHERE aggregate_type = 'member' AND aggregate_id = (:id)::text;
END;
";

/// A database of its own.
#[derive(Debug)]
pub(crate) struct Server {
    url: String,
    script: PathBuf,
}

impl Server {
    /// An empty database with the table of the reference.
    pub(crate) async fn new(directory: &std::path::Path) -> Self {
        let cluster = std::env::var(VARIABLE).unwrap_or_else(|_| {
            panic!("run `tests/with-postgres cargo bench --bench postgres`, or set {VARIABLE}")
        });
        let name = format!("bench_{}", std::process::id());
        let mut connection = PgConnection::connect(&cluster).await.unwrap();
        connection.execute(format!("CREATE DATABASE {name}").as_str()).await.unwrap();
        let (server, _) = cluster.rsplit_once('/').unwrap();
        let url = format!("{server}/{name}");
        let table = "CREATE SCHEMA usual; CREATE TABLE usual.events (aggregate_type text NOT NULL, \
            aggregate_id text NOT NULL, sequence bigint NOT NULL CHECK (sequence >= 0), event_type text NOT NULL, \
            event_version text NOT NULL, payload json NOT NULL, metadata json NOT NULL, \
            PRIMARY KEY (aggregate_type, aggregate_id, sequence))";
        PgConnection::connect(&url).await.unwrap().execute(sqlx::raw_sql(table)).await.unwrap();
        let script = directory.join("usual.sql");
        std::fs::write(&script, SCRIPT).unwrap();
        Self { url, script }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn database(&self) -> Database {
        self.url.parse().unwrap()
    }

    /// Has psql copy all events to nowhere, in their order.
    pub(crate) fn give_out(&self) {
        let copy = r"\copy (select * from log.events order by position) to '/dev/null'";
        let output = Command::new(program("psql")).args([&self.url, "-c", copy]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Transactions a second of pgbench with this many clients.
    pub(crate) fn pgbench(&self, clients: usize, seconds: u64) -> f64 {
        let (clients, seconds) = (clients.to_string(), seconds.to_string());
        let threads = if clients == "1" { "1" } else { "2" };
        let script = self.script.to_str().unwrap();
        let mut command = Command::new(program("pgbench"));
        command.args(["--no-vacuum", "--protocol=prepared", "-c", &clients, "-j", threads, "-T", &seconds]);
        let output = command.args(["-f", script, &self.url]).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let rate = text.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
        rate.unwrap_or_else(|| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)))
    }
}

/// Packages keep them out of PATH, by version.
fn program(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let places = versions.map(|version| version.path().join("bin").join(name));
    places.filter(|path| path.exists()).max().unwrap_or_else(|| name.into())
}
