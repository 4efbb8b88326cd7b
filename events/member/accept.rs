//! Looking at an invitation and taking it (behaviour.md 4.5, D11, D34, D38, D40).

use std::{collections::BTreeSet, sync::Arc};

use serde_json::Value;

use super::{Member, MemberEvent, MemberFlag, Ownership, end::is_invitation};
use crate::{
    access::Requester,
    id::OrganizationId,
    organization::{Organization, Setting, SsoProvider},
    personal::KeyedHash,
    refusal::Refusal,
    roles::Roles,
    time::Timestamp,
    user::User,
};

/// What matters besides the invitation.
#[derive(Debug, Clone)]
pub struct AcceptContext {
    /// The organization that the invitation is to.
    pub organization: (OrganizationId, Arc<Organization>),
    /// Who shows the token of the invitation; none without authentication.
    pub requester: Option<Requester>,
    /// The roles in force.
    pub roles: Arc<Roles>,
    /// Whether the token that is shown is the valid one of this invitation.
    pub token_matches: bool,
    /// Keyed hashes of the person's addresses that no other row of the organization holds.
    pub addresses: Vec<KeyedHash>,
    /// When.
    pub at: Timestamp,
}

/// What somebody who looks at an invitation is told.
#[expect(clippy::struct_excessive_bools, reason = "each is a question of its own to whoever accepts")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvitationDetails {
    /// The organization.
    pub organization_slug: String,
    /// No person is known yet.
    pub needs_authentication: bool,
    /// The organization requires a second factor, which the person has not.
    pub needs_second_factor: bool,
    /// Members have to log in through the provider.
    pub requires_sso: bool,
    /// The person is a member already.
    pub existing_member: bool,
    /// The display name of the SSO provider.
    pub sso_provider: Option<String>,
}

impl AcceptContext {
    fn user(&self) -> Option<&User> {
        self.requester.as_ref().and_then(|requester| requester.user.as_ref()).map(|(_, user)| &**user)
    }

    fn is_member(&self) -> bool {
        self.requester.as_ref().is_some_and(|requester| requester.membership.is_some())
    }

    fn needs_second_factor(&self) -> bool {
        self.organization.1.flag("require_2fa") && !self.user().is_some_and(User::has_second_factor)
    }

    fn requires_sso(&self) -> bool {
        self.organization.1.sso.as_ref().is_some_and(|sso| !sso.allow_unlinked)
    }

    /// Whether the token opens the invitation now.
    fn opens(&self, member: &Member) -> bool {
        is_invitation(member)
            && member.organization == Some(self.organization.0)
            && self.token_matches
            && !member.is_expired(self.at)
    }

    fn restricts_to_email(&self) -> bool {
        Setting::by_field("restrictInvitesToEmail")
            .is_some_and(|setting| self.organization.1.setting(setting) == Value::Bool(true))
    }
}

/// What the invitation asks of whoever looks at it.
pub fn look_at(member: &Member, context: &AcceptContext) -> Result<InvitationDetails, Refusal> {
    if !context.opens(member) {
        return Err(Refusal::InviteCodeInvalid);
    }
    let provider = context.organization.1.sso.as_ref();
    Ok(InvitationDetails {
        organization_slug: context.organization.1.slug.clone(),
        needs_authentication: context.user().is_none(),
        needs_second_factor: context.needs_second_factor(),
        requires_sso: context.requires_sso(),
        existing_member: context.is_member(),
        sso_provider: provider.map(|SsoProvider { name, .. }| name.clone()),
    })
}

/// Makes the person a member. Nothing happens where SSO is required and he is not linked: there the login completes it.
pub(super) fn accept(member: &Member, context: &AcceptContext) -> Result<Vec<MemberEvent>, Refusal> {
    let person = context.requester.as_ref().and_then(|requester| requester.user.as_ref());
    let Some((id, user)) = person.filter(|_| context.opens(member)) else {
        return Err(Refusal::InviteNotAcceptable);
    };
    if context.is_member() {
        return Err(Refusal::MemberExists);
    }
    if context.needs_second_factor() {
        return Err(Refusal::InviteNotAcceptable);
    }
    let own: BTreeSet<_> = user.address_hashes().cloned().collect();
    let invited = member.email.as_ref().and_then(|email| email.hash());
    let email_matches = invited.is_some_and(|hash| own.contains(hash));
    if context.restricts_to_email() && !email_matches {
        return Err(Refusal::InviteToAnotherAddress);
    }
    if context.requires_sso() && !member.flags.contains(&MemberFlag::SsoLinked) {
        return Ok(vec![]);
    }
    let owner = user.active && member.org_role.as_ref() == Some(context.roles.top());
    Ok(vec![MemberEvent::InviteAccepted {
        user: *id,
        email_matches,
        addresses: context.addresses.clone(),
        released: member.addresses.iter().filter(|address| !own.contains(*address)).cloned().collect(),
        ownership: owner.then_some(Ownership::Gained),
    }])
}
