//! Hears of what other processes append. A message only wakes; what happened is read from the log. A message that is
//! lost costs the wait until the next look.

use std::{sync::Arc, time::Duration};

use sqlx::{PgPool, postgres::PgListener};
use tokio::time::{sleep, timeout};

use super::{errors::StoreResult, reads, writer::InProgress};
use crate::store::followers::Followers;

/// The channel that every append notifies.
const CHANNEL: &str = "muster_log";
/// How often the log is looked at when no message comes.
const LOOK: Duration = Duration::from_millis(250);
/// How long to wait after an error, before the connection is made again.
const PAUSE: Duration = Duration::from_millis(500);

/// Tells `followers` of what other processes append, until it is stopped.
pub(super) async fn run(pool: PgPool, followers: Arc<Followers>, in_progress: Arc<InProgress>) {
    loop {
        if let Err(error) = listen(&pool, &followers, &in_progress).await {
            tracing::debug!(%error, "not hearing of other processes' appends");
        }
        sleep(PAUSE).await;
    }
}

async fn listen(pool: &PgPool, followers: &Followers, in_progress: &InProgress) -> StoreResult<()> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    loop {
        // What was appended before this process listened, or while it had lost its connection.
        reads::confirmed_head(pool, followers, in_progress).await?;
        loop {
            let Ok(message) = timeout(LOOK, listener.recv()).await else { break };
            let position: u64 = message?.payload().parse().unwrap_or(u64::MAX);
            if followers.told().0 < position {
                reads::until_told(in_progress).await;
            }
            if followers.told().0 < position {
                break;
            }
        }
    }
}
