//! Nobody who reads the log in order ever misses an event, and nothing that was acknowledged is missing, whoever is
//! killed: 64 clients write through four processes on one Postgres, beside programs that write past them, some of which
//! stall with the lock of the log. Processes and the server itself are killed at random.
//!
//! The long form is `MUSTER_TEST_NEVER_SKIP=20000 tests/run never_skip`: how many commits there are to be at least. What
//! is killed, who stalls and for how long is drawn from `MUSTER_TEST_SEED`, which is printed; what happens meanwhile is not.

mod check;
mod clients;
mod faults;
mod foreign;
mod progress;
mod subscriber;

use std::{env, sync::Arc, time::Duration};

use tokio::{task::JoinSet, time::timeout};

use self::{check::Told, clients::Clients, faults::Faults, progress::Progress};
use crate::support::{Cluster, SharedLedger, path_in_crowd, seed};

const CLIENTS: usize = 64;
const SERVERS: usize = 4;
const FOREIGN: usize = 8;

/// How long anything may take that has to come: an answer, the next fault, the end of a subscriber.
const LIMIT: Duration = Duration::from_mins(1);

/// Commits in the form that every run has.
const SHORT: usize = 1_000;
/// For so many commits everything is killed once.
const ROUND: usize = 2_000;

fn goal() -> usize {
    let Ok(text) = env::var("MUSTER_TEST_NEVER_SKIP") else { return SHORT };
    text.parse().expect("MUSTER_TEST_NEVER_SKIP is how many commits there are to be")
}

/// What all of `set` have found, each by itself, when they have done `what` they were to do.
async fn join_all<T: 'static>(set: JoinSet<T>, what: &str) -> Vec<T> {
    timeout(LIMIT, set.join_all()).await.unwrap_or_else(|_| panic!("not in {LIMIT:?}: {what}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_skipped_whoever_is_killed() {
    let (goal, seed) = (goal(), seed());
    let cluster = Cluster::start().await;
    let url = cluster.url();
    let (ledger, imported) = SharedLedger::with_crowd(&url, CLIENTS);
    let servers: Vec<_> = (0..SERVERS).map(|_| ledger.serve("127.0.0.1:0")).collect();
    let progress = Arc::new(Progress::default());

    let bases: Vec<_> = servers.iter().map(crate::support::Server::base).collect();
    let paths = (1..=CLIENTS).map(|number| path_in_crowd(&imported, number)).collect();
    let clients = Clients { bases, paths, seed }.start(&progress);
    let foreign = foreign::start(FOREIGN, &url, seed, &progress);
    let mut subscribers = JoinSet::new();
    subscribers.spawn(subscriber::come_and_go(url.parse().unwrap(), seed, progress.finish()));
    subscribers.spawn(subscriber::stay(url.parse().unwrap(), progress.finish()));

    let mut faults = Faults::new(cluster, servers, seed);
    faults.inflict(&ledger, goal, goal.div_ceil(ROUND), &progress).await;
    progress.reach(goal).await;
    progress.await_foreign().await;
    progress.stop();
    let acknowledged = join_all(clients, "all clients are answered").await.into_iter().flatten().collect();
    let foreign = join_all(foreign, "all foreign writers end").await;
    let head = faults.head().await;
    progress.finish_at(head);
    let followed = join_all(subscribers, &format!("all subscribers are told of position {head}")).await;

    Told { acknowledged, foreign, followed, outages: faults.outages.clone() }.check(&ledger, goal).await;
    println!("{} of servers killed, {}", faults.killed, faults.report());
}
