//! Moments of the past, as people name them.

use muster_events::{stream::Position, time::Timestamp};
use thiserror::Error;

use super::PastError;
use crate::{
    history::{LogPosition, PositionError},
    store::{Incarnation, Store, StoreError},
};

/// A moment: after an event, or a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// After the event at this position.
    Position(Position),
    /// After all that was recorded at this time or before.
    Time(Timestamp),
}

/// A text or a moment that there is no state of.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MomentError {
    /// It is neither a time nor a position.
    #[error(
        "\"{0}\" is neither a time (RFC 3339, such as 2026-11-24T10:00:00Z; in a URL a + is written %2B) nor a position"
    )]
    Malformed(String),
    /// It is a position of another incarnation of the log.
    #[error(transparent)]
    Position(PositionError),
    /// It is not past.
    #[error("{0} lies in the future: what will be known then is not known now")]
    Future(Timestamp),
    /// The log has not come so far.
    #[error("position {given} lies beyond the end of the log, which is {head}")]
    AheadOfLog {
        /// What was given.
        given: Position,
        /// The last event.
        head: Position,
    },
}

impl Moment {
    /// Reads a moment of the log whose incarnation is `present`.
    pub fn parse(text: &str, present: Incarnation) -> Result<Self, MomentError> {
        if let Ok(time) = text.parse::<Timestamp>() {
            return Ok(Self::Time(time));
        }
        match LogPosition::parse(text, present) {
            Ok(at) => Ok(Self::Position(at.position)),
            Err(error @ PositionError::OtherIncarnation { .. }) => Err(MomentError::Position(error)),
            Err(PositionError::Malformed(text)) => Err(MomentError::Malformed(text)),
        }
    }
}

/// As [`super::History::position_at`].
pub(super) async fn position(
    store: &dyn Store,
    moment: Moment,
    now: Timestamp,
) -> Result<Position, PastError> {
    let head = store.head().await?;
    match moment {
        Moment::Position(given) if given > head.position => {
            Err(MomentError::AheadOfLog { given, head: head.position }.into())
        }
        Moment::Position(given) => Ok(given),
        // An event may bear a time that this machine's clock has not reached yet.
        Moment::Time(time) if time > now.max(head.recorded_at) => Err(MomentError::Future(time).into()),
        Moment::Time(time) if head.recorded_at <= time => Ok(head.position),
        Moment::Time(time) => Ok(last_at(store, time, head.position).await?),
    }
}

/// The last position that was recorded at `time` or before; `later` is one that was recorded after it. Times never run
/// backwards along positions, so that halving finds it.
async fn last_at(store: &dyn Store, time: Timestamp, later: Position) -> Result<Position, StoreError> {
    let (mut before, mut after) = (Position::ZERO, later);
    while after.0 - before.0 > 1 {
        let middle = Position(before.0 + (after.0 - before.0) / 2);
        let found = store.read_all(Position(middle.0 - 1), 1).await?;
        match found.first() {
            Some(event) if event.position < after && event.recorded_at <= time => before = event.position,
            _ => after = middle,
        }
    }
    Ok(before)
}

/// When the event at `position` was recorded; none before the first.
pub(super) async fn recorded_at(
    store: &dyn Store,
    position: Position,
) -> Result<Option<Timestamp>, StoreError> {
    let Some(before) = position.0.checked_sub(1) else { return Ok(None) };
    let found = store.read_all(Position(before), 1).await?;
    Ok(found.first().map(|event| event.recorded_at))
}
