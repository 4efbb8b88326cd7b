//! All events that a query asks for, page after page.

use std::{mem, sync::Arc};

use futures_util::{Stream, stream};
use muster_events::stream::Position;

use super::{Format, History, HistoryError, ShownEvent, Viewer};
use crate::store::{Incarnation, LogQuery};

/// Events that are in memory at once.
const PAGE: usize = 500;

/// The events that a query asks for, as the log was when the export began, one page in memory at a time. Nothing is
/// read before it is asked for.
#[derive(Debug)]
pub struct Export {
    history: History,
    viewer: Arc<dyn Viewer>,
    query: LogQuery,
    log: Incarnation,
    up_to: Position,
    /// Events that may still be given.
    left: usize,
}

impl History {
    /// Begins to export what `query` asks for, at most `query.limit` events (`usize::MAX` for all), in its order.
    pub async fn export(&self, query: LogQuery, viewer: Arc<dyn Viewer>) -> Result<Export, HistoryError> {
        let log = self.store.incarnation();
        let head = self.store.head().await?.position;
        let up_to = query.up_to.map_or(head, |up_to| up_to.min(head));
        let left = query.limit;
        let query = LogQuery { up_to: Some(up_to), ..query };
        Ok(Export { history: self.clone(), viewer, query, log, up_to, left })
    }
}

impl Export {
    /// No event beyond this position is exported: for a progress bar.
    pub fn up_to(&self) -> Position {
        self.up_to
    }

    /// The next events, at least one; none at the end. After an error there is nothing more: an export that ends in
    /// `Ok(None)` is complete, any other is not.
    pub async fn next_page(&mut self) -> Result<Option<Vec<ShownEvent>>, HistoryError> {
        let left = mem::take(&mut self.left);
        let limit = left.min(PAGE);
        if limit == 0 {
            return Ok(None);
        }
        let events = self.history.find(LogQuery { limit, ..self.query.clone() }, self.log).await?;
        let sight = self.viewer.sight().await.ok_or(HistoryError::NoLongerAllowed)?;
        let Some(last) = events.last() else { return Ok(None) };
        let shown = self.history.show(&events, sight).await?;
        self.query.after = Some(last.position);
        self.left = if events.len() == limit { left - limit } else { 0 };
        Ok(Some(shown))
    }

    /// The whole export as text, a page at a time.
    pub fn into_text(self, format: Format) -> impl Stream<Item = Result<String, HistoryError>> + Send {
        let start = (self, Some(format.header()).filter(|header| !header.is_empty()));
        stream::try_unfold(start, move |(mut export, header)| async move {
            if let Some(header) = header {
                return Ok(Some((header.to_owned(), (export, None))));
            }
            let page = export.next_page().await?;
            page.map(|events| Ok((format.lines(&events)?, (export, None)))).transpose()
        })
    }
}
