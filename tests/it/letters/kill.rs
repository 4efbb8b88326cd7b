//! The processes that send are killed again and again: nobody's letter is lost, and none is sent twice but where the mail
//! server's answer was.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use muster::{
    clock::{Clock as _, SystemClock},
    deployment::Deployment,
    sealing::Unsealed,
};
use muster_events::{
    event::Event,
    letter::{Letter, LetterEvent, LetterStatus},
    stream::{Position, StreamId},
};
use reqwest::Method;
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::support::{
    Client, MailServer, OWNER_TOKEN, Random, Server, SharedLedger, Taken, TestDatabase, seed,
};

/// How many are invited and how often a process is killed; the long form has its numbers from the environment.
const INVITED: usize = 300;
const KILLS: usize = 4;
/// Between two kills at the most.
const ALIVE: Duration = Duration::from_millis(900);
/// Within so many seconds it is on record that a letter was taken, when nobody is killed.
const RECORDED_WITHIN: f64 = 2.0;
/// Within this every letter has come to its end.
const LIMIT: Duration = Duration::from_mins(10);

const FAULTS: [&str; 6] = ["permanent", "temporary", "first", "slow", "drop", "lost"];

fn number(variable: &str, otherwise: usize) -> usize {
    std::env::var(variable).map_or(otherwise, |text| text.parse().unwrap())
}

/// Three in ten are faulty, in all ways alike.
fn recipient(number: usize) -> String {
    let fault = if number % 10 < 3 { FAULTS[(number / 10 + number) % FAULTS.len()] } else { "good" };
    format!("{fault}-{number}@example.com")
}

/// Servers at addresses that stay the same however often they are killed.
struct Servers<'a> {
    ledger: &'a SharedLedger,
    mail: String,
    running: Vec<Server>,
}

impl<'a> Servers<'a> {
    fn start(ledger: &'a SharedLedger, mail: &MailServer, count: usize) -> Self {
        let mut servers = Self { ledger, mail: mail.url(), running: vec![] };
        servers.running = (0..count).map(|_| servers.one("127.0.0.1:0")).collect();
        servers
    }

    fn one(&self, listen: &str) -> Server {
        let retries = ["--mail-attempts", "4", "--mail-retry-seconds", "0.05", "--smtp-connections", "8"];
        self.ledger.serve_with(listen, &[&["--smtp", &self.mail][..], &retries].concat())
    }

    /// Kills one and starts it again.
    fn kill(&mut self, which: usize) {
        self.running[which].kill();
        let address = self.running[which].address.clone();
        self.running[which] = self.one(&address);
    }
}

/// Invites somebody, however often the server is killed meanwhile.
async fn invite(client: &Client, number: usize) {
    let key = format!("invite-{number}");
    let invited = async {
        loop {
            let request = client.request(Method::POST, "/api/0/organizations/acme/members/");
            let body = json!({ "email": recipient(number) });
            let sent = request.header("Idempotency-Key", &key).json(&body).send().await;
            match sent.map(|answer| answer.status().as_u16()) {
                Ok(201) => return,
                Ok(503) | Err(_) => sleep(Duration::from_millis(20)).await,
                Ok(status) => panic!("{number}: {status}"),
            }
        }
    };
    timeout(LIMIT, invited).await.expect("nobody answers");
}

/// How each recipient's letter stands, once none waits.
async fn ends(deployment: &Deployment, expected: usize) -> BTreeMap<String, (LetterStatus, Option<u16>)> {
    let store = deployment.ledger.store();
    let all = async {
        loop {
            store.confirm_head().await.unwrap();
            let (mut after, mut ends) = (Position::ZERO, BTreeMap::new());
            loop {
                let events = store.read_all(after, 1_000).await.unwrap();
                let Some(last) = events.last() else { break };
                after = last.position;
                for stored in &events {
                    let Event::Letter(event) = &*stored.event().unwrap() else { continue };
                    let end = ends.entry(stored.stream.clone()).or_insert((LetterStatus::Queued, None));
                    match event {
                        LetterEvent::LetterSent { .. } => end.0 = LetterStatus::Sent,
                        LetterEvent::LetterParked {} => end.0 = LetterStatus::Parked,
                        LetterEvent::LetterDropped { .. } => end.0 = LetterStatus::Dropped,
                        LetterEvent::LetterAttemptFailed { code, .. } => end.1 = *code,
                        LetterEvent::LetterQueued { .. } | LetterEvent::LetterReleased {} => {}
                    }
                }
            }
            let waits = ends.values().any(|(status, _)| *status == LetterStatus::Queued);
            if ends.len() >= expected && !waits {
                return ends;
            }
            sleep(Duration::from_millis(100)).await;
        }
    };
    let ends = timeout(LIMIT, all).await.expect("letters still wait");
    let mut by_recipient = BTreeMap::new();
    for (stream, end) in ends {
        by_recipient.insert(to(deployment, &stream).await, end);
    }
    by_recipient
}

