//! PUTs per second over HTTP with keep-alive, read models running, server and clients on the same cores.
//!
//!     cargo bench --bench http                                        # on SQLite
//!     tests/with-postgres cargo bench --bench http -- --postgres      # on Postgres, against pgbench at 64 clients

mod setting;

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use muster::{
    clock::stopwatch,
    http::{ServeOptions, serve},
};
use setting::{MEMBERS, Setting, TOKEN, postgres::Server};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

const CONNECTIONS: [usize; 2] = [1, 8];
/// As many connections as the reference has clients.
const AS_REFERENCE: usize = 64;
/// How often the two are measured, by turns: a machine that others share is not always as fast.
const ROUNDS: usize = 5;
const TIME: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() {
    let directory = setting::directory();
    let on_postgres = std::env::args().any(|argument| argument == "--postgres");
    let server = if on_postgres { Some(Server::new(directory.path()).await) } else { None };
    let setting = Setting::on(server.as_ref().map(Server::database)).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let serving = tokio::spawn({
        let (setting, shutdown) = (Arc::clone(&setting), shutdown.clone());
        async move { serve(&setting.deployment, listener, ServeOptions::default(), shutdown).await.unwrap() }
    });
    let store = if on_postgres { "Postgres" } else { "SQLite" };
    println!("PUTs of a role over HTTP, each with an Idempotency-Key, {store}; {} s each.", TIME.as_secs());
    println!("{:>12} {:>10} {:>10} {:>10} {:>10}", "connections", "per second", "p50 ms", "p99 ms", "max ms");
    for connections in CONNECTIONS {
        measure(&setting, address, connections).await;
    }
    let Some(server) = &server else {
        measure(&setting, address, AS_REFERENCE).await;
        return stop(shutdown, serving).await;
    };
    let mut ratios = vec![];
    for _ in 0..ROUNDS {
        let pgbench = || server.pgbench(AS_REFERENCE, TIME.as_secs());
        let reference = tokio::task::block_in_place(pgbench);
        let rate = measure(&setting, address, AS_REFERENCE).await;
        println!("{:>12} {reference:>10.0}   {:.2}x", "pgbench", rate / reference);
        ratios.push(rate / reference);
    }
    ratios.sort_by(f64::total_cmp);
    println!("median of {ROUNDS}: {:.2}x of pgbench at {AS_REFERENCE} clients", ratios[ROUNDS / 2]);
    stop(shutdown, serving).await;
}

async fn stop(shutdown: CancellationToken, serving: JoinHandle<()>) {
    shutdown.cancel();
    serving.await.unwrap();
}

/// PUTs a second.
async fn measure(setting: &Arc<Setting>, address: SocketAddr, connections: usize) -> f64 {
    let stop = Arc::new(AtomicBool::new(false));
    let began = stopwatch();
    let tasks: Vec<_> = (0..connections)
        .map(|number| tokio::spawn(client(Arc::clone(setting), address, number % MEMBERS, Arc::clone(&stop))))
        .collect();
    tokio::time::sleep(TIME).await;
    stop.store(true, Ordering::Relaxed);
    let mut times = vec![];
    for task in tasks {
        times.extend(task.await.unwrap());
    }
    let took = began.elapsed();
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 100].as_secs_f64() * 1000.0;
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = times.len() as f64 / took.as_secs_f64();
    println!("{connections:>12} {rate:>10.0} {:>10.2} {:>10.2} {:>10.2}", at(50), at(99), at(100));
    rate
}

/// Sends one request after the other. As much of HTTP as that takes and no more, because it works on the server's cores:
/// the reference has a lean client, too.
async fn client(
    setting: Arc<Setting>,
    address: SocketAddr,
    member: usize,
    stop: Arc<AtomicBool>,
) -> Vec<Duration> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let path = format!("/api/0/organizations/bench/members/{}/", setting.members[member]);
    let (mut times, mut answer) = (vec![], Vec::with_capacity(64 * 1024));
    while !stop.load(Ordering::Relaxed) {
        let (role, number) = setting.next_role(member);
        let body = format!("{{\"orgRole\":\"{role}\"}}");
        let request = format!(
            "PUT {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {TOKEN}\r\ncontent-type: application/json\r\n\
             idempotency-key: bench-{number}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let began = stopwatch();
        stream.write_all(request.as_bytes()).await.unwrap();
        answer.clear();
        while !is_whole(&answer) {
            assert!(stream.read_buf(&mut answer).await.unwrap() > 0, "the server has hung up");
        }
        times.push(began.elapsed());
        assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&answer));
    }
    times
}

/// Whether the head of the answer is there, and as many bytes behind it as it says.
fn is_whole(answer: &[u8]) -> bool {
    const LENGTH: &str = "content-length: ";
    let Some(end) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { return false };
    let head = std::str::from_utf8(&answer[..end]).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix(LENGTH)).expect("a length");
    answer.len() == end + 4 + length.parse::<usize>().unwrap()
}
