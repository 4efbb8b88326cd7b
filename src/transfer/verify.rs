//! What arrived, looked at as a whole: whether it is what was sent, and which claims it leads to.

use muster_events::{claims::claims_of, event::DecodeError, stream::Position};
use tokio_util::sync::CancellationToken;

use super::{Stage, Transfer, TransferError, events::read, go_on};
use crate::{
    clock::{Clock as _, SystemClock},
    store::{StoredEvent, claimed::Claimed, leaf::RunningDigest},
};

impl Transfer {
    /// Compares the digest at `head` with `sent`, and puts the claims in place that all events lead to; how many.
    pub(super) async fn compare(
        &self,
        head: Position,
        sent: RunningDigest,
        stop: &CancellationToken,
    ) -> Result<usize, TransferError> {
        let (store, place) = (&*self.to.store, &self.to.place);
        let (mut digest, mut claimed, mut reached) =
            (RunningDigest::default(), Claimed::default(), Position::ZERO);
        // Beyond `head` is what an earlier try did after all had arrived.
        let end = store.head().await?.position;
        for up_to in [head, end] {
            while reached < up_to {
                go_on(stop)?;
                for event in read(store, place, reached, up_to).await? {
                    digest.add(&event.leaf);
                    reached = event.position;
                    claim(&mut claimed, &event)?;
                }
                self.tell(Stage::Comparing, reached, end);
            }
            if up_to == head && digest != sent {
                let (sent, arrived) = (sent.to_string(), digest.to_string());
                return Err(TransferError::Digest { sent, arrived });
            }
        }
        let claims = claimed.held_at(SystemClock.now());
        let count = claims.len();
        store.replace_claims(claims, end).await?;
        Ok(count)
    }
}

fn claim(claimed: &mut Claimed, stored: &StoredEvent) -> Result<(), TransferError> {
    let event = match stored.event() {
        Ok(event) => event,
        // Another program's, which claims nothing here.
        Err(DecodeError::UnknownAggregate(_)) => return Ok(()),
        Err(error) => {
            let (position, why) = (stored.position, error.to_string());
            return Err(TransferError::Unreadable { position, why });
        }
    };
    for change in claims_of(&stored.stream, stored.organization, &event) {
        if let Some(impossible) = claimed.change(change, stored.recorded_at) {
            tracing::warn!(
                position = stored.position.0,
                "an event {impossible}: another program wrote to the log"
            );
        }
    }
    Ok(())
}
