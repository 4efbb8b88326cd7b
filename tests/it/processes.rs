//! Several processes on one Postgres database, or on one event store beside it: whatever one has acknowledged, every other
//! one knows.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _};

use crate::support::{
    Client, OWNER_TOKEN, Server, SharedLedger, TestDatabase, on_event_store, path_in_crowd,
};

/// How long a process may go on believing what another has changed: 250 ms, and the way there and back on a busy machine.
const BOUND: Duration = Duration::from_secs(2);

struct Processes {
    ledger: SharedLedger,
    imported: Value,
    servers: Vec<Server>,
    database: TestDatabase,
}

impl Processes {
    async fn start(number: usize) -> Self {
        let database = TestDatabase::create().await;
        let (ledger, imported) = SharedLedger::with_crowd(database.url(), 3);
        let servers = (0..number).map(|_| ledger.serve("127.0.0.1:0")).collect();
        Self { ledger, imported, servers, database }
    }

    fn client(&self, server: usize, token: &str) -> Client {
        Client::new(&self.servers[server].base(), Some(token))
    }

    fn path(&self, member: usize) -> String {
        path_in_crowd(&self.imported, member)
    }

    /// A token of a member, by his user name.
    fn token(&self, member: usize) -> (String, String) {
        let user = self.imported["users"][format!("p{member}")].as_str().unwrap();
        let issued = self.ledger.run(&["token", "issue", "--user", user, "--json"]);
        assert!(issued.status.success(), "{}", String::from_utf8_lossy(&issued.stderr));
        let issued: Value = serde_json::from_slice(&issued.stdout).unwrap();
        let text = |key: &str| issued[key].as_str().unwrap().to_owned();
        (text("id"), text("token"))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_on_any_process_sees_what_any_other_has_acknowledged() {
    let processes = Processes::start(3).await;
    let clients: Vec<_> = (0..3).map(|server| processes.client(server, OWNER_TOKEN)).collect();
    let path = processes.path(1);
    for turn in 0..30 {
        let role = ["manager", "member"][turn % 2];
        let put = clients[turn % 3].put(&path, &json!({"orgRole": role})).await.expect(200);
        let got = clients[(turn + 1) % 3].get(&path).await.expect(200);
        assert_eq!(got.json()["orgRole"], json!(role), "turn {turn}");
        assert!(got.position() >= put.position());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_lost_his_role_on_one_process_has_lost_it_on_all() {
    let processes = Processes::start(2).await;
    let (_, token) = processes.token(1);
    let (owner, manager) = (processes.client(0, OWNER_TOKEN), processes.client(1, &token));
    let (own, other) = (processes.path(1), processes.path(2));
    owner.put(&own, &json!({"orgRole": "manager"})).await.expect(200);
    for turn in 0..10 {
        let role = ["manager", "member"][turn % 2];
        manager.put(&other, &json!({"orgRole": role})).await.expect(200);
        owner.put(&own, &json!({"orgRole": "member"})).await.expect(200);
        // What the manager's process knew of him is from before.
        let refused = manager.put(&other, &json!({"orgRole": "member"})).await;
        assert!([400, 403].contains(&refused.status), "turn {turn}: {refused:?}");
        owner.put(&own, &json!({"orgRole": "manager"})).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_token_is_refused_everywhere_within_the_bound() {
    let processes = Processes::start(2).await;
    let (id, token) = processes.token(1);
    let (here, there) = (processes.client(0, &token), processes.client(1, &token));
    let path = processes.path(1);
    for client in [&here, &there] {
        client.get(&path).await.expect(200);
    }
    let revoked = processes.ledger.run(&["token", "revoke", &id]);
    assert!(revoked.status.success(), "{}", String::from_utf8_lossy(&revoked.stderr));
    #[expect(clippy::disallowed_methods, reason = "how long it takes is what is tested")]
    let since = Instant::now();
    for client in [&here, &there] {
        while client.get(&path).await.status != 401 {
            assert!(since.elapsed() < BOUND, "a revoked token is still taken after {:?}", since.elapsed());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_erased_on_one_process_is_forgotten_on_all_within_the_bound() {
    let processes = Processes::start(2).await;
    let (_, token) = processes.token(1);
    assert!(processes.ledger.run(&["user", "superuser", "p0", "on"]).status.success());
    let account = format!("/api/0/users/{}/", processes.imported["users"]["p1"].as_str().unwrap());
    let (own, events) = ([0, 1].map(|server| processes.client(server, &token)), format!("{account}events/"));
    let root = [0, 1].map(|server| processes.client(server, OWNER_TOKEN));
    for (own, root) in own.iter().zip(&root) {
        own.get("/api/0/users/me/").await.expect(200);
        assert!(root.get(&events).await.expect(200).text.contains("p1@example.com"));
    }
    root[0].delete(&account).await.expect(200);
    #[expect(clippy::disallowed_methods, reason = "how long it takes is what is tested")]
    let since = Instant::now();
    for (own, root) in own.iter().zip(&root) {
        while own.get("/api/0/users/me/").await.status != 401
            || root.get(&events).await.expect(200).text.contains("p1@example.com")
        {
            assert!(since.elapsed() < BOUND, "known still after {:?}", since.elapsed());
        }
    }
    assert!(processes.ledger.run(&["doctor"]).status.success());
}

/// The one that keeps the read models is told to stop: another one takes over at once, and no read notices.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_go_on_when_the_process_that_keeps_the_read_models_is_killed() {
    let mut processes = Processes::start(2).await;
    let path = processes.path(1);
    let (first, second) = (processes.client(0, OWNER_TOKEN), processes.client(1, OWNER_TOKEN));
    first.put(&path, &json!({"orgRole": "manager"})).await.expect(200);
    first.get(&path).await.expect(200);
    let keeper = usize::from(processes.servers[0].epoch() < processes.servers[1].epoch());
    processes.servers[keeper].kill();
    let left = if keeper == 0 { second } else { first };
    left.put(&path, &json!({"orgRole": "member"})).await.expect(200);
    #[expect(clippy::disallowed_methods, reason = "how long it takes is what is tested")]
    let since = Instant::now();
    let got = left.get(&path).await.expect(200);
    assert_eq!(got.json()["orgRole"], json!("member"));
    assert!(since.elapsed() < Duration::from_secs(5), "taken over after {:?}", since.elapsed());
}

/// Somebody keeps the tables locked, so that statements wait until they time out and connections run out: whoever asks is
/// told to come again, nothing is half-done, and everything goes on without a restart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_does_not_answer_is_a_503_that_says_when_to_come_again() {
    if on_event_store() {
        println!(
            "left out where the log is in no database: contract::eventstore::faults has what is like it"
        );
        return;
    }
    let processes = Processes::start(1).await;
    let (client, path) = (processes.client(0, OWNER_TOKEN), processes.path(1));
    client.put(&path, &json!({"orgRole": "manager"})).await.expect(200);
    let mut stranger = processes.database.connection().await;
    let mut transaction = stranger.begin().await.unwrap();
    transaction.execute("LOCK TABLE log.events IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let key = [("idempotency-key", "while it is locked")];
    let demote = json!({"orgRole": "member"});
    let put = client.put_with(&path, &demote, &key);
    let gets = futures_util::future::join_all((0..20).map(|_| client.get(&path)));
    let (put, gets) = tokio::join!(put, gets);
    for answer in gets.iter().chain([&put]) {
        assert_eq!(answer.status, 503, "{answer:?}");
        assert!(answer.header("retry-after").is_some(), "{answer:?}");
    }
    transaction.rollback().await.unwrap();
    let got = client.get(&path).await.expect(200);
    assert_eq!(got.json()["orgRole"], json!("manager"), "what was answered with 503 has not happened");
    let put = client.put_with(&path, &demote, &key).await.expect(200);
    assert_eq!(put.header("idempotent-replayed"), None);
    assert_eq!(client.get(&path).await.expect(200).json()["orgRole"], json!("member"));
}
