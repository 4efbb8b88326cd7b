//! Clients that change roles, each change until it is answered, always with the same key.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use muster::clock::stopwatch;
use reqwest::Method;
use serde_json::json;
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{LIMIT, progress::Progress};
use crate::support::{Client, OWNER_TOKEN, Random};

/// The longest pause before the same is asked of another process.
const PAUSE: Duration = Duration::from_millis(60);

/// What a client was told of one change.
#[derive(Debug)]
pub(super) struct Acknowledged {
    pub(super) key: String,
    pub(super) position: u64,
    pub(super) at: Instant,
}

/// The clients, one for each path.
#[derive(Debug)]
pub(super) struct Clients {
    pub(super) bases: Vec<String>,
    pub(super) paths: Vec<String>,
    pub(super) seed: u64,
}

/// One of them.
struct Changer {
    /// One for each process.
    processes: Vec<Client>,
    /// Which of them is asked now.
    asked: usize,
    path: String,
    number: usize,
    random: Random,
}

impl Clients {
    pub(super) fn start(self, progress: &Arc<Progress>) -> JoinSet<Vec<Acknowledged>> {
        let processes: Vec<_> = self.bases.iter().map(|base| Client::new(base, Some(OWNER_TOKEN))).collect();
        let mut clients = JoinSet::new();
        for (number, path) in self.paths.into_iter().enumerate() {
            let changer = Changer {
                processes: processes.clone(),
                asked: number % processes.len(),
                path,
                number,
                random: Random::of(self.seed, number as u64),
            };
            clients.spawn(changer.run(Arc::clone(progress)));
        }
        clients
    }
}

impl Changer {
    async fn run(mut self, progress: Arc<Progress>) -> Vec<Acknowledged> {
        let mut acknowledged = vec![];
        while !progress.is_stopped() {
            let turn = acknowledged.len();
            let key = format!("client-{}-change-{turn}", self.number);
            let role = if turn % 2 == 0 { "manager" } else { "member" };
            let position = timeout(LIMIT, self.until_answered(&key, role)).await;
            let position = position.unwrap_or_else(|_| panic!("{key} was never answered"));
            acknowledged.push(Acknowledged { key, position, at: stopwatch() });
            progress.count(|counts| counts.acknowledged += 1);
        }
        acknowledged
    }

    async fn until_answered(&mut self, key: &str, role: &str) -> u64 {
        loop {
            let process = &self.processes[self.asked];
            let request = process.request(Method::PUT, &self.path).header("idempotency-key", key);
            match request.json(&json!({ "orgRole": role })).send().await {
                Ok(response) if response.status() != 503 => {
                    let (status, headers) = (response.status(), response.headers().clone());
                    let text = response.text().await;
                    // The head arrived, so the change is acknowledged, whether or not the body did.
                    assert_eq!(status, 200, "{key}: {text:?}");
                    let position = headers["muster-position"].to_str().unwrap();
                    return position.split_once('-').unwrap().1.parse().unwrap();
                }
                // Whether it was done is not known. With the same key it is done once, whoever is asked.
                Ok(_) | Err(_) => {
                    self.asked = (self.asked + 1) % self.processes.len();
                    sleep(self.random.pause(PAUSE)).await;
                }
            }
        }
    }
}
