//! A write with all that tests may have ordered for it.

use tonic::Extensions;

use super::Node;
use crate::{
    connection::Line,
    faults::{Fault, Faults, Moment, Write},
    log::Log,
};

/// What came in the way of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Disturbed {
    WrongExpectedVersion,
    Unavailable,
    TooLarge,
    Timeout,
    /// The connection is gone; whatever is answered does not arrive.
    Dropped,
}

/// A write as it came in.
#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) write: Write,
    pub(super) stream: String,
    /// How many; none for a deletion.
    pub(super) events: usize,
    pub(super) line: Option<Line>,
}

impl Node {
    /// Does `act` once the gates are passed, unless an ordered fault prevents that. Goes on when the client does not wait
    /// any more: what a server has begun with, it ends.
    pub(super) async fn carry_out<T: Send + 'static>(
        &self,
        order: Order,
        act: impl FnOnce(&Log) -> T + Send + 'static,
    ) -> Result<T, Disturbed> {
        let (log, faults) = (self.log.clone(), self.faults.clone());
        let carried_out = tokio::spawn(async move { order.carry_out(&faults, || act(&log)).await });
        carried_out.await.expect("a write neither panics nor is given up")
    }
}

impl Order {
    async fn carry_out<T>(self, faults: &Faults, act: impl FnOnce() -> T) -> Result<T, Disturbed> {
        let fault = faults.take(self.write, &self.stream);
        if !faults.pass(Moment::Before, &self.stream, self.events).await {
            return Err(self.dropped());
        }
        match fault {
            Some(Fault::WrongExpectedVersion) => return Err(Disturbed::WrongExpectedVersion),
            Some(Fault::Unavailable) => return Err(Disturbed::Unavailable),
            Some(Fault::TooLarge) => return Err(Disturbed::TooLarge),
            Some(Fault::Timeout { carried_out: false }) => return Err(Disturbed::Timeout),
            Some(Fault::Dropped { carried_out: false }) => return Err(self.dropped()),
            Some(Fault::Slow(duration)) => tokio::time::sleep(duration).await,
            Some(Fault::Timeout { carried_out: true } | Fault::Dropped { carried_out: true }) | None => {}
        }
        let outcome = act();
        if !faults.pass(Moment::After, &self.stream, self.events).await {
            return Err(self.dropped());
        }
        match fault {
            Some(Fault::Timeout { .. }) => Err(Disturbed::Timeout),
            Some(Fault::Dropped { .. }) => Err(self.dropped()),
            _ => Ok(outcome),
        }
    }

    fn dropped(&self) -> Disturbed {
        self.line.iter().for_each(Line::drop_connection);
        Disturbed::Dropped
    }
}

/// The connection that a request came on.
pub(super) fn line(extensions: &Extensions) -> Option<Line> {
    extensions.get::<Line>().cloned()
}
