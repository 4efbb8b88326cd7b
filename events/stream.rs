//! Where an event stands: its stream, its sequence there, and its position in the whole log.

use std::fmt;

use compact_str::{CompactString, ToCompactString};
use serde::{Deserialize, Serialize};

use crate::{
    id::{MemberId, OrganizationId, TeamId, TokenId, UserId},
    letter::LetterId,
};

/// All events of one aggregate, in order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StreamId {
    /// Which kind of aggregate: one of the `TYPE` constants of this crate, or a foreign writer's own.
    pub aggregate_type: CompactString,
    /// Which one of that kind.
    pub aggregate_id: CompactString,
}

impl StreamId {
    /// The stream of aggregate `aggregate_id` of type `aggregate_type`.
    pub fn new(aggregate_type: &str, aggregate_id: &str) -> Self {
        Self { aggregate_type: aggregate_type.into(), aggregate_id: aggregate_id.into() }
    }

    /// The whole log, to be named among the `reads` of an append only: its sequence is the head position.
    pub fn whole_log() -> Self {
        Self::new("$all", "")
    }

    /// The one stream of role definitions of a deployment.
    pub fn roles() -> Self {
        Self::new(crate::definitions::TYPE, "deployment")
    }
}

macro_rules! stream_of {
    ($($id:ty => $aggregate_type:path),* $(,)?) => {$(
        impl From<$id> for StreamId {
            fn from(id: $id) -> Self {
                Self { aggregate_type: CompactString::const_new($aggregate_type), aggregate_id: id.to_compact_string() }
            }
        }
    )*};
}

stream_of! {
    OrganizationId => crate::organization::TYPE,
    TeamId => crate::team::TYPE,
    MemberId => crate::member::TYPE,
    UserId => crate::user::TYPE,
    TokenId => crate::token::TYPE,
    LetterId => crate::letter::TYPE,
}

impl fmt::Display for StreamId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.aggregate_type, self.aggregate_id)
    }
}

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl $name {
            /// Before the first.
            pub const ZERO: Self = Self(0);

            /// The one after this.
            pub fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(out)
            }
        }
    )*};
}

counters! {
    /// Index of an event in its own stream, from 1; 0 is a stream without events.
    Sequence
    /// Index of an event in the whole log, from 1; 0 is an empty log.
    Position
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
