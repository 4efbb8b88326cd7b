//! Events a second through a rebuild, of each read model alone and of all in one pass, against what the same database
//! needs to give out the same events, in the same run.
//!
//!     cargo bench --bench rebuild                                       # SQLite, 10,000 and 100,000 events
//!     cargo bench --bench rebuild -- --million                          # and 1,000,000
//!     tests/with-postgres cargo bench --bench rebuild -- --postgres     # Postgres, against \copy of psql
//!
//! `--only NAME` measures one read model. A million events are those of 2,000 organizations: a long tail of sizes, and
//! members of whom a few have thousands of events. The most memory is that of the whole process, the making of the log
//! included.

mod setting;

use std::path::Path;

use muster::{
    clock::stopwatch,
    deployment::{Deployment, DeploymentOptions, LOG_FILE},
};
use setting::{log::Log, postgres::Server, rate};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() {
    let has = |flag: &str| std::env::args().any(|argument| argument == flag);
    let only = std::env::args().skip_while(|argument| argument != "--only").nth(1);
    let mut sizes = vec![10_000, 100_000];
    if has("--million") {
        sizes.push(1_000_000);
    }
    let (directory, on_postgres) = (setting::directory(), has("--postgres"));
    let server = if on_postgres { Some(Server::new(directory.path()).await) } else { None };
    let database = server.as_ref().map(Server::database);
    let options = DeploymentOptions { database, ..DeploymentOptions::directory(directory.path()) };
    let deployment = Deployment::open(&options).await.unwrap();
    println!("{:>10} {:>14} {:>12} {:>7}", "events", "", "a second", "");
    let mut log = Log::new(deployment.ledger.store());
    for size in sizes {
        log.grow(size).await;
        measure(&deployment, directory.path(), server.as_ref(), only.as_deref()).await;
    }
    println!("most memory: {} MiB", memory("VmHWM:") / 1024);
}

async fn measure(deployment: &Deployment, directory: &Path, server: Option<&Server>, only: Option<&str>) {
    deployment.runner().run_to_head().await.unwrap();
    let head = deployment.ledger.store().head().await.unwrap().position.0;
    let began = stopwatch();
    match server {
        Some(server) => tokio::task::block_in_place(|| server.give_out()),
        None => tokio::task::block_in_place(|| scan(directory)),
    }
    let plain = rate(head, began.elapsed());
    println!("{head:>10} {:>14} {plain:>12.0}", "given out");
    let all = muster_projections::all();
    let alone = all.iter().map(|projection| (projection.name, vec![*projection]));
    let cases = alone.chain([("all", all.clone())]);
    for (name, projections) in cases.filter(|(name, _)| only.is_none_or(|only| only == *name)) {
        let began = stopwatch();
        let rebuilt = deployment.rebuild().run(&projections, &CancellationToken::new()).await.unwrap();
        let ours = rate(head, began.elapsed());
        assert_eq!(rebuilt.len(), projections.len());
        println!(
            "{head:>10} {name:>14} {ours:>12.0} {:>6.2}x   {:>5} MiB",
            ours / plain,
            memory("VmRSS:") / 1024
        );
    }
}

fn scan(directory: &Path) {
    let connection = rusqlite::Connection::open(directory.join(LOG_FILE)).unwrap();
    let mut statement = connection.prepare("SELECT * FROM events ORDER BY position").unwrap();
    let columns = statement.column_count();
    let (mut rows, mut bytes) = (statement.query([]).unwrap(), 0);
    while let Some(row) = rows.next().unwrap() {
        for column in 0..columns {
            bytes += row.get_ref(column).unwrap().as_bytes_or_null().ok().flatten().map_or(8, <[u8]>::len);
        }
    }
    assert!(bytes > 0);
}

/// KiB.
fn memory(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(0)
}
