//! From commit to visible: how long after the answer to a command its change is in the rows of the members, at a thousand
//! commands a second, with the server and everything that it runs on the same cores.
//!
//!     cargo bench --bench lag                                        # on SQLite
//!     tests/with-postgres cargo bench --bench lag -- --postgres
//!
//! The rows are looked at every millisecond or two through connections of their own, so what is printed is at most that
//! much too long.

mod setting;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use muster::{
    clock::stopwatch,
    http::{ServeOptions, serve},
};
use muster_events::stream::Position;
use setting::{MEMBERS, Setting, postgres::Server, rate};
use tokio::{
    net::TcpListener,
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

/// Commands, and how many a second.
const COMMANDS: usize = 20_000;
const A_SECOND: u32 = 1_000;
/// How often the rows are looked at.
const LOOK: Duration = Duration::from_millis(1);
/// The most that is waited for the last one.
const LIMIT: Duration = Duration::from_secs(30);

/// When each command was answered, by the position of its last event.
type Answered = Arc<Mutex<BTreeMap<Position, Instant>>>;

#[tokio::main]
async fn main() {
    let directory = setting::directory();
    let on_postgres = std::env::args().any(|argument| argument == "--postgres");
    let server = if on_postgres { Some(Server::new(directory.path()).await) } else { None };
    let setting = Setting::on(server.as_ref().map(Server::database)).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let shutdown = CancellationToken::new();
    let serving = tokio::spawn({
        let (setting, shutdown) = (Arc::clone(&setting), shutdown.clone());
        async move { serve(&setting.deployment, listener, ServeOptions::default(), shutdown).await.unwrap() }
    });
    let answered = Answered::default();
    let looking = tokio::spawn(look(Arc::clone(&setting), Arc::clone(&answered)));
    let began = stopwatch();
    ask(&setting, &answered).await;
    let rate = rate(COMMANDS as u64, began.elapsed());
    let mut lags = looking.await.unwrap();
    lags.sort_unstable();
    let at = |share: usize| lags[(lags.len() - 1) * share / 1_000].as_secs_f64() * 1_000.0;
    let store = if on_postgres { "Postgres" } else { "SQLite" };
    println!(
        "{store}, {rate:.0} commands a second, {} seen: from answer to visible p50 {:.1} ms, p99 {:.1} ms, p99.9 {:.1} ms, \
         most {:.1} ms",
        lags.len(),
        at(500),
        at(990),
        at(999),
        at(1_000)
    );
    shutdown.cancel();
    serving.await.unwrap();
}

/// Asks at a steady rate, whether the answers come as fast or not.
async fn ask(setting: &Arc<Setting>, answered: &Answered) {
    let mut ticks = interval(Duration::from_secs(1) / A_SECOND);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut under_way = JoinSet::new();
    for number in 0..COMMANDS {
        ticks.tick().await;
        let (setting, answered) = (Arc::clone(setting), Arc::clone(answered));
        under_way.spawn(async move {
            let position = setting.command(number % MEMBERS, true).await;
            answered.lock().unwrap().insert(position, stopwatch());
        });
    }
    under_way.join_all().await;
}

/// Takes out what was answered and has been seen.
fn taken(answered: &Answered, seen: Position) -> BTreeMap<Position, Instant> {
    let mut answered = answered.lock().unwrap();
    let rest = answered.split_off(&Position(seen.0 + 1));
    std::mem::replace(&mut *answered, rest)
}

/// How long after its answer each command was seen.
async fn look(setting: Arc<Setting>, answered: Answered) -> Vec<Duration> {
    let (mut lags, began) = (vec![], stopwatch());
    let limit = Duration::from_secs(COMMANDS as u64 / u64::from(A_SECOND)) + LIMIT;
    while lags.len() < COMMANDS {
        assert!(began.elapsed() < limit, "{} of {COMMANDS} were seen", lags.len());
        let living = setting.deployment.views.living().await.unwrap();
        let members = living.iter().find(|of| of.projection == "members").map(|of| of.position);
        let (seen, now) = (members.unwrap_or_default(), stopwatch());
        lags.extend(taken(&answered, seen).into_values().map(|at| now.saturating_duration_since(at)));
        tokio::time::sleep(LOOK).await;
    }
    lags
}