async fn to(deployment: &Deployment, stream: &StreamId) -> String {
    let letter = deployment.ledger.state::<Letter>(stream).await.unwrap().state;
    let envelope = letter.letter.as_ref().unwrap().email.envelope().unwrap().clone();
    match deployment.ledger.keys().unseal(&envelope).await.unwrap() {
        Unsealed::Value(text) => text,
        Unsealed::Erased => panic!("nobody was erased"),
    }
}

async fn who_could_get_his_letter_got_it(ledger: &SharedLedger, processes: usize) {
    let (invited, kills) = (number("MUSTER_TEST_LETTERS", INVITED), number("MUSTER_TEST_KILLS", KILLS));
    let off = ["org", "feature", "invite-members-rate-limits", "off", "--organization", "acme"];
    assert!(ledger.run(&off).status.success());
    let mail = MailServer::start();
    let mut servers = Servers::start(ledger, &mail, processes);
    let clients: Vec<_> =
        servers.running.iter().map(|server| Client::new(&server.base(), Some(OWNER_TOKEN))).collect();
    let inviting = stream::iter(0..invited).for_each_concurrent(16, |number| {
        let client = &clients[number % clients.len()];
        invite(client, number)
    });
    let mut random = Random::of(seed(), 0);
    let mut killed = vec![];
    let killing = async {
        for _ in 0..kills {
            let millis = u64::try_from(random.below(usize::try_from(ALIVE.as_millis()).unwrap())).unwrap();
            sleep(Duration::from_millis(millis)).await;
            servers.kill(random.below(processes));
            killed.push(SystemClock.now().as_micros());
        }
    };
    tokio::join!(inviting, killing);
    let deployment = Deployment::open(&ledger.options()).await.unwrap();
    let ends = ends(&deployment, invited).await;
    let mut taken: BTreeMap<String, Vec<Taken>> = BTreeMap::new();
    for message in mail.taken() {
        taken.entry(message.to.clone()).or_default().push(message);
    }
    let (mut parked, mut twice) = (0, vec![]);
    for recipient in (0..invited).map(recipient) {
        let (status, code) = ends[&recipient];
        let fault = recipient.split('-').next().unwrap();
        let got = taken.get(&recipient).cloned().unwrap_or_default();
        let distinct: BTreeSet<_> = got.iter().map(|taken| &taken.id).collect();
        match fault {
            "permanent" | "temporary" => {
                let expected = if fault == "permanent" { 550 } else { 451 };
                assert_eq!((status, code), (LetterStatus::Parked, Some(expected)), "{recipient}");
                assert!(got.is_empty(), "{recipient}");
                parked += 1;
            }
            _ => {
                assert_eq!(status, LetterStatus::Sent, "{recipient}");
                assert_eq!(distinct.len(), 1, "{recipient}: {got:?}");
                if got.len() > 1 && fault != "lost" {
                    let before_a_kill = got[..got.len() - 1].iter().all(|taken| is_before(taken, &killed));
                    assert!(
                        before_a_kill,
                        "{recipient} got {got:?}, and processes were killed at {killed:?}"
                    );
                    twice.push(recipient);
                }
            }
        }
    }
    assert_eq!(ends.len(), invited, "each letter was queued once");
    // Only what was under way when a process was killed can have been taken without that being on record.
    let under_way = kills * (8 + 24);
    assert!(twice.len() <= under_way, "{} letters were sent twice: {twice:?}", twice.len());
    println!(
        "{invited} letters, {kills} kills of {processes} processes: {} taken, {parked} parked, {} sent twice because \
         a process was killed",
        taken.len(),
        twice.len()
    );
}

/// Whether a process was killed shortly after this was taken, before it can have recorded that.
fn is_before(taken: &Taken, killed: &[i64]) -> bool {
    let seconds = |micros: &i64| Duration::from_micros(u64::try_from(*micros).unwrap()).as_secs_f64();
    killed.iter().map(seconds).any(|killed| (taken.at - 0.5..taken.at + RECORDED_WITHIN).contains(&killed))
}

#[tokio::test(flavor = "multi_thread")]
async fn on_files() {
    let (ledger, _) = SharedLedger::in_files(1);
    who_could_get_his_letter_got_it(&ledger, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_with_two_processes() {
    let database = TestDatabase::create().await;
    let (ledger, _) = SharedLedger::with_crowd(database.url(), 1);
    who_could_get_his_letter_got_it(&ledger, 2).await;
}
