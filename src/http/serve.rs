//! The server: accepts connections, keeps the read models up to date, and stops without losing what it accepted.

use std::{io, net::SocketAddr, num::NonZeroU32, sync::Arc, time::Duration};

use axum::{extract::ConnectInfo, http::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use thiserror::Error;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tower::Service;

use super::{
    app::{App, Limits, ServeOptions},
    router::{Server, router},
};
use crate::{deployment::Deployment, email::Sender, policies::Policies};

/// How long a client may take to send the head of a request.
const HEAD_TIME: Duration = Duration::from_secs(10);

/// How long a client may leave what is sent to him unread.
const WRITE_TIME: Duration = Duration::from_secs(30);

/// How long accepting rests after an error, such as no file descriptor being left.
const ACCEPT_REST: Duration = Duration::from_millis(50);

/// How many events a second are read by a comparison of the read models with the log that nobody waits for.
const VERIFY_RATE: Option<NonZeroU32> = NonZeroU32::new(5_000);

/// Why a server ended other than by being told to.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The socket cannot be used.
    #[error("the server's socket cannot be used: {0}")]
    Socket(#[from] io::Error),
    /// What does what follows from events cannot begin, or ended.
    #[error("what follows from events is not done any more: {0}")]
    Policies(String),
    /// Letters cannot be sent as they are to be.
    #[error("e-mail cannot be sent: {0}")]
    Mail(String),
    /// What keeps the read models up to date ended.
    #[error("the read models are no longer kept up to date: {0}")]
    ReadModels(String),
}

/// Serves until `shutdown`; then takes no new connections, finishes what it has accepted, and returns.
pub async fn serve(
    deployment: &Deployment,
    listener: TcpListener,
    options: ServeOptions,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let limits = options.limits;
    let streams = CancellationToken::new();
    let runner = deployment.runner();
    let mut policies =
        Policies::new(Arc::clone(&deployment.ledger), runner.read_models(), Arc::clone(&deployment.blobs));
    let mail = options.mail.clone();
    if mail.is_some() {
        policies = policies.with_letters();
    }
    let sender = mail.map(|mail| Sender::new(Arc::clone(&deployment.ledger), runner.read_models(), mail));
    let sender = sender.transpose().map_err(|error| ServeError::Mail(error.to_string()))?;
    policies.begin().await.map_err(|error| ServeError::Policies(error.to_string()))?;
    // The read models go on until the last request has been answered.
    let following = CancellationToken::new();
    let verify_every = options.verify_every;
    let app = App::new(
        Arc::clone(&deployment.ledger),
        runner.read_models(),
        (policies.status(), sender.as_ref().map(Sender::status)),
        Arc::clone(&deployment.blobs),
        options,
        streams.clone(),
    );
    if let Some(every) = verify_every {
        let verifier = deployment.verifier().at_most(VERIFY_RATE);
        tokio::spawn(verifier.run_every(every, muster_projections::all(), following.clone()));
    }
    let mut runner = tokio::spawn(runner.run(following.clone()));
    let acting = CancellationToken::new();
    let mut policies = tokio::spawn(policies.run(acting.clone()));
    let mut sender = tokio::spawn(send(sender, acting.clone()));
    let upkeep = tokio::spawn(Arc::clone(deployment.ledger.store()).upkeep(acting.clone()));
    let (server, connections) = (router(app), GracefulShutdown::new());
    tokio::select! {
        () = accept(&listener, &server, limits, &shutdown, &connections) => {}
        ended = &mut runner => {
            let why = ended.map_or_else(|error| error.to_string(), |()| "they stopped by themselves".into());
            return Err(ServeError::ReadModels(why));
        }
        ended = &mut policies => {
            let why = ended.map_or_else(|error| error.to_string(), |()| "they stopped by themselves".into());
            return Err(ServeError::Policies(why));
        }
        ended = &mut sender => {
            let why = ended.map_or_else(|error| error.to_string(), |()| "the sender stopped by itself".into());
            return Err(ServeError::Mail(why));
        }
    }
    drop(listener);
    streams.cancel();
    if tokio::time::timeout(limits.shutdown, connections.shutdown()).await.is_err() {
        tracing::warn!(
            seconds = limits.shutdown.as_secs(),
            "some requests did not finish in time and were cut off"
        );
    }
    // They wait for the read models, and so end before them.
    acting.cancel();
    policies.await.map_err(|error| ServeError::Policies(error.to_string()))?;
    if let Ok(ended) = tokio::time::timeout(limits.shutdown, &mut sender).await {
        ended.map_err(|error| ServeError::Mail(error.to_string()))?;
    } else {
        tracing::warn!("letters that were being handed over were cut off; some may be sent twice");
        sender.abort();
    }
    let_go(upkeep, limits).await;
    following.cancel();
    runner.await.map_err(|error| ServeError::ReadModels(error.to_string()))?;
    Ok(())
}

async fn let_go(upkeep: JoinHandle<()>, limits: Limits) {
    if tokio::time::timeout(limits.shutdown, upkeep).await.is_err() {
        tracing::warn!("the store did not let go in time; another process does its work after a moment");
    }
}

/// Sends letters until `stop`, where this process sends any.
async fn send(sender: Option<Sender>, stop: CancellationToken) {
    match sender {
        Some(sender) => sender.run(stop).await,
        None => stop.cancelled().await,
    }
}

async fn accept(
    listener: &TcpListener,
    server: &Server,
    limits: Limits,
    shutdown: &CancellationToken,
    connections: &GracefulShutdown,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => return,
        };
        match accepted {
            Ok((stream, peer)) => connect(stream, peer, server.clone(), limits, connections),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_REST).await;
            }
        }
    }
}

fn connect(
    stream: TcpStream,
    peer: SocketAddr,
    server: Server,
    limits: Limits,
    connections: &GracefulShutdown,
) {
    // Answers are written whole: waiting for more to send only delays them.
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIME));
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let mut server = server.clone();
        server.call(request.map(axum::body::Body::new))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(limits.head)
        .serve_connection(TokioIo::new(Box::pin(stream)), service);
    let watched = connections.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = watched.await {
            tracing::debug!(%error, "a connection ended with an error");
        }
    });
}
