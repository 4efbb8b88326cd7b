//! Several processes on one Postgres database, or on one event store beside it: one does what follows from events, and another one when it is gone.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use muster::{
    deployment::Deployment,
    policies::{Policies, SUBSCRIBER},
};
use muster_events::{
    event::Event,
    id::OrganizationId,
    member::MemberEvent,
    recorded::{Actor, ActorKind},
    stream::Position,
};
use serde_json::Value;
use sqlx::Executor as _;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{LIMIT, Switch, acted, after, require_second_factor, switch};
use crate::support::{Client, OWNER_TOKEN, Server, SharedLedger, TestDatabase, is_without_database};

/// A setting that nothing follows from.
const NEUTRAL: &str = "enhancedPrivacy";

struct Two {
    ledger: SharedLedger,
    servers: Vec<Server>,
    imported: Value,
    database: TestDatabase,
}

impl Two {
    /// Two processes on a ledger with an owner and `members`, none of whom has a second factor.
    async fn start(members: usize) -> Self {
        let database = TestDatabase::create().await;
        let (ledger, imported) = SharedLedger::with_crowd(database.url(), members);
        let servers = (0..2).map(|_| ledger.serve("127.0.0.1:0")).collect();
        Self { ledger, servers, imported, database }
    }

    fn client(&self, server: usize) -> Client {
        Client::new(&self.servers[server].base(), Some(OWNER_TOKEN))
    }

    /// Which one works.
    async fn working(&self) -> usize {
        let look = async {
            loop {
                for server in 0..2 {
                    let ready = self.client(server).get("/readyz").await.json();
                    if ready["policies"]["position"].is_u64() {
                        return server;
                    }
                }
            }
        };
        timeout(LIMIT, look).await.unwrap()
    }

    /// A second factor becomes required, which this test says past the processes.
    async fn require(&self) -> (Deployment, u64) {
        let deployment = Deployment::open(&self.ledger.options()).await.unwrap();
        let system = Actor::only(ActorKind::System);
        let required = require_second_factor(&deployment, self.acme(), system).await;
        (deployment, required)
    }

    fn acme(&self) -> OrganizationId {
        self.imported["organizations"]["acme"]["id"].as_str().unwrap().parse().unwrap()
    }

    /// Everything after `position` is gone, as after a restore, checkpoints with it. With the order lock: no restore has half an
    /// append in it.
    async fn put_back(&self, position: u64) {
        let put_back = format!(
            "SELECT pg_advisory_xact_lock(7887337266164674156); ALTER TABLE log.events DISABLE TRIGGER USER; \
             DELETE FROM log.events WHERE position > {position}; ALTER TABLE log.events ENABLE TRIGGER USER; \
             UPDATE log.subscribers SET position = least(position, {position})"
        );
        self.database.connection().await.execute(sqlx::raw_sql(&put_back)).await.unwrap();
    }

    /// Waits until nothing more follows from what has happened.
    async fn is_quiet(&self, deployment: &Deployment) {
        let store = deployment.ledger.store();
        loop {
            let head = store.head().await.unwrap();
            acted(&[&self.client(0), &self.client(1)], head.position.0).await;
            if store.head().await.unwrap() == head {
                return;
            }
        }
    }
}

