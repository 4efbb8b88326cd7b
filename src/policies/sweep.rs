//! What falls due by the clock and not by an event.

use muster_projections::{members::concerned, organizations, read::Page};

use super::carry_out::{Hands, Pause};
use crate::ledger::{
    CommandMeta,
    operations::{CarryOutDeletion, ExpireInvite},
};

/// Rows that are looked at once.
const PAGE: u32 = 100;

impl Hands {
    /// Does everything that is due. One line for each kind of thing; each finds its rows in the read models, and its
    /// command decides by the log whether they are really due.
    pub(super) async fn sweep(&self) -> Result<(), Pause> {
        self.expire_invitations().await?;
        self.end_organizations().await
    }

    /// Ends the organizations whose day has passed (behaviour.md D27). One that cannot be ended stands in nobody's way: it
    /// is tried again at the next look, and those behind a page of such ones with it.
    async fn end_organizations(&self) -> Result<(), Pause> {
        let due =
            organizations::query::due(self.read_models.views(), self.ledger.clock().now(), PAGE).await?;
        for organization in due {
            self.ask("end_organization", &CarryOutDeletion { organization }, &CommandMeta::system()).await?;
        }
        Ok(())
    }

    /// Records that invitations are over (behaviour.md D18).
    async fn expire_invitations(&self) -> Result<(), Pause> {
        let (now, mut offset) = (self.ledger.clock().now(), 0);
        loop {
            let page = Page { offset, limit: PAGE };
            let due = concerned::expired(self.read_models.views(), now, page).await?;
            let full = due.len() == PAGE as usize;
            let mut last = None;
            for member in due {
                let expire = ExpireInvite { member };
                let appended = self.ask("expire_invite", &expire, &CommandMeta::system()).await?;
                last = last.max(appended);
                // What is not expired now stays in the rows; the others go.
                offset += u32::from(appended.is_none());
            }
            if !full {
                return Ok(());
            }
            if let Some(last) = last {
                self.wait_for(last).await?;
            }
        }
    }
}
