//! One page of a history.

use serde::Serialize;

use super::{History, HistoryError, LogPosition, ShownEvent, Sight};
use crate::store::LogQuery;

/// One page of a history; as JSON what the history endpoints answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Page {
    /// The events, in the order that was asked for.
    pub events: Vec<ShownEvent>,
    /// What `after` is for the next page; none on the last one.
    pub next: Option<LogPosition>,
}

impl History {
    /// The first `query.limit` events that `query` asks for.
    pub async fn page(&self, query: LogQuery, sight: Sight) -> Result<Page, HistoryError> {
        let (log, limit) = (self.store.incarnation(), query.limit);
        // One more than is shown tells whether anything follows.
        let mut events = self.find(LogQuery { limit: limit.saturating_add(1), ..query }, log).await?;
        let more = events.len() > limit;
        events.truncate(limit);
        let next = events.last().filter(|_| more).map(|last| self.at(last.position));
        Ok(Page { events: self.show(&events, sight).await?, next })
    }
}
