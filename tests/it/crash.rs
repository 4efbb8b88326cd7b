//! The process is killed at random moments while many clients change roles; nothing that was acknowledged is lost or
//! happens twice.
//!
//! The long form is `MUSTER_TEST_CRASH=20,10 tests/run crash`: seconds, and how many times it is killed.

use std::{
    collections::BTreeMap,
    env,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
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
};
use muster_events::{recorded::Metadata, stream::Position};
use reqwest::Method;
use serde_json::json;
use tempfile::TempDir;
use tokio::{
    task::{JoinHandle, spawn_blocking},
    time::{sleep, timeout},
};

use crate::support::{Client, OWNER_TOKEN, path_in_crowd, write_crowd};

const CLIENTS: usize = 64;

/// How long a restarted server may take until it serves, and a client until it is answered.
const LIMIT: Duration = Duration::from_mins(1);

/// Seconds and kills.
fn form() -> (u64, u32) {
    let given = env::var("MUSTER_TEST_CRASH").unwrap_or_else(|_| "6,4".into());
    let (seconds, kills) = given.split_once(',').expect("MUSTER_TEST_CRASH is SECONDS,KILLS");
    (seconds.parse().unwrap(), kills.parse().unwrap())
}

fn data(directory: &TempDir) -> PathBuf {
    directory.path().join("data")
}

fn muster(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
    command.args(arguments).arg("--data").arg(data);
    command
}

fn serve(data: &Path, listen: &str) -> (Child, String) {
    let mut child = muster(data, &["serve", "--listen", listen])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
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
    let directory = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let file = directory.path().join("crowd.json");
    write_crowd(&file, CLIENTS);
    let imported = muster(&data(&directory), &["import", file.to_str().unwrap()]).output().unwrap();
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
    let ids: serde_json::Value = serde_json::from_slice(&imported.stdout).unwrap();

    let (mut server, address) = serve(&data(&directory), "127.0.0.1:0");
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
        let (data, listen) = (data(&directory), address.clone());
        server = spawn_blocking(move || serve(&data, &listen).0).await.unwrap();
    }
    sleep(pause / 2).await;
    stop.store(true, Ordering::Relaxed);
    let mut acknowledged = vec![];
    for client in clients {
        acknowledged.extend(client.await.unwrap());
    }
    server.kill().unwrap();
    server.wait().unwrap();
    check(&directory, &acknowledged).await;
}

/// Every acknowledged change is in the log once, where it was said to be; and the ledger is content with itself.
async fn check(directory: &TempDir, acknowledged: &[(String, u64)]) {
    let doctor = muster(&data(directory), &["doctor"]).output().unwrap();
    assert!(doctor.status.success(), "{}", String::from_utf8_lossy(&doctor.stdout));
    let options = DeploymentOptions { create: false, ..DeploymentOptions::directory(data(directory)) };
    let deployment = Deployment::open(&options).await.unwrap();
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
