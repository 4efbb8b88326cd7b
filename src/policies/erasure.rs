//! What follows from an erasure besides the end of memberships: keys and tokens.

use muster_events::{
    id::UserId, policies::Reaction, recorded::RecordedEvent, stream::Position, token::TokenOwner,
};
use muster_projections::{read::Page, tokens};

use super::carry_out::{Hands, Pause, caused_by};
use crate::{
    ledger::{Failure, operations::RevokeToken},
    store::{StoreError, StoredEvent},
};

/// Tokens that are looked at once.
const PAGE: u32 = 100;

impl Hands {
    /// Destroys the keys of whoever `cause` says was erased. Whoever asked for it has mostly done it already.
    pub(super) async fn destroy_keys(&self, cause: &RecordedEvent) -> Result<(), Pause> {
        let before = Position(cause.position.0.saturating_sub(1));
        for stored in self.ledger.store().read_all(before, 1).await? {
            match self.ledger.complete_erasure(&stored).await {
                Ok(_) => {}
                // Stands in nobody's way; the doctor finds it, too.
                Err(Failure::Store(StoreError::Damaged(error))) => {
                    let position = stored.position.0;
                    tracing::error!(position, error, "the keys of somebody who was erased are not destroyed");
                }
                Err(failure) => return Err(failure.into()),
            }
        }
        Ok(())
    }

    /// Removes whoever was `erased` and is in an organization all the same.
    pub(super) async fn remove_members_left(&self, erased: &[StoredEvent]) -> Result<(), Pause> {
        for stored in self.ledger.erased_members(erased).await? {
            let Some(user) = stored.stream.aggregate_id.parse().ok() else { continue };
            if let Ok(cause) = stored.recorded() {
                self.carry_out(&cause, &Reaction::RemoveErased { user }).await?;
            }
        }
        Ok(())
    }

    /// Revokes the tokens of whoever was erased. None of them could be used any more from the erasure on; this makes them
    /// look like it.
    pub(super) async fn revoke_tokens(
        &self,
        cause: &RecordedEvent,
        reaction: &Reaction,
        user: UserId,
    ) -> Result<(), Pause> {
        let (meta, mut offset) = (caused_by(cause, reaction.name()), 0);
        loop {
            let (views, page) = (self.read_models.views(), Page { offset, limit: PAGE });
            let listed = tokens::query::list_of(views, TokenOwner::User(user), page).await?;
            for token in listed.rows.iter().filter(|token| !token.revoked) {
                self.ask(reaction.name(), &RevokeToken { token: token.id }, &meta).await?;
            }
            if !listed.more {
                return Ok(());
            }
            offset += PAGE;
        }
    }
}
