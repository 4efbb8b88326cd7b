//! Server-sent events.

use std::{fmt::Write as _, sync::Arc};

use futures_util::{Stream, stream};
use tokio_util::sync::CancellationToken;

use super::{
    History, HistoryError, ShownEvent, Viewer,
    live::{Live, Step},
};
use crate::store::LogQuery;

/// A history as server-sent events (`text/event-stream`), from the past into what is yet to come.
///
/// An event is a block of `id: <position>`, `event: <type>` and `data: <the event as JSON>`. After a stretch of the log
/// without an event that was asked for (at most once a second), and after each [`HEARTBEAT`](super::HEARTBEAT) of silence, there is a block with
/// an `id` only: an `EventSource` dispatches nothing for it, because it has no data, but takes note of the id, so that
/// it does not go through the stretch again when it connects again.
#[derive(Debug)]
pub struct Feed(Live);

impl History {
    /// Follows the log as server-sent events: what `query` asks for, from `query.after` on (the beginning without it).
    /// A `Last-Event-ID` goes before the `after` of the URL, which a browser repeats when it connects again.
    /// Oldest first; `query.limit` is of no account.
    ///
    /// It ends without an error on `shutdown` and when `viewer` may see nothing any more; he is asked before each page
    /// and at each block without data.
    pub async fn feed(
        &self,
        query: LogQuery,
        viewer: Arc<dyn Viewer>,
        shutdown: CancellationToken,
    ) -> Result<Feed, HistoryError> {
        Live::start(self.clone(), query, viewer, shutdown).await.map(Feed)
    }
}

impl Feed {
    /// The blocks, one or more whole ones at a time. Nothing is read from the log before it is asked for, so that a
    /// slow client costs one page of events; when to give up on him is up to whoever writes to him.
    pub fn into_stream(self) -> impl Stream<Item = Result<String, HistoryError>> + Send {
        stream::try_unfold(self.0, |mut live| async move {
            let Some(step) = live.next().await? else { return Ok(None) };
            let blocks = match step {
                Step::Events(events) => blocks(&live, &events)?,
                Step::Nothing(position) => {
                    format!(": nothing else until here\nid: {}\n\n", live.at(position))
                }
            };
            Ok(Some((blocks, live)))
        })
    }
}

fn blocks(live: &Live, events: &[ShownEvent]) -> Result<String, HistoryError> {
    let mut out = String::new();
    for event in events {
        // JSON text has no line ends of its own; the type, where a foreign writer chose it, may have some.
        let event_type: String =
            event.event_type.chars().filter(|character| !character.is_control()).collect();
        let (id, data) = (live.at(event.position), serde_json::to_string(event)?);
        // Writing to a string cannot fail.
        let _ = write!(out, "id: {id}\nevent: {event_type}\ndata: {data}\n\n");
    }
    Ok(out)
}
