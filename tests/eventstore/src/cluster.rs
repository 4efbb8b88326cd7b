//! Three nodes over one log, of which one leads.

use std::{net::SocketAddr, sync::Arc};

use crate::{
    log::Log,
    members::Members,
    server::{Double, Setup, reserve},
};

const NODES: usize = 3;

/// A cluster whose nodes never lag behind each other: what one has written, all have.
#[derive(Debug)]
pub struct Cluster {
    nodes: Vec<Double>,
    members: Arc<Members>,
}

impl Cluster {
    /// Three nodes with an empty log; node 0 leads.
    pub async fn start() -> Self {
        Self::start_on(Log::new()).await
    }

    /// Three nodes that go on with `log`; node 0 leads.
    pub async fn start_on(log: Log) -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let sockets: Vec<_> = (0..NODES).map(|_| reserve(any).expect("there are free ports")).collect();
        let address =
            |socket: &tokio::net::TcpSocket| socket.local_addr().expect("a bound socket has an address");
        let members = Arc::new(Members::new(sockets.iter().map(address)));
        let mut nodes = Vec::new();
        for (seat, socket) in sockets.into_iter().enumerate() {
            let setup = Setup::new().on(log.clone());
            nodes.push(setup.start_at(socket, Arc::clone(&members), seat).await);
        }
        Self { nodes, members }
    }

    /// By which the official clients find the node that leads.
    pub fn url(&self) -> String {
        let addresses: Vec<_> = self.nodes.iter().map(|node| node.address().to_string()).collect();
        format!("esdb://{}?tls=false", addresses.join(","))
    }

    /// One of the nodes, from 0: it has faults of its own, and can be down alone.
    pub fn node(&self, node: usize) -> &Double {
        &self.nodes[node]
    }

    /// Which node leads.
    pub fn leader(&self) -> usize {
        self.members.leader()
    }

    /// What all nodes have.
    pub fn log(&self) -> &Log {
        self.nodes[0].log()
    }

    /// Makes a node the leader. Every connection to every node is dropped, as in an election.
    pub fn lead(&self, node: usize) {
        self.members.lead(node);
        for node in &self.nodes {
            node.faults().drop_connections();
        }
    }

    /// Ends all nodes.
    pub async fn stop(self) {
        for node in self.nodes {
            node.stop().await;
        }
    }
}
