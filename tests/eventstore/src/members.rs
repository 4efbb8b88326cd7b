//! The nodes of a cluster as gossip shows them. A single server is a cluster of one.

use std::{
    net::SocketAddr,
    sync::{Mutex, MutexGuard},
};

#[derive(Debug)]
pub(crate) struct Members {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    nodes: Vec<Member>,
    leader: usize,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Member {
    pub(crate) address: SocketAddr,
    pub(crate) up: bool,
}

impl Members {
    /// The first one leads.
    pub(crate) fn new(addresses: impl IntoIterator<Item = SocketAddr>) -> Self {
        let nodes = addresses.into_iter().map(|address| Member { address, up: true }).collect();
        Self { inner: Mutex::new(Inner { nodes, leader: 0 }) }
    }

    pub(crate) fn all(&self) -> Vec<Member> {
        self.inner().nodes.clone()
    }

    pub(crate) fn leader(&self) -> usize {
        self.inner().leader
    }

    pub(crate) fn lead(&self, node: usize) {
        let mut inner = self.inner();
        assert!(node < inner.nodes.len(), "there is no node {node}");
        inner.leader = node;
    }

    pub(crate) fn set_up(&self, node: usize, up: bool) {
        self.inner().nodes[node].up = up;
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("nobody panics while he holds the members but for a node that is not there")
    }
}
