//! The names of the streams. All begin with one prefix, so that a filter finds them, and a server may hold other things.

use muster_events::stream::StreamId;

/// What each append did, one record for each: the log. What is accepted here has happened.
pub(super) const COMMITS: &str = "muster.commits";
/// What holds for the whole deployment.
pub(super) const DEPLOYMENT: &str = "muster.deployment";

/// The type of a record of [`COMMITS`].
pub(super) const COMMIT: &str = "MusterCommit";
/// The type of an event of [`DEPLOYMENT`].
pub(super) const DEPLOYMENT_NOTED: &str = "MusterDeployment";
/// The type of an event of [`of_subscriber`].
pub(super) const SUBSCRIBER_NOTED: &str = "MusterSubscriber";

/// How far a subscriber has come, and who works.
pub(super) fn of_subscriber(name: &str) -> String {
    format!("muster.subscriber-{name}")
}

/// The events of one aggregate, for other programs to read: revision 0 has sequence 1. Its category, as the server's own
/// projections see it, is `muster.` and the kind of aggregate.
pub(super) fn of_aggregate(stream: &StreamId) -> String {
    format!("muster.{}-{}", stream.aggregate_type, stream.aggregate_id)
}
