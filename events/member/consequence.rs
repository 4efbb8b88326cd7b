//! What follows for a member from what happened elsewhere. Whoever decides it has looked at the cause; each is decided as
//! often as one likes, and nothing happens where it has happened already or concerns somebody else by now.

use super::{
    InviteStatus, Member, MemberEvent, MemberFlag, Ownership, PendingReason, RemovalReason, RevocationReason,
    UnassignedHow, decide::removed, end::revoked, request::rejected,
};
use crate::{
    id::{TeamId, UserId},
    personal::{EmailAddress, KeyedHash, Personal},
    refusal::Refusal,
    time::Timestamp,
};

/// What happened elsewhere.
#[derive(Debug, Clone)]
pub enum Consequence {
    /// Somebody was removed from the organization: what he had sent before ends (behaviour.md D14).
    InviterRemoved {
        /// Who.
        inviter: UserId,
        /// When. What he sends as somebody who came back is another matter.
        at: Timestamp,
    },
    /// A team was deleted.
    TeamDeleted {
        /// Which.
        team: TeamId,
    },
    /// The organization requires of accounts what the member's has not (behaviour.md 7.5).
    RequirementNotMet(ReturnToPending),
    /// Members log in through this provider no more (behaviour.md 10).
    SsoDisabled {
        /// Which.
        provider: String,
    },
    /// The organization was deleted (behaviour.md D27).
    OrganizationDeleted {
        /// Keyed hashes of all of the user's addresses; none for a pending member.
        addresses: Vec<KeyedHash>,
    },
    /// The account was erased: whoever it belonged to is a member no more.
    AccountErased {
        /// The account.
        user: UserId,
        /// Keyed hashes of all of its addresses.
        addresses: Vec<KeyedHash>,
    },
    /// Whoever was invited here, or asked to be let in, is forgotten. Also where the row has ended: its history holds the
    /// address.
    InviteeErased,
}

/// How a member becomes an invitation again.
#[derive(Debug, Clone)]
pub struct ReturnToPending {
    /// What his account lacks.
    pub reason: PendingReason,
    /// Since when it is required: whoever came later is not concerned (behaviour.md D16).
    pub since: Timestamp,
    /// The user whose account that is.
    pub user: UserId,
    /// The primary address of the account.
    pub email: Personal<EmailAddress>,
    /// Keyed hashes of all addresses of the account.
    pub addresses: Vec<KeyedHash>,
    /// When the new invitation ends.
    pub expires_at: Timestamp,
}

pub(super) fn follow(member: &Member, cause: Consequence) -> Result<Vec<MemberEvent>, Refusal> {
    if matches!(cause, Consequence::InviteeErased) {
        return invitee_erased(member);
    }
    if !member.exists() {
        return Ok(vec![]);
    }
    match cause {
        Consequence::InviterRemoved { inviter, at } => {
            let sent_by_him = member.inviter == Some(inviter) && member.created_at <= at;
            if !sent_by_him || !member.is_pending() {
                return Ok(vec![]);
            }
            Ok(vec![ended(member, RevocationReason::InviterRemoved)?])
        }
        Consequence::TeamDeleted { team } => Ok(taken_off(member, team)),
        Consequence::RequirementNotMet(back) => Ok(returned(member, back)),
        Consequence::SsoDisabled { provider } => Ok(unlinked(member, &provider)),
        Consequence::OrganizationDeleted { addresses } => {
            if member.is_pending() {
                return Ok(vec![ended(member, RevocationReason::OrganizationDeleted)?]);
            }
            // The group of its owners ended with the organization: there is no place in it to be lost, and so none that
            // the last owner could be refused to lose.
            let bare = Member { owner: false, ..member.clone() };
            Ok(vec![removed(&bare, RemovalReason::OrganizationDeleted, &addresses)?])
        }
        Consequence::AccountErased { user, addresses } => {
            if member.user != Some(user) {
                return Ok(vec![]);
            }
            Ok(vec![removed(member, RemovalReason::AccountErased, &addresses)?])
        }
        Consequence::InviteeErased => invitee_erased(member),
    }
}

/// An open invitation or request ends; a member by another account of his own stays one.
fn invitee_erased(member: &Member) -> Result<Vec<MemberEvent>, Refusal> {
    if member.organization.is_none() || member.invitee_erased {
        return Ok(vec![]);
    }
    let open = member.exists() && member.is_pending();
    let end = open.then(|| ended(member, RevocationReason::Erased)).transpose()?;
    Ok(end.into_iter().chain([MemberEvent::InviteeErased {}]).collect())
}

/// The end of an invitation or of a request.
fn ended(member: &Member, reason: RevocationReason) -> Result<MemberEvent, Refusal> {
    match member.invite_status {
        InviteStatus::Approved => revoked(member, reason),
        InviteStatus::RequestedToBeInvited | InviteStatus::RequestedToJoin => rejected(member),
    }
}

fn taken_off(member: &Member, team: TeamId) -> Vec<MemberEvent> {
    let how = UnassignedHow::TeamDeleted;
    let role = member.teams.get(&team).cloned();
    let off = role.map(|role| MemberEvent::TeamUnassigned { team, role, how });
    let denied = member.access_requests.contains_key(&team);
    off.into_iter().chain(denied.then_some(MemberEvent::TeamAccessDenied { team })).collect()
}

fn unlinked(member: &Member, provider: &str) -> Vec<MemberEvent> {
    let was = |flag| member.flags.contains(&flag);
    let unlinked = MemberEvent::SsoUnlinked { provider: provider.to_owned() };
    let valid = MemberEvent::MemberFlagCleared { flag: MemberFlag::SsoInvalid };
    let linked = was(MemberFlag::SsoLinked).then_some(unlinked);
    linked.into_iter().chain(was(MemberFlag::SsoInvalid).then_some(valid)).collect()
}

fn returned(member: &Member, back: ReturnToPending) -> Vec<MemberEvent> {
    if member.user != Some(back.user) || member.created_at > back.since {
        return vec![];
    }
    let kept = back.email.hash().cloned();
    let mut released: Vec<_> = member.addresses.iter().cloned().chain(back.addresses).collect();
    released.retain(|hash| Some(hash) != kept.as_ref());
    released.sort();
    released.dedup();
    vec![MemberEvent::MemberReturnedToPending {
        reason: back.reason,
        user: back.user,
        email: back.email,
        generation: member.generation + 1,
        expires_at: back.expires_at,
        released,
        ownership: member.owner.then_some(Ownership::Lost),
    }]
}
