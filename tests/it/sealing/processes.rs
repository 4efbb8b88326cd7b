//! Several processes with the same keys.

use std::{
    env,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use muster::sealing::{KeyRing, MasterSource};
use muster_events::personal::Envelope;

use super::{
    Keys, PLANTED, Store, invitee,
    lab::{self, Place},
    seal, user, value,
};

/// Where the other processes find the keys, and the master key.
const PLACE: &str = "MUSTER_TEST_KEYS_PLACE";
const MASTER_KEY: &str = "MUSTER_TEST_KEYS_MASTER_KEY";
const PERSONS: u64 = 40;

async fn open(place: &Place, master_key: &Path) -> KeyRing {
    lab::open(place, MasterSource::FileMadeOnFirstRun(master_key.into())).await.unwrap()
}

/// What the other processes do: seal for every person and print the envelopes.
async fn seal_for_everyone(place: &Place, master_key: PathBuf) {
    let ring = open(place, &master_key).await;
    let mut lines = vec![String::new()];
    for number in 1..=PERSONS {
        let envelope = seal(&ring, invitee(number), PLANTED).await;
        lines.push(serde_json::to_string(&envelope).unwrap() + "\n");
    }
    std::io::stdout().write_all(lines.join("\n").as_bytes()).unwrap();
}

/// The other processes are this same test, started with the place in the environment.
pub(super) async fn processes_that_start_and_seal_at_once_make_one_key_for_each_person(store: Store) {
    if let (Ok(place), Some(master_key)) = (env::var(PLACE), env::var_os(MASTER_KEY)) {
        return seal_for_everyone(&store.place(place), master_key.into()).await;
    }
    let keys = Keys::new(store).await;
    let own_name = "processes_that_start_and_seal_at_once_make_one_key_for_each_person";
    let path = format!("sealing::{}::{own_name}", store.module());
    let start = || {
        Command::new(env::current_exe().unwrap())
            .args([&path, "--exact", "--nocapture"])
            .env(PLACE, keys.place().to_string())
            .env(MASTER_KEY, keys.path("master.key"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let processes: Vec<_> = (0..4).map(|_| start()).collect();
    let ring = open(keys.place(), &keys.path("master.key")).await;
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

pub(super) async fn concurrent_users_of_one_ring_and_of_others_share_a_persons_key(store: Store) {
    let keys = Keys::new(store).await;
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
