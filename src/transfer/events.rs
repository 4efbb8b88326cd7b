//! Events on their way, in order and as they stand.

use std::time::Duration;

use muster_events::stream::Position;
use tokio_util::sync::CancellationToken;

use super::{Stage, Transfer, TransferError, go_on};
use crate::{
    deployment::Place,
    policies::SUBSCRIBER,
    store::{
        Store, StoreError, StoredEvent,
        leaf::{RunningDigest, leaf_of},
    },
};

/// Events that are moved at once.
const STRETCH: usize = 2_000;
/// Who holds the lease of the policies for the moment in which their checkpoint is set.
const HOLDER: &str = "transfer";

impl Transfer {
    /// Moves the events up to `head`; those that are there already are compared. Gives the digest over all, and how many
    /// were moved.
    pub(super) async fn move_events(
        &self,
        head: Position,
        stop: &CancellationToken,
    ) -> Result<(RunningDigest, u64), TransferError> {
        let (mut digest, mut moved) = (RunningDigest::default(), 0);
        // What the policies had not come to is not lost on the way: where it arrives, they begin there.
        let carried_out = self.from.store.checkpoint(SUBSCRIBER).await?.unwrap_or(head).min(head);
        let mut reached = Position::ZERO;
        for up_to in [carried_out, head] {
            while reached < up_to {
                go_on(stop)?;
                let stretch = read(&*self.from.store, &self.from.place, reached, up_to).await?;
                for event in &stretch {
                    digest.add(&event.leaf);
                    reached = event.position;
                }
                moved += self.bring(stretch).await?;
                self.tell(Stage::Moving, reached, head);
            }
            if up_to == carried_out {
                begin_policies(&*self.to.store).await?;
            }
        }
        Ok((digest, moved))
    }

    /// Appends what is not there yet, and compares the rest.
    async fn bring(&self, mut stretch: Vec<StoredEvent>) -> Result<u64, TransferError> {
        let (store, place) = (&*self.to.store, &self.to.place);
        let there = store.head().await?.position;
        let fresh = stretch.split_off(stretch.partition_point(|event| event.position <= there));
        if let (Some(first), Some(last)) = (stretch.first(), stretch.last()) {
            let before = Position(first.position.0 - 1);
            let arrived = read(store, place, before, last.position).await?;
            for (sent, arrived) in stretch.iter().zip(&arrived) {
                if (sent.position, sent.leaf) != (arrived.position, arrived.leaf) {
                    return Err(TransferError::Differs { place: place.clone(), position: sent.position });
                }
            }
        }
        let moved = fresh.len() as u64;
        if moved > 0 {
            store.take_over(fresh).await?;
        }
        Ok(moved)
    }
}

/// The next events up to a position, at least one, each as it was recorded.
pub(super) async fn read(
    store: &dyn Store,
    place: &Place,
    after: Position,
    up_to: Position,
) -> Result<Vec<StoredEvent>, TransferError> {
    let left = usize::try_from(up_to.0 - after.0).unwrap_or(STRETCH);
    let stretch = store.read_all(after, left.min(STRETCH)).await?;
    if stretch.is_empty() {
        return Err(TransferError::Short { place: place.clone(), found: after, said: up_to });
    }
    match stretch.iter().find(|event| leaf_of(event) != event.leaf) {
        Some(event) => Err(TransferError::Altered { place: place.clone(), position: event.position }),
        None => Ok(stretch),
    }
}

/// Puts the checkpoint of the policies where the log ends now, unless it stands somewhere already.
async fn begin_policies(store: &dyn Store) -> Result<(), StoreError> {
    match store.lease(SUBSCRIBER, HOLDER, Duration::ZERO).await? {
        Some(lease) => store.release(&lease).await,
        None => Ok(()),
    }
}
