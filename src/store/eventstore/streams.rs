//! The names of the streams. All begin with one prefix, so that a filter finds them, and a server may hold other things and
//! other ledgers.

use muster_events::stream::StreamId;

/// The type of a record of [`Streams::commits`].
pub(super) const COMMIT: &str = "MusterCommit";
/// The type of an event of [`Streams::deployment`].
pub(super) const DEPLOYMENT_NOTED: &str = "MusterDeployment";
/// The type of an event of [`Streams::of_subscriber`].
pub(super) const SUBSCRIBER_NOTED: &str = "MusterSubscriber";

/// The names of one ledger's streams.
#[derive(Debug)]
pub(super) struct Streams {
    prefix: String,
    /// What each append did, one record for each: the log. What is accepted here has happened.
    pub(super) commits: String,
    /// What holds for the whole deployment.
    pub(super) deployment: String,
}

impl Streams {
    /// Those that begin with `prefix` and a point.
    pub(super) fn with_prefix(prefix: &str) -> Self {
        let (commits, deployment) = (format!("{prefix}.commits"), format!("{prefix}.deployment"));
        Self { prefix: prefix.to_owned(), commits, deployment }
    }

    /// How far a subscriber has come, and who works.
    pub(super) fn of_subscriber(&self, name: &str) -> String {
        format!("{}.subscriber-{name}", self.prefix)
    }

    /// The events of one aggregate, for other programs to read: revision 0 has sequence 1. Its category, as the server's
    /// own projections see it, is the prefix and the kind of aggregate.
    pub(super) fn of_aggregate(&self, stream: &StreamId) -> String {
        format!("{}.{}-{}", self.prefix, stream.aggregate_type, stream.aggregate_id)
    }
}
