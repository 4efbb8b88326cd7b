//! A server: its port, its connections, and when it is down.

use std::{io, net::SocketAddr, sync::Arc};

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{Mutex, mpsc},
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

use crate::{
    connection::{Connection, Stream},
    faults::Faults,
    log::Log,
    members::Members,
    services::{Credentials, Node, router},
};

/// Connections that are accepted and not served yet.
const BACKLOG: u32 = 128;

/// How a server is to be, for those who want more than [`Double::start`].
#[derive(Debug, Clone, Default)]
pub struct Setup {
    log: Log,
    listen: Option<SocketAddr>,
    credentials: Option<Credentials>,
    tls: Option<Arc<ServerConfig>>,
}

impl Setup {
    /// An empty log, a free port of 127.0.0.1, open to everyone.
    pub fn new() -> Self {
        Self::default()
    }

    /// On this log.
    pub fn on(mut self, log: Log) -> Self {
        self.log = log;
        self
    }

    /// At this address.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = Some(address);
        self
    }

    /// Only for this user. Gossip and the supported methods stay open to everyone, as they are on a real server.
    pub fn require(mut self, user: &str, password: &str) -> Self {
        self.credentials = Some(Credentials { user: user.into(), password: password.into() });
        self
    }

    /// By TLS, with a certificate and its key in PEM.
    ///
    /// The provider of the ciphers is named here, so that it does not matter which one the process has installed.
    pub fn tls(mut self, certificate: &str, key: &str) -> Self {
        let chain = CertificateDer::pem_slice_iter(certificate.as_bytes());
        let chain = chain.collect::<Result<Vec<_>, _>>().expect("the certificate is PEM");
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("the key is PEM");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring knows every version of TLS that is safe")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("the key is that of the certificate");
        config.alpn_protocols = vec![b"h2".to_vec()];
        self.tls = Some(Arc::new(config));
        self
    }

    /// Starts it.
    pub async fn start(self) -> Double {
        let socket = reserve(self.address()).expect("the address is free");
        let address = socket.local_addr().expect("a bound socket has an address");
        self.start_at(socket, Arc::new(Members::new([address])), 0).await
    }

    fn address(&self) -> SocketAddr {
        self.listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    pub(crate) async fn start_at(self, socket: TcpSocket, members: Arc<Members>, seat: usize) -> Double {
        let node =
            Node { log: self.log, faults: Faults::default(), credentials: self.credentials, members, seat };
        let address = socket.local_addr().expect("a bound socket has an address");
        let double = Double { node, address, tls: self.tls, state: Mutex::new(State::Down(socket)) };
        double.up().await;
        double
    }
}

/// A running server. Ends when it is dropped; [`Double::stop`] also waits for that.
#[derive(Debug)]
pub struct Double {
    node: Node,
    address: SocketAddr,
    tls: Option<Arc<ServerConfig>>,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    Up {
        stop: CancellationToken,
        served: JoinHandle<()>,
    },
    /// The port is kept, so that nothing else takes it; whoever connects is refused.
    Down(TcpSocket),
    /// For the moment of a change, and when the port is lost.
    Over,
}

impl Double {
    /// A server with an empty log.
    pub async fn start() -> Self {
        Setup::new().start().await
    }

    /// A server that goes on with `log`.
    pub async fn start_on(log: Log) -> Self {
        Setup::new().on(log).start().await
    }

    /// By which the official clients reach it.
    pub fn url(&self) -> String {
        format!("esdb://{}?tls={}", self.address, self.tls.is_some())
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it keeps.
    pub fn log(&self) -> &Log {
        &self.node.log
    }

    /// What can go wrong with it.
    pub fn faults(&self) -> &Faults {
        &self.node.faults
    }

    /// Drops every connection and refuses new ones, until [`Double::up`].
    pub async fn down(&self) {
        let mut state = self.state.lock().await;
        let State::Up { stop, served } = std::mem::replace(&mut *state, State::Over) else {
            panic!("the server is down already");
        };
        self.node.members.set_up(self.node.seat, false);
        stop.cancel();
        self.node.faults.drop_connections();
        // One that panicked has said so, and is down as well.
        let _ = served.await;
        *state = State::Down(reserve(self.address).expect("the port that was just used is free"));
    }

    /// Accepts connections again, at the same address.
    pub async fn up(&self) {
        let mut state = self.state.lock().await;
        let State::Down(socket) = std::mem::replace(&mut *state, State::Over) else {
            panic!("the server is up already");
        };
        let listener = socket.listen(BACKLOG).expect("a bound socket can listen");
        let stop = CancellationToken::new();
        let served = serve(listener, self.node.clone(), self.tls.clone(), stop.clone());
        self.node.members.set_up(self.node.seat, true);
        *state = State::Up { stop, served: tokio::spawn(served) };
    }

    /// Ends it; the log stays with whoever has a clone.
    pub async fn stop(self) {
        if matches!(*self.state.lock().await, State::Up { .. }) {
            self.down().await;
        }
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        if let State::Up { stop, .. } = self.state.get_mut() {
            stop.cancel();
            self.node.faults.drop_connections();
        }
    }
}

/// Takes a port without listening there.
pub(crate) fn reserve(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Connections of before may linger.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

async fn serve(listener: TcpListener, node: Node, tls: Option<Arc<ServerConfig>>, stop: CancellationToken) {
    let (connections, incoming) = mpsc::channel::<io::Result<Connection>>(1);
    let accepting = accept(listener, node.faults.clone(), tls.map(TlsAcceptor::from), connections);
    let incoming = ReceiverStream::new(incoming);
    let serving = router(&node).serve_with_incoming_shutdown(incoming, stop.cancelled());
    // Nobody listens any more when both are over. What goes wrong with one connection is no error of the serving, and
    // the incoming ones do not fail.
    let _ = tokio::join!(stop.run_until_cancelled(accepting), serving);
}

async fn accept(
    listener: TcpListener,
    faults: Faults,
    tls: Option<TlsAcceptor>,
    connections: mpsc::Sender<io::Result<Connection>>,
) {
    loop {
        // A client that is gone before it was accepted is no reason to end.
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (tls, connections) = (tls.clone(), connections.clone());
        let dropped = faults.connections().token();
        tokio::spawn(async move {
            if let Some(stream) = open(stream, tls).await {
                // The server may have stopped in the meantime.
                let _ = connections.send(Ok(Connection::new(stream, dropped))).await;
            }
        });
    }
}

/// None when the client does not accept the certificate.
async fn open(stream: TcpStream, tls: Option<TlsAcceptor>) -> Option<Stream> {
    // The client waits for every answer.
    stream.set_nodelay(true).ok()?;
    match tls {
        None => Some(Stream::Plain(stream)),
        Some(tls) => tls.accept(stream).await.ok().map(|stream| Stream::Encrypted(Box::new(stream))),
    }
}
