//! What every aggregate is: a state, folded from its events, that decides commands. Synchronous and total.

use std::fmt;

use serde::{Serialize, de::DeserializeOwned};

use crate::{event::Event, refusal::Refusal, time::Timestamp};

/// The boundary that one decision is consistent within.
pub trait Aggregate:
    Default + Clone + fmt::Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// The stored name of this kind of aggregate; never changes.
    const TYPE: &'static str;

    /// What can be asked of it.
    type Command: fmt::Debug + Send;

    /// What can have happened to it.
    type Event: Clone + Into<Event> + Send;

    /// What happens when `command` is asked of this state; nothing, when it changes nothing. What deciding needs
    /// to know of other aggregates comes inside the command.
    fn decide(&self, command: Self::Command) -> Result<Vec<Self::Event>, Refusal>;

    /// The state after `event`, recorded at `at`. Never refuses: what is in the log has happened.
    fn evolve(&mut self, event: &Self::Event, at: Timestamp);

    /// The event, when it is one of this aggregate's.
    fn event_of(event: &Event) -> Option<&Self::Event>;
}

/// The state that `events` fold to.
pub fn fold<A: Aggregate>(events: impl IntoIterator<Item = (A::Event, Timestamp)>) -> A {
    events.into_iter().fold(A::default(), |mut state, (event, at)| {
        state.evolve(&event, at);
        state
    })
}
