//! What the server can do, and which version it says to be.

use tonic::{Request, Response, Status};

use super::Node;
use crate::protocol::event_store::client::server_features::{
    SupportedMethod, SupportedMethods, server_features_server::ServerFeatures,
};

/// The version whose behaviour is doubled.
const VERSION: &str = "24.10.6";

const STREAMS: &str = "event_store.client.streams.streams";
const METHODS: &[(&str, &str, &[&str])] = &[
    (STREAMS, "read", &["position", "events"]),
    (STREAMS, "append", &[]),
    (STREAMS, "delete", &[]),
    (STREAMS, "tombstone", &[]),
    (STREAMS, "batchappend", &["deadline_duration"]),
    ("event_store.client.gossip.gossip", "read", &[]),
    ("event_store.client.server_features.serverfeatures", "getsupportedmethods", &[]),
];

#[tonic::async_trait]
impl ServerFeatures for Node {
    async fn get_supported_methods(&self, _: Request<()>) -> Result<Response<SupportedMethods>, Status> {
        let methods = METHODS.iter().map(|(service, method, features)| SupportedMethod {
            method_name: (*method).into(),
            service_name: (*service).into(),
            features: features.iter().map(|feature| (*feature).into()).collect(),
        });
        let methods = methods.collect();
        Ok(Response::new(SupportedMethods { methods, event_store_server_version: VERSION.into() }))
    }
}
