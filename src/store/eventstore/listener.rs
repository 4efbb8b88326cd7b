//! Hears what other processes append, so that whoever waits for commits need not ask again and again.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use eventstore::StreamPosition;
use tokio::{select, task::spawn_blocking, time::sleep};

use super::{EventStoreStore, server::Server};
use crate::store::{Store as _, StoreError};

/// How long to wait before it is listened again after a connection was lost.
const PAUSE: Duration = Duration::from_millis(500);
/// How often it is asked all the same: a subscription may be silent for other reasons than that nothing happens.
const POLL: Duration = Duration::from_secs(5);

/// Listens as long as the store is there. Whatever the subscription misses, the next question finds.
pub(super) async fn run(server: Arc<Server>, store: Weak<EventStoreStore>) {
    while store.strong_count() > 0 {
        if let Err(error) = listen(&server, &store).await {
            tracing::debug!(%error, "the subscription of the log was lost; it is made anew");
            server.forget();
        }
        sleep(PAUSE).await;
    }
}

async fn listen(server: &Server, store: &Weak<EventStoreStore>) -> Result<(), StoreError> {
    let Some(after) = store.upgrade().map(|store| store.mirror.known_records()().0) else { return Ok(()) };
    let from = after.checked_sub(1).map_or(StreamPosition::Start, StreamPosition::Position);
    let options = server.url.subscribing().start_from(from);
    let mut subscription =
        server.client()?.subscribe_to_stream(server.streams.commits.as_str(), &options).await;
    loop {
        select! {
            heard = subscription.next() => { heard.map_err(|error| server.unavailable(&error))?; }
            () = sleep(POLL) => {}
        }
        let Some(store) = store.upgrade() else { return Ok(()) };
        let confirmed = store.confirm_head().await;
        // It may be the last to hold it, and then this waits for the writer, whose work is done on this thread.
        let _ = spawn_blocking(move || drop(store)).await;
        confirmed?;
    }
}
