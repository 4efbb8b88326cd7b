//! Several processes with the same keys.

use std::{
    env,
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
    sync::Arc,
};

use muster::{
    clock::SystemClock,
    sealing::{KeyRing, MasterSource},
};
use muster_events::personal::Envelope;
use tempfile::TempDir;

use super::{Keys, PLANTED, invitee, seal, user, value};

const DIRECTORY: &str = "MUSTER_TEST_KEYS_DIRECTORY";
const PERSONS: u64 = 40;

async fn open(directory: PathBuf) -> KeyRing {
    let master = MasterSource::FileMadeOnFirstRun(directory.join("master.key"));
    KeyRing::open_sqlite(&directory.join("keys.db"), master, Arc::new(SystemClock)).await.unwrap()
}

/// What the other processes do: seal for every person and print the envelopes.
async fn seal_for_everyone(directory: PathBuf) {
    let ring = open(directory).await;
    let mut lines = vec![String::new()];
    for number in 1..=PERSONS {
        let envelope = seal(&ring, invitee(number), PLANTED).await;
        lines.push(serde_json::to_string(&envelope).unwrap() + "\n");
    }
    std::io::stdout().write_all(lines.join("\n").as_bytes()).unwrap();
}

/// The other processes are this same test, started with the directory in the environment.
#[tokio::test]
async fn processes_that_start_and_seal_at_once_make_one_key_for_each_person() {
    if let Some(directory) = env::var_os(DIRECTORY) {
        return seal_for_everyone(directory.into()).await;
    }
    let directory = TempDir::new().unwrap();
    let own_name = "processes_that_start_and_seal_at_once_make_one_key_for_each_person";
    let path = format!("{}::{own_name}", module_path!().split_once("::").unwrap().1);
    let start = || {
        Command::new(env::current_exe().unwrap())
            .args([&path, "--exact", "--nocapture"])
            .env(DIRECTORY, directory.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let processes: Vec<_> = (0..4).map(|_| start()).collect();
    let ring = open(directory.path().to_owned()).await;
    for process in processes {
        let output = process.wait_with_output().unwrap();
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        let envelopes: Vec<Envelope> = text
            .lines()
            .filter(|line| line.starts_with('{'))
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(envelopes.len() as u64, PERSONS);
        for (envelope, number) in envelopes.iter().zip(1..) {
            assert_eq!(ring.unseal(envelope).await, Ok(value(PLANTED)));
            assert_eq!(ring.sealer(invitee(number)).await.unwrap().key_id(), envelope.key);
        }
    }
    assert_eq!(ring.check().await.unwrap().living, PERSONS);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_users_of_one_ring_and_of_others_share_a_persons_key() {
    let keys = Keys::new();
    let rings = [keys.open().await, keys.open().await];
    let sealing = (0..64).map(|number| {
        let ring = rings[number % 2].clone();
        tokio::spawn(async move { seal(&ring, user(7), PLANTED).await })
    });
    let envelopes: Vec<_> =
        futures_util::future::join_all(sealing).await.into_iter().map(Result::unwrap).collect();
    for envelope in &envelopes {
        assert_eq!(envelope.key, envelopes[0].key);
        assert_eq!(rings[0].unseal(envelope).await, Ok(value(PLANTED)));
    }
}