/// How often each member returned to pending because of the event at `position`.
async fn returned(deployment: &Deployment, position: u64) -> BTreeMap<String, usize> {
    let (mut returned, mut cause) = (BTreeMap::new(), None);
    for event in after(deployment, position - 1).await {
        let cause = *cause.get_or_insert(event.event_id);
        let is_caused = event.metadata.causation_id == Some(cause);
        if is_caused && matches!(event.event, Event::Member(MemberEvent::MemberReturnedToPending { .. })) {
            *returned.entry(event.stream.aggregate_id.to_string()).or_default() += 1;
        }
    }
    returned
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_two_processes_leaves_to_the_other_what_that_one_does() {
    let two = Two::start(20).await;
    let (deployment, required) = two.require().await;
    acted(&[&two.client(0), &two.client(1)], required).await;
    let returned = returned(&deployment, required).await;
    assert_eq!(returned.len(), 20);
    assert!(returned.values().all(|times| *times == 1), "{returned:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_process_goes_on_within_five_seconds_after_one_was_killed() {
    let mut two = Two::start(3).await;
    let working = two.working().await;
    let other = two.client(1 - working);
    two.servers[working].kill();
    #[expect(clippy::disallowed_methods, reason = "how long it takes is what is tested")]
    let since = Instant::now();
    let (deployment, required) = two.require().await;
    acted(&[&other], required).await;
    let took = since.elapsed();
    assert_eq!(returned(&deployment, required).await.len(), 3);
    assert!(took < Duration::from_secs(5), "taken over after {took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_process_has_begun_is_done_to_the_end_and_nothing_twice() {
    let mut two = Two::start(150).await;
    let working = two.working().await;
    let (deployment, required) = two.require().await;
    // In the middle of it: some have returned, and most have not.
    let mut commits = deployment.ledger.store().commits();
    timeout(LIMIT, commits.wait_for(|position| position.0 > required + 5)).await.unwrap().unwrap();
    two.servers[working].kill();
    acted(&[&two.client(1 - working)], required).await;
    let returned = returned(&deployment, required).await;
    assert_eq!(returned.len(), 150);
    assert!(returned.values().all(|times| *times == 1), "{returned:?}");
}

/// A log that was restored to an earlier state: what happens in it has its consequences, also where a position of the log
/// that was had been reached before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_in_a_log_that_was_put_back_is_answered_without_a_restart() {
    if is_without_database("a log that is put back past everybody") {
        return;
    }
    let two = Two::start(20).await;
    let before = two.client(0).get("/readyz").await.json()["position"].as_u64().unwrap();
    let (deployment, required) = two.require().await;
    all_return(&deployment, required).await;
    two.is_quiet(&deployment).await;
    two.put_back(before).await;
    let (deployment, required) = two.require().await;
    assert_eq!(required, before + 1);
    all_return(&deployment, required).await;
}

/// What was begun for an event of the log that was, and then waited for, is not gone on with: the checkpoint of the log that
/// is would be moved past what happened in it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_under_way_when_the_log_is_put_back_passes_nothing_over() {
    if is_without_database("a log that is put back past everybody") {
        return;
    }
    let mut two = Two::start(20).await;
    let deployment = Deployment::open(&two.ledger.options()).await.unwrap();
    two.is_quiet(&deployment).await;
    two.servers.clear();
    let before = deployment.ledger.store().head().await.unwrap().position.0;
    // Without read models it waits for them, with the event in its hands.
    let (runner, stop) = (deployment.runner(), CancellationToken::new());
    let (ledger, blobs) = (Arc::clone(&deployment.ledger), Arc::clone(&deployment.blobs));
    let policies = Policies::new(ledger, runner.read_models(), blobs);
    let mut status = policies.status();
    let policies = tokio::spawn(policies.run(stop.clone()));
    let works = status.wait_for(|status| status.position == Some(Position(before)));
    timeout(LIMIT, works).await.unwrap().unwrap();
    let acme = two.acme();
    switch(&deployment, Switch(acme, NEUTRAL, true)).await;
    let lost = switch(&deployment, Switch(acme, "require2FA", true)).await;
    assert_eq!(lost, before + 2);
    two.put_back(before).await;
    let elsewhere = Deployment::open(&two.ledger.options()).await.unwrap();
    let required = switch(&elsewhere, Switch(acme, "require2FA", true)).await;
    let later = switch(&elsewhere, Switch(acme, NEUTRAL, true)).await;
    assert_eq!((required, later), (before + 1, before + 2));
    let leased_again =
        "SELECT count(*) > 0 FROM log.subscribers JOIN log.deployment USING (incarnation) WHERE name = $1";
    let leased_again = || sqlx::query_scalar::<_, bool>(leased_again).bind(SUBSCRIBER);
    let mut database = two.database.connection().await;
    while !leased_again().fetch_one(&mut database).await.unwrap() {}
    let runner = tokio::spawn(runner.run(stop.clone()));
    all_return(&elsewhere, required).await;
    stop.cancel();
    for task in [policies, runner] {
        task.await.unwrap();
    }
}

/// Waits until 20 members have returned to pending because of the event at `position`, each of them once.
async fn all_return(deployment: &Deployment, position: u64) {
    let all = async {
        while returned(deployment, position).await.len() < 20 {
            tokio::task::yield_now().await;
        }
    };
    timeout(LIMIT, all).await.expect("all return to pending");
    assert!(returned(deployment, position).await.values().all(|times| *times == 1));
}
