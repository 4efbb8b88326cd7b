//! Durable commands per second through the ledger on SQLite, with every promise on, without and with an idempotency key
//! on each command, against one durable transaction per command in the same run.
//!
//!     cargo bench --bench ledger
//!     cargo bench --bench ledger -- --profile     # the ledger alone, for a profiler
//!
//! The reference is what the usual design cannot pass: each command is a transaction of its own, which reads where the
//! stream stands and inserts one event of the same size into the same table, with `synchronous = FULL`. It decides
//! nothing, hashes nothing and tells nobody.

mod setting;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use muster::clock::stopwatch;
use rusqlite::{Connection, TransactionBehavior, params, params_from_iter};
use setting::{MEMBERS, Setting};

const CALLERS: [usize; 3] = [1, 8, 64];
const TIME: Duration = Duration::from_secs(4);
const ROUNDS: usize = 3;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let setting = runtime.block_on(Setting::new());
    if std::env::args().any(|argument| argument == "--profile") {
        // For a profiler: nothing but the ledger, at the most callers.
        let rate = runtime.block_on(through_the_ledger(&setting, CALLERS[CALLERS.len() - 1], true));
        return println!("{rate:.0} a second");
    }
    println!("Durable commands per second on SQLite; {ROUNDS} rounds of {} s, medians.", TIME.as_secs());
    println!(
        "{:>8} {:>22} {:>14} {:>7} {:>14} {:>7}",
        "callers", "one transaction each", "ledger", "", "with a key", ""
    );
    for callers in CALLERS {
        let (mut theirs, mut plain, mut keyed) = (vec![], vec![], vec![]);
        for _ in 0..ROUNDS {
            theirs.push(one_transaction_each(callers));
            plain.push(runtime.block_on(through_the_ledger(&setting, callers, false)));
            keyed.push(runtime.block_on(through_the_ledger(&setting, callers, true)));
        }
        let (theirs, plain, keyed) =
            (setting::median(theirs), setting::median(plain), setting::median(keyed));
        let (of_plain, of_keyed) = (plain / theirs, keyed / theirs);
        println!("{callers:>8} {theirs:>22.0} {plain:>14.0} {of_plain:>6.1}x {keyed:>14.0} {of_keyed:>6.1}x");
    }
}

async fn through_the_ledger(setting: &Arc<Setting>, callers: usize, keyed: bool) -> f64 {
    let (stop, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let began = stopwatch();
    let tasks: Vec<_> = (0..callers)
        .map(|number| {
            let (setting, stop, count) = (Arc::clone(setting), Arc::clone(&stop), Arc::clone(&count));
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    setting.command(number % MEMBERS, keyed).await;
                    count.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    tokio::time::sleep(TIME).await;
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    setting::rate(count.load(Ordering::Relaxed), began.elapsed())
}

/// The usual design: one connection, and a transaction for each command.
fn one_transaction_each(callers: usize) -> f64 {
    let directory = setting::directory();
    let connection = Connection::open(directory.path().join("log.db")).unwrap();
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;").unwrap();
    connection.execute_batch(include_str!("../src/store/sqlite/schema.sql")).unwrap();
    let connection = Mutex::new(connection);
    let (stop, count) = (AtomicBool::new(false), AtomicU64::new(0));
    let began = stopwatch();
    std::thread::scope(|scope| {
        for number in 0..callers {
            let (connection, stop, count) = (&connection, &stop, &count);
            scope.spawn(move || {
                let id = format!("{}", 1_000_000_000_000_000 + number % MEMBERS);
                while !stop.load(Ordering::Relaxed) {
                    transaction(&mut connection.lock().unwrap_or_else(PoisonError::into_inner), &id);
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        std::thread::park_timeout(TIME);
        stop.store(true, Ordering::Relaxed);
    });
    setting::rate(count.load(Ordering::Relaxed), began.elapsed())
}

fn transaction(connection: &mut Connection, id: &str) {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    let number = |query: &str, parameters: &[&str]| -> i64 {
        let mut statement = transaction.prepare_cached(query).unwrap();
        statement.query_row(params_from_iter(parameters), |row| row.get(0)).unwrap()
    };
    let sequence = 1 + number(
        "SELECT coalesce(max(sequence), 0) FROM events WHERE aggregate_type = 'member' AND aggregate_id = ?1",
        &[id],
    );
    let position = 1 + number("SELECT coalesce(max(position), 0) FROM events", &[]);
    let payload = r#"{"from":"member","to":"manager"}"#;
    let metadata = r#"{"actor":{"kind":"user","id":"1000000000000000","via":"1000000000000001"},"idempotency_key":"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}"#;
    transaction
        .prepare_cached(
            "INSERT INTO events VALUES ('member', ?1, ?2, 'OrgRoleChanged', '1', ?3, ?4, ?5, 1000000000000002, 'user',
             '1000000000000000', ?6, ?7, ?8)",
        )
        .unwrap()
        .execute(params![
            id,
            sequence,
            position,
            "01930000-0000-7000-8000-000000000000",
            1_700_000_000_000_000_i64,
            [0_u8; 32],
            payload,
            metadata
        ])
        .unwrap();
    transaction.commit().unwrap();
}
