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

use axum::body::{Body, Bytes};
use hyper::{Method, Request, client::conn::http1};
use hyper_util::rt::TokioIo;
use muster::{
    clock::stopwatch,
    http::{ServeOptions, serve},
};
use setting::{MEMBERS, Setting, TOKEN, postgres::Server};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

const CONNECTIONS: [usize; 3] = [1, 8, 64];
const TIME: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() {
    let directory = setting::directory();
    let on_postgres = std::env::args().any(|argument| argument == "--postgres");
    let server = if on_postgres { Some(Server::new(directory.path()).await) } else { None };
    let reference = server.as_ref().map(|server| tokio::task::block_in_place(|| server.pgbench(64, 5)));
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
    if let Some(reference) = reference {
        println!("pgbench with 64 clients: {reference:.0} transactions a second.");
    }
    println!("{:>12} {:>10} {:>10} {:>10} {:>10}", "connections", "per second", "p50 ms", "p99 ms", "max ms");
    for connections in CONNECTIONS {
        measure(&setting, address, connections).await;
    }
    shutdown.cancel();
    serving.await.unwrap();
}

async fn measure(setting: &Arc<Setting>, address: SocketAddr, connections: usize) {
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
}

async fn client(
    setting: Arc<Setting>,
    address: SocketAddr,
    member: usize,
    stop: Arc<AtomicBool>,
) -> Vec<Duration> {
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut sender, connection) = http1::handshake::<_, Body>(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let path = format!("/api/0/organizations/bench/members/{}/", setting.members[member]);
    let mut times = vec![];
    while !stop.load(Ordering::Relaxed) {
        let (role, number) = setting.next_role(member);
        let request = Request::builder()
            .method(Method::PUT)
            .uri(&path)
            .header("host", "bench")
            .header("authorization", format!("Bearer {TOKEN}"))
            .header("content-type", "application/json")
            .header("idempotency-key", format!("bench-{number}"))
            .body(Body::from(format!("{{\"orgRole\":\"{role}\"}}")))
            .unwrap();
        let began = stopwatch();
        sender.ready().await.unwrap();
        let response = sender.send_request(request).await.unwrap();
        let status = response.status();
        let body: Bytes = axum::body::to_bytes(Body::new(response.into_body()), 1 << 20).await.unwrap();
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
        times.push(began.elapsed());
    }
    times
}
