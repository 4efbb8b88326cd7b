//! An invitation comes to its end unused (behaviour.md D18).

use super::{Member, MemberEvent};
use crate::time::Timestamp;

/// Nothing where the invitation is not over, was taken, or is on record as expired.
pub(super) fn expire(member: &Member, now: Timestamp) -> Vec<MemberEvent> {
    let open = member.invitation.filter(|invitation| !invitation.expired && member.is_pending());
    let over = open.filter(|_| member.exists() && member.is_expired(now));
    over.map(|invitation| MemberEvent::InviteExpired { generation: invitation.generation })
        .into_iter()
        .collect()
}
