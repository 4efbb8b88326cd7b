//! The process is killed at random moments while many clients change roles; nothing that was acknowledged is lost or
//! happens twice.
//!
//! The long form is `MUSTER_TEST_CRASH=20,10 tests/run crash`: seconds, and how many times it is killed.

use std::{
    collections::BTreeMap,
    env,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use muster::{
    clock::random_bytes,
    deployment::{Deployment, DeploymentOptions},
    sealing::MasterKey,
};
use muster_events::{recorded::Metadata, stream::Position};
use reqwest::Method;
use serde_json::json;
use tempfile::TempDir;
use tokio::{
    task::{JoinHandle, spawn_blocking},
    time::{sleep, timeout},
};

use crate::support::{
    Client, OWNER_TOKEN, TestDatabase, TestEventStore, on_event_store, on_postgres, path_in_crowd,
    write_crowd,
};

const CLIENTS: usize = 64;

/// How long a restarted server may take until it serves, and a client until it is answered.
const LIMIT: Duration = Duration::from_mins(1);

/// Seconds and kills.
fn form() -> (u64, u32) {
    let given = env::var("MUSTER_TEST_CRASH").unwrap_or_else(|_| "6,4".into());
    let (seconds, kills) = given.split_once(',').expect("MUSTER_TEST_CRASH is SECONDS,KILLS");
    (seconds.parse().unwrap(), kills.parse().unwrap())
}

/// Where the ledger is kept, on a disk that is one.
struct Home {
    directory: TempDir,
    database: Option<TestDatabase>,
    /// It goes on when the process is killed.
    event_store: Option<TestEventStore>,
}

impl Home {
    /// With a master key, and without a ledger.
    async fn new() -> Self {
        let database = if on_postgres() { Some(TestDatabase::create().await) } else { None };
        let event_store = on_event_store().then(TestEventStore::start);
        let directory = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let home = Self { directory, database, event_store };
        MasterKey::create_new(&home.options().master_key()).unwrap();
        home
    }

    fn options(&self) -> DeploymentOptions {
        DeploymentOptions {
            data: self.directory.path().join("data"),
            database: self.database.as_ref().map(TestDatabase::database),
            event_store: self.event_store.as_ref().map(TestEventStore::named),
            master_key_file: Some(self.directory.path().join("master.key")),
            create: false,
        }
    }

    fn muster(&self, arguments: &[&str]) -> Command {
        let options = self.options();
        let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
        command.args(arguments).arg("--data").arg(&options.data);
        command.arg("--master-key-file").arg(options.master_key());
        if let Some(event_store) = &self.event_store {
            command.arg("--event-store").arg(event_store.url());
        }
        if let Some(database) = &self.database {
            command.arg("--database-url").arg(database.url());
        }
        command
    }

    fn serve(&self, listen: &str) -> Command {
        self.muster(&["serve", "--listen", listen])
    }
}

fn start(mut serve: Command) -> (Child, String) {
    let mut child = serve.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let line = lines.find(|line| line.contains(" at http://")).expect("it says where it serves");
    let address = line.split("http://").nth(1).unwrap().trim().to_owned();
    (child, address)
}

/// What a client was told: the key of each change and the position that was answered.
type Acknowledged = Vec<(String, u64)>;

/// Changes the role of one member to and fro, each change until it is answered, always with the same key.
fn change_roles(
    client: Client,
    path: String,
    number: usize,
    stop: Arc<AtomicBool>,
) -> JoinHandle<Acknowledged> {
    tokio::spawn(async move {
        let mut acknowledged = vec![];
        while !stop.load(Ordering::Relaxed) {
            let turn = acknowledged.len();
            let key = format!("client-{number}-change-{turn}");
            let role = if turn % 2 == 0 { "manager" } else { "member" };
            let position = timeout(LIMIT, until_answered(&client, &path, &key, role));
            let position = position.await.unwrap_or_else(|_| panic!("{key} was never answered"));
            acknowledged.push((key, position));
        }
        acknowledged
    })
}

async fn until_answered(client: &Client, path: &str, key: &str, role: &str) -> u64 {
    loop {
        let request = client.request(Method::PUT, path).header("idempotency-key", key);
        let Ok(response) = request.json(&json!({ "orgRole": role })).send().await else {
            sleep(Duration::from_millis(5)).await;
            continue;
        };
        if response.status() == 503 {
            sleep(Duration::from_millis(20)).await;
            continue;
        }
        let (status, position) = (response.status(), response.headers().get("muster-position").cloned());
        let text = response.text().await;
        // The head arrived, so the change is acknowledged, whether or not the body did.
        assert_eq!(status, 200, "{key}: {text:?}");
        let position = position.unwrap().to_str().unwrap().to_owned();
        return position.split_once('-').unwrap().1.parse().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_changes_survive_kills_exactly_once() {
    let (seconds, kills) = form();
    let home = Home::new().await;
    let file = home.directory.path().join("crowd.json");
    write_crowd(&file, CLIENTS);
    let imported = home.muster(&["import", file.to_str().unwrap()]).output().unwrap();
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    let ids: serde_json::Value = serde_json::from_slice(&imported.stdout).unwrap();

    let (mut server, address) = start(home.serve("127.0.0.1:0"));
    let stop = Arc::new(AtomicBool::new(false));
    let client = Client::new(&format!("http://{address}"), Some(OWNER_TOKEN));
    let clients: Vec<_> = (1..=CLIENTS)
        .map(|number| change_roles(client.clone(), path_in_crowd(&ids, number), number, Arc::clone(&stop)))
        .collect();
    let pause = Duration::from_millis(seconds * 1000 / u64::from(kills + 1));
    for _ in 0..kills {
        // Somewhere between half and one and a half of an even share.
        let share = u32::from(u16::from_le_bytes(random_bytes()));
        sleep(pause / 2 + pause * share / u32::from(u16::MAX)).await;
        server.kill().unwrap();
        server.wait().unwrap();
        let serve = home.serve(&address);
        server = spawn_blocking(|| start(serve).0).await.unwrap();
    }
    sleep(pause / 2).await;
    stop.store(true, Ordering::Relaxed);
    let mut acknowledged = vec![];
    for client in clients {
        acknowledged.extend(client.await.unwrap());
    }
    server.kill().unwrap();
    server.wait().unwrap();
    check(&home, &acknowledged).await;
}

/// Every acknowledged change is in the log once, where it was said to be; and the ledger is content with itself.
async fn check(home: &Home, acknowledged: &[(String, u64)]) {
    let doctor = home.muster(&["doctor"]).output().unwrap();
    assert!(doctor.status.success(), "{}", String::from_utf8_lossy(&doctor.stdout));
    let deployment = Deployment::open(&home.options()).await.unwrap();
    let (store, keys) = (deployment.ledger.store(), deployment.ledger.keys());
    let caller = deployment.ledger.identify(OWNER_TOKEN).await.unwrap().unwrap();
    let actor = caller.actor().to_string();

    let (mut position, mut by_key) = (Position::ZERO, BTreeMap::<String, Vec<u64>>::new());
    loop {
        let page = store.read_all(position, 1_000).await.unwrap();
        let Some(last) = page.last() else { break };
        for (event, expected) in page.iter().zip(position.0 + 1..) {
            assert_eq!(event.position.0, expected, "there is a hole in the positions");
            let metadata: Metadata = serde_json::from_str(&event.metadata).unwrap();
            if let Some(key) = metadata.idempotency_key {
                by_key.entry(key.to_string()).or_default().push(event.position.0);
            }
        }
        position = last.position;
    }
    assert!(acknowledged.len() > CLIENTS, "only {} changes were acknowledged", acknowledged.len());
    for (key, answered) in acknowledged {
        let hash = keys.request_hash(&[b"key", actor.as_bytes(), key.as_bytes()]);
        assert_eq!(by_key.get(&hash), Some(&vec![*answered]), "{key}");
    }
    assert!(by_key.len() >= acknowledged.len());
    println!("{} acknowledged changes, {} events, positions without a hole", acknowledged.len(), position);
}
