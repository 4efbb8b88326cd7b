use muster::clock::{Clock, SystemClock};
use muster_events::time::Timestamp;

/// A clock that is some days ahead.
#[derive(Debug)]
pub(crate) struct Ahead(pub(crate) i64);

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus_days(self.0)
    }
}
