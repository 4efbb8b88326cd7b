//! `muster invite-link`: the link of an invitation, for installations that send no mail.

use anyhow::{Result, bail};
use muster_events::{
    id::MemberId,
    member::{InviteStatus, Member},
};

use super::{
    config::Settings,
    open,
    screen::{Screen, Shape},
    words,
};

/// `muster invite-link`.
#[derive(Debug, clap::Args)]
pub(super) struct InviteLink {
    /// The id of the invited member
    member: MemberId,
    #[command(flatten)]
    shape: Shape,
}

impl InviteLink {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        let base_url = settings.base_url();
        let deployment = open::existing(settings).await?;
        let (ledger, id) = (&deployment.ledger, self.member);
        let member = ledger.state::<Member>(&id.into()).await.map_err(words::failure)?.state;
        if !member.exists() {
            bail!("MEMBER: there is no member {id}");
        }
        if member.invite_status != InviteStatus::Approved {
            bail!("MEMBER: {id} is a request that nobody has approved: it has no link");
        }
        let Some(valid) = member.invitation.filter(|_| member.is_pending()) else {
            bail!("MEMBER: {id} is a full member: there is nothing to accept");
        };
        if member.is_expired(ledger.clock().now()) {
            bail!(
                "MEMBER: the invitation {id} ended at {}: it has to be sent again with a new token",
                valid.expires_at
            );
        }
        let link = ledger.invitation_link(&base_url, id, valid.generation, None);
        if self.shape.json {
            screen.json(&serde_json::json!({ "id": id, "link": link, "expires_at": valid.expires_at }))?;
        } else {
            screen.line(link)?;
        }
        Ok(())
    }
}
