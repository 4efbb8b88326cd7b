//! How an invitation ends without a member: taken back, or come to its end unused.

use super::{Invitation, InviteStatus, Member, MemberEvent, RevocationReason};
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

/// Revokes an invitation for another reason than that somebody asked for it; nothing when it was taken meanwhile, or
/// is a request.
pub(super) fn revoke(member: &Member, reason: RevocationReason) -> Result<Vec<MemberEvent>, Refusal> {
    if is_invitation(member) { Ok(vec![revoked(member, reason)?]) } else { Ok(vec![]) }
}

/// Puts on record that the token is not valid any more; the row stays until it is revoked or regenerated (behaviour.md
/// D18). Nothing when that is on record, or when there is no invitation any more.
pub(super) fn expire(member: &Member, now: Timestamp) -> Result<Vec<MemberEvent>, Refusal> {
    let Some(Invitation { generation, expired: false, .. }) =
        member.invitation.filter(|_| is_invitation(member))
    else {
        return Ok(vec![]);
    };
    if member.is_expired(now) {
        Ok(vec![MemberEvent::InviteExpired { generation }])
    } else {
        Err(Refusal::InvitationNotDue)
    }
}
