//! Sending an invitation again, or asking a member to link himself: the branch of PUT member that changes nothing
//! else (behaviour.md 2.3 step 7).

use super::{
    Member, MemberEvent, MemberFlag, MemberUpdate, UpdateContext,
    invite::{INVITATION_DAYS, counted},
};
use crate::{refusal::Refusal, roles::ScopeSet};

pub(super) fn reinvite(
    member: &Member,
    changes: &MemberUpdate,
    context: &UpdateContext,
    scopes: &ScopeSet,
) -> Result<Vec<MemberEvent>, Refusal> {
    if changes.has_other_keys {
        return Err(Refusal::ReinviteWithChanges);
    }
    if member.is_pending() {
        return resend(member, changes.regenerate, context, scopes);
    }
    let provider = context.organization.1.sso.as_ref();
    match provider.filter(|_| !member.flags.contains(&MemberFlag::SsoLinked)) {
        Some(sso) => Ok(vec![MemberEvent::SsoLinkRequested { provider: sso.provider.clone() }]),
        None => Err(Refusal::FullMember),
    }
}

fn resend(
    member: &Member,
    regenerate: bool,
    context: &UpdateContext,
    scopes: &ScopeSet,
) -> Result<Vec<MemberEvent>, Refusal> {
    if regenerate && !scopes.contains("member:admin") {
        return Err(Refusal::RegenerationWithoutScope);
    }
    if !regenerate && member.is_expired(context.at) {
        return Err(Refusal::InvitationExpired);
    }
    let valid = member.invitation.map_or(0, |invitation| invitation.generation);
    let generation = if regenerate { valid + 1 } else { valid };
    let regenerated = regenerate.then(|| MemberEvent::InviteTokenRegenerated {
        generation,
        expires_at: context.at.plus_days(INVITATION_DAYS),
    });
    let address = member.email.as_ref().and_then(|email| email.hash());
    let counted = address.and_then(|address| counted(&context.requester, &context.organization.1, address));
    Ok(regenerated.into_iter().chain([MemberEvent::InviteResent { generation, counted }]).collect())
}
