//! How an invitation ends without a member: taken back, or come to its end unused.

use super::{InviteStatus, Member, MemberEvent, RevocationReason};
use crate::{refusal::Refusal, time::Timestamp};

/// Whether there is an invitation that nobody has taken yet.
pub(super) fn is_invitation(member: &Member) -> bool {
    member.exists() && member.is_pending() && member.invite_status == InviteStatus::Approved
}

/// The revocation of the invitation that `member` is.
pub(super) fn revoked(member: &Member, reason: RevocationReason) -> Result<MemberEvent, Refusal> {
    Ok(MemberEvent::InviteRevoked {
        reason,
        role: member.org_role.clone().ok_or(Refusal::NotFound)?,
        teams: member.teams.keys().copied().collect(),
        addresses: member.addresses.iter().cloned().collect(),
    })
}

/// Puts on record that the token is not valid any more; the row stays until it is revoked or regenerated (behaviour.md
/// D18). Nothing before its time, when that is on record, or when there is no invitation any more.
pub(super) fn expire(member: &Member, now: Timestamp) -> Vec<MemberEvent> {
    let open = member.invitation.filter(|invitation| !invitation.expired && is_invitation(member));
    let over = open.filter(|_| member.is_expired(now));
    over.map(|invitation| MemberEvent::InviteExpired { generation: invitation.generation })
        .into_iter()
        .collect()
}
