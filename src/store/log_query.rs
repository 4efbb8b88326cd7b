//! What people ask of the log.

use muster_events::{
    id::{OrganizationId, UserId},
    recorded::ActorKind,
    stream::{Position, StreamId},
    time::Timestamp,
};

/// Which direction a query reads in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// Oldest first.
    #[default]
    Ascending,
    /// Newest first.
    Descending,
}

/// Which events people want to see. Conditions are joined by "and".
#[derive(Debug, Clone, Default)]
pub struct LogQuery {
    /// Of this organization only.
    pub organization: Option<OrganizationId>,
    /// Of this stream only.
    pub stream: Option<StreamId>,
    /// Of one of these streams; empty for all.
    pub streams: Vec<StreamId>,
    /// Of one of these stored types; empty for all.
    pub types: Vec<String>,
    /// By an actor of this kind.
    pub actor_kind: Option<ActorKind>,
    /// By the actor of this id.
    pub actor_id: Option<String>,
    /// By this person, or by a policy on his behalf.
    pub person: Option<UserId>,
    /// Recorded at this time or later.
    pub from: Option<Timestamp>,
    /// Recorded at this time or earlier.
    pub to: Option<Timestamp>,
    /// Beyond this position in the direction of reading.
    pub after: Option<Position>,
    /// Not beyond this position of the log, whatever the direction.
    pub up_to: Option<Position>,
    /// At most this many.
    pub limit: usize,
    /// The direction of reading.
    pub order: Order,
}

/// What the metadata of an event says when a policy acted on behalf of `person`, as text: the field is looked for there,
/// because a foreign writer's metadata may be no JSON that a database reads.
pub(super) fn on_behalf_of(person: UserId) -> String {
    format!("\"on_behalf_of\":{{\"kind\":\"user\",\"id\":\"{person}\"")
}
