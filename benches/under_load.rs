//! A rebuild of all read models in production hours: 500 commands and 500 reads a second over HTTP go on while the process
//! that rebuilds is killed at 20 random moments and started again, until it comes to an end.
//!
//!     cargo bench --bench under_load                                      # on SQLite
//!     tests/with-postgres cargo bench --bench under_load -- --postgres    # on Postgres
//!
//! It says how long reads take without and with it, counted from when each was due, and ends with an error when a request
//! has failed or when an uninterrupted rebuild makes other rows.

mod setting;

use std::{
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::body::{Body, Bytes};
use hyper::{
    Method, Request,
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use muster::{
    clock::{random_bytes, stopwatch},
    http::{Limits, ServeOptions, serve},
};
use setting::{Setting, TOKEN, log::Log, postgres::Server};
use tokio::{
    net::{TcpListener, TcpStream},
    time::{MissedTickBehavior, interval, sleep},
};
use tokio_util::sync::CancellationToken;

/// How many events there are beside those of the commands.
const EVENTS: u64 = 300_000;
/// Commands, and reads, a second.
const RATE: u32 = 500;
/// Connections for each of both.
const CONNECTIONS: u32 = 20;
/// How long it is measured without a rebuild.
const WITHOUT: Duration = Duration::from_secs(20);
/// How often the rebuild is killed.
const KILLS: usize = 20;
/// It is killed this soon, at the latest.
const LATEST: u32 = 2_500;

#[tokio::main]
async fn main() {
    let directory = setting::directory();
    let on_postgres = std::env::args().any(|argument| argument == "--postgres");
    let server = if on_postgres { Some(Server::new(directory.path()).await) } else { None };
    let setting = Setting::on(server.as_ref().map(Server::database)).await;
    Log::new(setting.deployment.ledger.store()).grow(EVENTS).await;
    setting.deployment.runner().run_to_head().await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let serving = tokio::spawn({
        let (setting, shutdown) = (Arc::clone(&setting), shutdown.clone());
        let limits = Limits { member_lists: None, ..Limits::default() };
        let options = ServeOptions { limits, ..ServeOptions::default() };
        async move { serve(&setting.deployment, listener, options, shutdown).await.unwrap() }
    });
    println!(
        "{EVENTS} events; {RATE} PUTs and {RATE} GETs of members a second, server and clients on the same cores"
    );
    println!("{:>24} {:>9} {:>9} {:>9} {:>9} {:>9}", "", "reads", "p50 ms", "p99 ms", "max ms", "PUT p99");
    let without = measure(&setting, address, sleep(WITHOUT)).await;
    without.print("without a rebuild");
    let muster = Muster { setting: &setting, url: server.as_ref().map(|server| server.url().to_owned()) };
    let with = measure(&setting, address, muster.rebuild_with_kills()).await;
    with.print("with one");
    println!("reads at p99: {:.2}x", with.read_at(99) / without.read_at(99));
    shutdown.cancel();
    serving.await.unwrap();
    setting.deployment.runner().run_to_head().await.unwrap();
    let killed = muster.digests();
    assert!(muster.rebuild().wait().unwrap().success());
    assert_eq!(muster.digests(), killed, "an uninterrupted rebuild makes other rows");
    println!("0 requests failed; the rows are those of an uninterrupted rebuild:\n{killed}");
}

/// The program beside the server.
struct Muster<'a> {
    setting: &'a Setting,
    url: Option<String>,
}

impl Muster<'_> {
    fn command(&self, arguments: &[&str]) -> Command {
        let data = self.setting.directory.path();
        let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
        command.args(arguments).arg("--data").arg(data).stdin(Stdio::null()).stderr(Stdio::null());
        if let Some(url) = &self.url {
            command.args(["--database-url", url, "--master-key-file"]).arg(data.join("master.key"));
        }
        command
    }

    fn rebuild(&self) -> Child {
        let mut command = self.command(&["projections", "rebuild", "--all"]);
        command.stdout(Stdio::null()).spawn().unwrap()
    }

    async fn rebuild_with_kills(&self) {
        let began = stopwatch();
        let (mut kills, mut ended) = (0, 0);
        while kills < KILLS {
            let mut child = self.rebuild();
            let random = u32::from_le_bytes(random_bytes::<4>()) % LATEST;
            sleep(Duration::from_millis(random.into())).await;
            if let Some(status) = child.try_wait().unwrap() {
                assert!(status.success(), "a rebuild has failed");
                ended += 1;
            } else {
                child.kill().unwrap();
                child.wait().unwrap();
                kills += 1;
            }
        }
        let mut last = self.rebuild();
        let status = tokio::task::block_in_place(|| last.wait()).unwrap();
        assert!(status.success(), "the last rebuild has failed");
        println!("{kills} kills, {} ended, in {:.0} s", ended + 1, began.elapsed().as_secs_f64());
    }

    /// The digests of the living rows, as they are printed.
    fn digests(&self) -> String {
        let listed = self.command(&["projections", "list", "--digests", "--json"]).output().unwrap();
        assert!(listed.status.success(), "{listed:?}");
        let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
        // Only of those that are read.
        let of =
            |row: &serde_json::Value| Some(format!("{} {}", row["name"].as_str()?, row["digest"].as_str()?));
        listed.as_array().unwrap().iter().filter_map(of).collect::<Vec<_>>().join("\n")
    }
}

