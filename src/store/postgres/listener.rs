//! Hears of what other processes append. A message only wakes; what happened is read from the log. A message that is
//! lost costs the wait until the next look.
//!
//! It is also the first to hear when the server is replaced, which may then be one that lacks what was committed last.

use std::{sync::Arc, time::Duration};

use sqlx::{PgPool, postgres::PgListener};
use tokio::time::{sleep, timeout};

use super::{
    errors::StoreResult,
    progress::Progress,
    reads::{self, in_time},
};
use crate::{clock::stopwatch, database::Database};

/// The channel that every append notifies.
const CHANNEL: &str = "muster_log";
/// How often the log is looked at, whatever messages come: it may be another one.
const LOOK: Duration = Duration::from_millis(250);
/// How long to wait after an error, before the connection is made again.
const PAUSE: Duration = Duration::from_millis(500);

/// Tells followers of what other processes append, until it is stopped.
pub(super) async fn run(database: Database, pool: PgPool, progress: Arc<Progress>) {
    loop {
        // A pool of its own for each: one whose server says nothing any more is given back only when that is noticed far below.
        if let Err(error) = listen(&database.pool(1), &pool, &progress).await {
            tracing::debug!(%error, "not hearing of other processes' appends");
        }
        // Whoever answers next may be another server.
        progress.doubt();
        sleep(PAUSE).await;
    }
}

/// Ends with the connection.
async fn listen(own: &PgPool, pool: &PgPool, progress: &Progress) -> StoreResult<()> {
    let mut listener = PgListener::connect_with(own).await?;
    // Made anew by itself, it would say nothing of that.
    listener.eager_reconnect(false);
    in_time(async { Ok(listener.listen(CHANNEL).await?) }).await?;
    loop {
        // What was appended before this process listened.
        in_time(reads::confirmed_head(pool, progress)).await?;
        let looked = stopwatch();
        // A time-out alone would let through all messages that are there already, however late it is.
        while let Some(rest) = LOOK.checked_sub(looked.elapsed()) {
            let Ok(message) = timeout(rest, listener.try_recv()).await else { break };
            let Some(message) = message? else { return Ok(()) };
            let position: u64 = message.payload().parse().unwrap_or(u64::MAX);
            if progress.followers.told().position.0 < position {
                progress.until_told().await;
            }
            if progress.followers.told().position.0 < position {
                break;
            }
        }
    }
}
