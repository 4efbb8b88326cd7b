//! What is killed, and when.

use std::time::{Duration, Instant};

use muster::clock::stopwatch;
use sqlx::{Connection as _, PgConnection, Row as _};
use tokio::{
    task::block_in_place,
    time::{sleep, timeout},
};

use super::{LIMIT, progress::Progress};
use crate::support::{Cluster, Random, Server, SharedLedger};

/// In how long another process has to have brought the read models up to date, when the one that kept them is killed.
const TAKEOVER: Duration = Duration::from_secs(5);
/// Between two looks at something that is waited for.
const LOOK: Duration = Duration::from_millis(20);

const LEASE: &str = "SELECT epoch FROM views.leases WHERE name = 'projections' AND until > clock_timestamp()";
const HEAD: &str = "SELECT coalesce(max(position), 0) FROM log.events";
const APPLIED: &str = "SELECT coalesce(min(position), 0) AS applied, \
     (SELECT epoch FROM views.leases WHERE name = 'projections') AS epoch FROM views.generations WHERE state = 'living'";

/// What is killed, each time with SIGKILL.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// One of the processes that write.
    Writer,
    /// The one of them that keeps the read models.
    Projection,
    /// Postgres, all of it.
    Postmaster,
}

const ROUND: [Fault; 4] = [Fault::Writer, Fault::Writer, Fault::Projection, Fault::Postmaster];

/// Who can be killed, and what came of it.
#[derive(Debug)]
pub(super) struct Faults {
    cluster: Cluster,
    servers: Vec<Server>,
    random: Random,
    pub(super) killed: usize,
    /// From when until when there was no Postgres.
    pub(super) outages: Vec<(Instant, Instant)>,
    takeovers: Vec<Duration>,
}

impl Faults {
    pub(super) fn new(cluster: Cluster, servers: Vec<Server>, seed: u64) -> Self {
        let random = Random::of(seed, 3_000);
        Self { cluster, servers, random, killed: 0, outages: vec![], takeovers: vec![] }
    }

    /// So many rounds, spread over the way to `goal`.
    pub(super) async fn inflict(
        &mut self,
        ledger: &SharedLedger,
        goal: usize,
        rounds: usize,
        progress: &Progress,
    ) {
        let faults = rounds * ROUND.len();
        let share = goal / (faults + 1);
        for round in 0..rounds {
            let mut order = ROUND;
            self.random.shuffle(&mut order);
            for (number, fault) in order.into_iter().enumerate() {
                let earlier = round * ROUND.len() + number;
                progress.reach(earlier * share + share / 2 + self.random.below(share)).await;
                match fault {
                    Fault::Writer => self.kill_any(ledger),
                    Fault::Projection => self.kill_keeper(ledger).await,
                    Fault::Postmaster => self.kill_postgres().await,
                }
            }
        }
    }

    fn kill_any(&mut self, ledger: &SharedLedger) {
        let victim = self.random.below(self.servers.len());
        self.servers[victim].kill();
        self.replace(victim, ledger);
    }

    /// In the place of one that was killed, at the same address.
    fn replace(&mut self, victim: usize, ledger: &SharedLedger) {
        let address = self.servers[victim].address.clone();
        self.servers[victim] = block_in_place(|| ledger.serve(&address));
        self.killed += 1;
    }

    /// Kills the process that keeps the read models, and measures until another one has brought them to where the log
    /// stood then.
    async fn kill_keeper(&mut self, ledger: &SharedLedger) {
        let mut connection = self.cluster.connection().await;
        let (victim, epoch) =
            timeout(LIMIT, self.keeper(&mut connection)).await.expect("nobody has the lease");
        self.servers[victim].kill();
        let began = stopwatch();
        let head: i64 = sqlx::query_scalar(HEAD).fetch_one(&mut connection).await.unwrap();
        let taken_over = timeout(LIMIT, async {
            loop {
                let row = sqlx::query(APPLIED).fetch_one(&mut connection).await.unwrap();
                let (applied, now): (i64, i64) = (row.get("applied"), row.get("epoch"));
                if applied >= head && now > epoch {
                    return began.elapsed();
                }
                sleep(LOOK).await;
            }
        });
        let took = taken_over
            .await
            .unwrap_or_else(|_| panic!("nobody takes over the read models from lease {epoch}"));
        assert!(took < TAKEOVER, "the read models were taken over after {took:?}");
        self.takeovers.push(took);
        self.replace(victim, ledger);
    }

    /// Which server has the lease, and its number.
    async fn keeper(&self, connection: &mut PgConnection) -> (usize, i64) {
        loop {
            let epoch: Option<i64> =
                sqlx::query_scalar(LEASE).fetch_optional(&mut *connection).await.unwrap();
            let has_it = |server: &Server| epoch.is_some_and(|epoch| server.epoch() == epoch.cast_unsigned());
            if let (Some(keeper), Some(epoch)) = (self.servers.iter().position(has_it), epoch) {
                return (keeper, epoch);
            }
            sleep(LOOK).await;
        }
    }

    async fn kill_postgres(&mut self) {
        let killed = stopwatch();
        self.cluster.kill();
        self.cluster.start_again().await;
        self.outages.push((killed, stopwatch()));
    }

    /// Where the log stands.
    pub(super) async fn head(&self) -> u64 {
        let mut connection = self.cluster.connection().await;
        let head: i64 = sqlx::query_scalar(HEAD).fetch_one(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        head.cast_unsigned()
    }

    /// What was done, in words.
    pub(super) fn report(&self) -> String {
        let longest = self.takeovers.iter().max().unwrap();
        let (takeovers, outages) = (self.takeovers.len(), self.outages.len());
        format!(
            "{takeovers} of them kept the read models (taken over in at most {longest:?}), Postgres {outages} times"
        )
    }
}