/// How long reads and commands took, sorted.
struct Times {
    reads: Vec<Duration>,
    commands: Vec<Duration>,
}

impl Times {
    fn read_at(&self, share: usize) -> f64 {
        at(&self.reads, share)
    }

    fn print(&self, what: &str) {
        let (reads, read_at) = (self.reads.len(), |share| self.read_at(share));
        let (p50, p99, max, commands) = (read_at(50), read_at(99), read_at(100), at(&self.commands, 99));
        println!("{what:>24} {reads:>9} {p50:>9.2} {p99:>9.2} {max:>9.2} {commands:>9.2}");
    }
}

fn at(times: &[Duration], share: usize) -> f64 {
    times[(times.len() - 1) * share / 100].as_secs_f64() * 1000.0
}

/// Asks at the rates until `done`.
async fn measure(setting: &Arc<Setting>, address: SocketAddr, done: impl Future<Output = ()>) -> Times {
    let stop = Arc::new(AtomicBool::new(false));
    let start = |is_read: bool| {
        let client = |number: u32| {
            let (setting, stop) = (Arc::clone(setting), Arc::clone(&stop));
            tokio::spawn(client(setting, address, number as usize, is_read, stop))
        };
        (0..CONNECTIONS).map(client).collect::<Vec<_>>()
    };
    let (reading, commanding) = (start(true), start(false));
    done.await;
    stop.store(true, Ordering::Relaxed);
    let mut all = [vec![], vec![]];
    for (times, tasks) in all.iter_mut().zip([reading, commanding]) {
        for task in tasks {
            times.extend(task.await.unwrap());
        }
        times.sort_unstable();
    }
    let [reads, commands] = all;
    Times { reads, commands }
}

/// One of those who ask: each time when it is due, and at once when that has passed.
async fn client(
    setting: Arc<Setting>,
    address: SocketAddr,
    member: usize,
    is_read: bool,
    stop: Arc<AtomicBool>,
) -> Vec<Duration> {
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut sender, connection) = http1::handshake::<_, Body>(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let path = format!("/api/0/organizations/bench/members/{}/", setting.members[member]);
    let mut times = vec![];
    let mut due = interval(Duration::from_secs(1) * CONNECTIONS / RATE);
    due.set_missed_tick_behavior(MissedTickBehavior::Burst);
    while !stop.load(Ordering::Relaxed) {
        let since = due.tick().await;
        if is_read {
            ask(&mut sender, Method::GET, &path, None).await;
        } else {
            let (role, number) = setting.next_role(member);
            ask(&mut sender, Method::PUT, &path, Some((role, number))).await;
        }
        times.push(since.elapsed());
    }
    times
}

async fn ask(sender: &mut SendRequest<Body>, method: Method, path: &str, role: Option<(&str, u64)>) {
    let request = Request::builder().method(method).uri(path).header("host", "bench");
    let mut request = request.header("authorization", format!("Bearer {TOKEN}"));
    let mut body = Body::empty();
    if let Some((role, number)) = role {
        request = request.header("content-type", "application/json");
        request = request.header("idempotency-key", format!("bench-{number}"));
        body = Body::from(format!("{{\"orgRole\":\"{role}\"}}"));
    }
    sender.ready().await.unwrap();
    let response = sender.send_request(request.body(body).unwrap()).await.unwrap();
    let status = response.status();
    let body: Bytes = axum::body::to_bytes(Body::new(response.into_body()), 1 << 20).await.unwrap();
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
}
