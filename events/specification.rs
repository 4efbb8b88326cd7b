//! Decisions read as sentences: given these events, when this is asked, then that happens. The world in which they
//! are asked is in `world`.

mod world;

use std::fmt::Debug;

pub(crate) use world::*;

use crate::{
    aggregate::{Aggregate, fold},
    event::Event,
    refusal::Refusal,
};

/// An aggregate with what has happened to it.
pub(crate) struct Given<A: Aggregate> {
    events: Vec<A::Event>,
}

/// What became of a command.
pub(crate) struct Decided {
    outcome: Result<Vec<Event>, Refusal>,
}

/// These events have happened, an hour before what is asked.
pub(crate) fn given<A: Aggregate>(events: impl IntoIterator<Item = A::Event>) -> Given<A> {
    Given { events: events.into_iter().collect() }
}

/// The state that these events fold to.
pub(crate) fn state<A: Aggregate>(events: impl IntoIterator<Item = A::Event>) -> A {
    fold(events.into_iter().map(|event| (event, earlier())))
}

impl<A: Aggregate> Given<A> {
    pub(crate) fn when(self, command: A::Command) -> Decided {
        let outcome = state::<A>(self.events).decide(command);
        Decided { outcome: outcome.map(|events| events.into_iter().map(Into::into).collect()) }
    }
}

impl Decided {
    /// Exactly these events, in this order.
    #[track_caller]
    pub(crate) fn then<E: Into<Event>>(self, expected: impl IntoIterator<Item = E>) {
        let expected: Vec<Event> = expected.into_iter().map(Into::into).collect();
        assert_eq!(self.outcome, Ok(expected));
    }

    /// It succeeds and nothing happens.
    #[track_caller]
    pub(crate) fn then_nothing(self) {
        assert_eq!(self.outcome, Ok(vec![]));
    }

    /// It is refused with this code.
    #[track_caller]
    pub(crate) fn then_refused(self, code: &str) {
        assert_eq!(self.outcome.map_err(|refusal| refusal.code()), Err(code));
    }

    /// It is refused in exactly this way.
    #[track_caller]
    pub(crate) fn then_refused_as(self, refusal: Refusal) {
        assert_eq!(self.outcome, Err(refusal));
    }

    /// It is refused because of these fields, each with its message.
    #[track_caller]
    pub(crate) fn then_invalid<M: AsRef<str> + Debug>(
        self,
        expected: impl IntoIterator<Item = (&'static str, M)>,
    ) {
        let Err(Refusal::InvalidFields { errors }) = self.outcome else {
            panic!("expected invalid fields, not {:?}", self.outcome)
        };
        let found: Vec<_> = errors
            .iter()
            .flat_map(|error| error.messages.iter().map(|message| (error.field.as_str(), message.as_str())))
            .collect();
        let expected: Vec<_> = expected.into_iter().collect();
        let expected: Vec<_> = expected.iter().map(|(field, message)| (*field, message.as_ref())).collect();
        assert_eq!(found, expected);
    }
}
