//! `--send-invites`: the letters of invitations that a file states.

use anyhow::{Result, anyhow};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use muster_events::{
    event::Event,
    id::MemberId,
    letter::{About, LetterId, LetterKind, NewLetter, Recipient},
    member::{InviteStatus, Member, MemberEvent},
    stream::Sequence,
};
use uuid::Uuid;

use super::write::{AT_ONCE, Imported};
use crate::{
    cli::words,
    ledger::{CommandMeta, Ledger, Turn, operations::QueueLetter},
};

/// How many events of an invitation are read at once.
const PAGE: usize = 256;

/// Queues a letter for each invitation of the file that is still open, for a server to send; says for how many that had
/// not been done before.
pub(super) async fn send(ledger: &Ledger, imported: &Imported) -> Result<usize> {
    let members = imported.organizations.values().flat_map(|organization| organization.members.values());
    let queued = stream::iter(members).map(|member| queue(ledger, *member)).buffer_unordered(AT_ONCE);
    queued.try_fold(0, |sum, queued| async move { Ok(sum + usize::from(queued)) }).await
}

async fn queue(ledger: &Ledger, id: MemberId) -> Result<bool> {
    let member = ledger.state::<Member>(&id.into()).await.map_err(words::failure)?.state;
    let is_open = member.is_pending()
        && member.invite_status == InviteStatus::Approved
        && !member.is_expired(ledger.clock().now());
    let (Some(organization), Some(email), Some(valid)) =
        (member.organization, member.email.clone(), member.invitation.filter(|_| is_open))
    else {
        return Ok(false);
    };
    let cause = invited(ledger, id).await?;
    let to = Recipient::Invitee(id);
    let about = About {
        member: Some(id),
        generation: Some(valid.generation),
        actor: member.inviter,
        ..About::default()
    };
    let letter = NewLetter { kind: LetterKind::Invitation, organization, to, email, about };
    let operation = QueueLetter { id: LetterId::derive(cause, LetterKind::Invitation, to), letter };
    let meta = CommandMeta { causation_id: Some(cause), ..CommandMeta::import() };
    words::was_changed(ledger.execute(&operation, &meta, Turn::unkeyed()).await)
}

/// The event that made the invitation.
async fn invited(ledger: &Ledger, member: MemberId) -> Result<Uuid> {
    let (mut found, mut after) = (None, Sequence::ZERO);
    loop {
        let page = ledger.store().read_stream(&member.into(), after, PAGE).await?;
        for stored in &page {
            if let Event::Member(MemberEvent::MemberInvited { .. }) = &*stored.event()? {
                found = Some(stored.event_id);
            }
            after = stored.sequence;
        }
        if page.len() < PAGE {
            return found.ok_or_else(|| anyhow!("the invitation {member} has no beginning"));
        }
    }
}
