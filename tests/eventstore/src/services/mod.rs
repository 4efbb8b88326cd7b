//! The services of the protocol, as far as a client that keeps a log needs them.
#![expect(clippy::result_large_err, reason = "refusals are as large as the framework makes them")]

mod access;
mod append;
mod batch;
mod batch_answers;
mod carry_out;
mod convert;
mod delete;
mod features;
mod filter;
mod gossip;
mod read;
mod refusals;
mod streams;
mod subscription;

use std::sync::Arc;

use tonic::transport::server::{Router, Server};

use crate::protocol::event_store::client::{
    gossip::gossip_server::GossipServer, server_features::server_features_server::ServerFeaturesServer,
    streams::streams_server::StreamsServer,
};
use crate::{faults::Faults, log::Log, members::Members};

/// The largest message that the real server takes.
const MAX_MESSAGE: usize = 17 * 1024 * 1024;

/// One node, as its services see it.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) log: Log,
    pub(crate) faults: Faults,
    /// Who may read and write, when not everyone may.
    pub(crate) credentials: Option<Credentials>,
    pub(crate) members: Arc<Members>,
    /// Which of the members it is.
    pub(crate) seat: usize,
}

/// A user name and its password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) user: String,
    pub(crate) password: String,
}

/// All services of a node.
pub(crate) fn router(node: &Node) -> Router {
    let streams = StreamsServer::new(node.clone()).max_decoding_message_size(MAX_MESSAGE);
    Server::builder()
        .add_service(streams)
        .add_service(GossipServer::new(node.clone()))
        .add_service(ServerFeaturesServer::new(node.clone()))
}
