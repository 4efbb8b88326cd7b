//! A way to a server that breaks as ways do: it loses an answer, or says nothing any more and does not hang up.

use std::sync::{
    Arc,
    atomic::{AtomicU32, AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::JoinSet,
};

/// Passes everything on until it is told otherwise.
pub(crate) struct Relay {
    port: u16,
    how: Arc<How>,
    _running: JoinSet<()>,
}

/// What happens to what goes over it.
#[derive(Default)]
struct How {
    /// Connections that are still turned away; as long as there are some, answers on the others are lost.
    refused: AtomicU32,
    /// Connections of this number and below are silent.
    silent: AtomicUsize,
    /// How many there were.
    connections: AtomicUsize,
}

impl Relay {
    /// A way to the server at `address`: a host and a port.
    pub(crate) async fn to(address: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, how) = (listener.local_addr().unwrap().port(), Arc::<How>::default());
        let mut running = JoinSet::new();
        running.spawn(accept(listener, address, Arc::clone(&how)));
        Self { port, how, _running: running }
    }

    /// Where it is entered.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// From now on the server's next answer on each connection is lost, and the connection with it; then that many
    /// connections are turned away before it is a way again.
    pub(crate) fn lose_answers(&self, refused: u32) {
        self.how.refused.store(refused, Ordering::SeqCst);
    }

    /// The connections that there are say nothing any more, for ever, and stay; new ones are not concerned.
    pub(crate) fn silence(&self) {
        self.how.silent.store(self.how.connections.load(Ordering::SeqCst), Ordering::SeqCst);
    }
}

async fn accept(listener: TcpListener, address: String, how: Arc<How>) {
    let mut connections = JoinSet::new();
    loop {
        let (client, _) = listener.accept().await.unwrap();
        let refuses = |left: u32| left.checked_sub(1);
        if how.refused.fetch_update(Ordering::SeqCst, Ordering::SeqCst, refuses).is_ok() {
            continue;
        }
        let number = how.connections.fetch_add(1, Ordering::SeqCst) + 1;
        let (address, how) = (address.clone(), Arc::clone(&how));
        connections.spawn(async move {
            let server = TcpStream::connect(address).await.unwrap();
            let ((from_client, to_client), (from_server, to_server)) =
                (client.into_split(), server.into_split());
            tokio::select! {
                () = pass_on(from_client, to_server, &how, number, false) => {}
                () = pass_on(from_server, to_client, &how, number, true) => {}
            }
        });
    }
}

/// Until one side ends it.
async fn pass_on(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, how: &How, number: usize, answers: bool) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut bytes).await {
        if how.silent.load(Ordering::SeqCst) >= number {
            std::future::pending::<()>().await;
        }
        let is_lost = answers && how.refused.load(Ordering::SeqCst) > 0;
        if is_lost || to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}
