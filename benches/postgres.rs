//! Durable commands per second through the ledger on Postgres, every promise on and an idempotency key on each, against
//! pgbench on the same server in the same run: one transaction that reads a stream and inserts one event, prepared.
//!
//!     tests/with-postgres cargo bench --bench postgres              # the table
//!     tests/with-postgres cargo bench --bench postgres -- --long    # members with 1,000 events against members with few
//!     tests/with-postgres cargo bench --bench postgres -- --where   # where the time of an append goes
//!     tests/with-postgres cargo bench --bench postgres -- --visible # from commit to visible, at 1,000 commands a second

mod setting;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use metrics_exporter_prometheus::PrometheusBuilder;
use muster::clock::stopwatch;
use setting::{MEMBERS, Setting, postgres::Server};
use tokio_util::sync::CancellationToken;

const CALLERS: [usize; 5] = [1, 8, 32, 64, 256];
const SECONDS: u64 = 4;
const ROUNDS: usize = 3;
/// Events of a long stream.
const LONG_STREAM: usize = 1_000;
/// Commands a second while it is measured how long a commit takes to become visible.
const PACE: u64 = 1_000;

#[tokio::main]
async fn main() {
    let directory = setting::directory();
    let server = Server::new(directory.path()).await;
    let argument = std::env::args().find(|argument| argument.starts_with("--") && argument != "--bench");
    match argument.as_deref() {
        Some("--where") => whereabouts(&server).await,
        Some("--visible") => visible(&server).await,
        Some("--long") => long(&server).await,
        _ => table(&server).await,
    }
}

async fn table(server: &Server) {
    let setting = Setting::on(Some(server.database())).await;
    println!(
        "Durable commands per second on Postgres, a key on each; {ROUNDS} rounds of {SECONDS} s, medians."
    );
    println!("{:>8} {:>12} {:>12} {:>7}", "callers", "pgbench", "ledger", "");
    for callers in CALLERS {
        let (mut theirs, mut ours) = (vec![], vec![]);
        for _ in 0..ROUNDS {
            theirs.push(tokio::task::block_in_place(|| server.pgbench(callers, SECONDS)));
            ours.push(commands(&setting, callers).await);
        }
        let (theirs, ours) = (setting::median(theirs), setting::median(ours));
        println!("{callers:>8} {theirs:>12.0} {ours:>12.0} {:>6.1}x", ours / theirs);
    }
}

/// Commands a second.
async fn commands(setting: &Arc<Setting>, callers: usize) -> f64 {
    let (stop, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let began = stopwatch();
    let tasks: Vec<_> = (0..callers)
        .map(|number| {
            let (setting, stop, count) = (Arc::clone(setting), Arc::clone(&stop), Arc::clone(&count));
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    setting.command(number % MEMBERS, true).await;
                    count.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(SECONDS)).await;
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    setting::rate(count.load(Ordering::Relaxed), began.elapsed())
}

/// 64 members with 1,000 events each and more, and as many with few, in turns.
async fn long(server: &Server) {
    let setting = Setting::on(Some(server.database())).await;
    let long = LONG_STREAM;
    let grown: Vec<_> = (0..64)
        .map(|member| {
            let setting = Arc::clone(&setting);
            tokio::spawn(async move {
                for _ in 0..long {
                    setting.command(member, true).await;
                }
            })
        })
        .collect();
    for task in grown {
        task.await.unwrap();
    }
    // Few commands to each, so that they stay short: every member that was not grown takes part.
    let (mut of_long, mut of_short) = (vec![], vec![]);
    for _ in 0..ROUNDS {
        of_long.push(burst(&setting, 0..64).await);
        of_short.push(burst(&setting, 64..MEMBERS).await);
    }
    let (of_long, of_short) = (setting::median(of_long), setting::median(of_short));
    println!(
        "members with {long} events: {of_long:.0} commands a second by 64 callers; with few: {of_short:.0}"
    );
    println!("{:.2}x", of_long / of_short);
}

/// Commands a second of 64 callers, who go through `members` in turns: 60 for each caller.
async fn burst(setting: &Arc<Setting>, members: std::ops::Range<usize>) -> f64 {
    let (first, count) = (members.start, members.len());
    let began = stopwatch();
    let tasks: Vec<_> = (0..64)
        .map(|caller| {
            let setting = Arc::clone(setting);
            tokio::spawn(async move {
                for turn in 0..60 {
                    setting.command(first + (caller + 64 * turn) % count, true).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    setting::rate(64 * 60, began.elapsed())
}

async fn whereabouts(server: &Server) {
    let recorder = PrometheusBuilder::new().install_recorder().unwrap();
    let setting = Setting::on(Some(server.database())).await;
    let before = phases(&recorder.render());
    let rate = commands(&setting, 64).await;
    let after = phases(&recorder.render());
    println!("{rate:.0} commands a second by 64 callers; the writer's time, by phase:");
    for (name, seconds, times) in after {
        let earlier =
            before.iter().find(|earlier| earlier.0 == name).map_or((0.0, 0.0), |one| (one.1, one.2));
        let (seconds, times) = (seconds - earlier.0, times - earlier.1);
        println!(
            "{name:>10} {:>7.1} % {:>9.1} us a batch",
            100.0 * seconds / Duration::from_secs(SECONDS).as_secs_f64(),
            1e6 * seconds / times
        );
    }
}

/// Name, sum of seconds and count of each phase in the text of the exporter.
fn phases(text: &str) -> Vec<(String, f64, f64)> {
    let value = |what: &str, name: &str| {
        let start = format!("muster_append_seconds_{what}{{phase=\"{name}\"}} ");
        text.lines().find_map(|line| line.strip_prefix(&start)?.parse().ok()).unwrap_or(0.0)
    };
    let names = ["lock", "decide", "append", "write", "commit", "tell"];
    names.map(|name| (name.to_owned(), value("sum", name), value("count", name))).into()
}

/// A steady load, read models running; each command is followed until its change is in the view.
async fn visible(server: &Server) {
    let setting = Setting::on(Some(server.database())).await;
    let runner = setting.deployment.runner();
    let models = runner.read_models();
    let stop = CancellationToken::new();
    let running = tokio::spawn(runner.run(stop.clone()));
    let mut pace = tokio::time::interval(Duration::from_micros(1_000_000 / PACE));
    let mut tasks = vec![];
    let began = stopwatch();
    for number in 0..PACE * 10 {
        pace.tick().await;
        let (setting, models) = (Arc::clone(&setting), models.clone());
        tasks.push(tokio::spawn(async move {
            let position = setting.command(usize::try_from(number).unwrap() % MEMBERS, true).await;
            let committed = stopwatch();
            models.wait_for(position, Duration::from_secs(10)).await.unwrap();
            committed.elapsed()
        }));
    }
    let mut times = vec![];
    for task in tasks {
        times.push(task.await.unwrap());
    }
    let rate = setting::rate(times.len() as u64, began.elapsed());
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 100].as_secs_f64() * 1000.0;
    println!(
        "{rate:.0} commands a second; from answer to visible: p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms",
        at(50),
        at(99),
        at(100)
    );
    stop.cancel();
    running.await.unwrap();
}
