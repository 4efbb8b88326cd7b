//! Pictures on their way.

use muster_events::{organization, stream::Position};
use tokio_util::sync::CancellationToken;

use super::{Transfer, TransferError, go_on};
use crate::{
    blobs::{BlobError, BlobStore},
    store::LogQuery,
};

/// Names that are listed at once.
const PAGE: u32 = 500;

impl Transfer {
    /// Moves the pictures; up to where the events are to be moved for these to be theirs, and how many were not there.
    ///
    /// A picture is kept before the event that names it, and goes after the event that names another one. So what is there
    /// while no such event comes is what the log names.
    pub(super) async fn move_pictures(
        &self,
        stop: &CancellationToken,
    ) -> Result<(Position, u64), TransferError> {
        let (mut head, mut pictures) = (self.from.store.head().await?.position, 0);
        loop {
            go_on(stop)?;
            pictures += put(&*self.from.blobs, &*self.to.blobs).await?;
            let now = self.from.store.head().await?.position;
            let changes = LogQuery {
                types: vec![organization::PICTURED.to_owned()],
                after: Some(head),
                up_to: Some(now),
                limit: 1,
                ..LogQuery::default()
            };
            if self.from.store.query(changes).await?.is_empty() {
                return Ok((head, pictures));
            }
            head = now;
        }
    }
}

/// Puts all pictures of `from` that are not there yet into `to`; how many that were.
async fn put(from: &dyn BlobStore, to: &dyn BlobStore) -> Result<u64, BlobError> {
    let (mut put, mut after) = (0, String::new());
    loop {
        let names = from.names(&after, PAGE).await?;
        let Some(last) = names.last() else { return Ok(put) };
        after.clone_from(last);
        for name in names {
            if to.get(&name).await?.is_some() {
                continue;
            }
            // None when it was replaced meanwhile; the one that takes its place is named elsewhere.
            if let Some(blob) = from.get(&name).await? {
                to.put(blob).await?;
                put += 1;
            }
        }
    }
}
