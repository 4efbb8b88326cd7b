//! Looking at an invitation and taking it: gathers what the decision looks at.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use muster_events::{
    access::Requester,
    claims::Claim,
    id::{MemberId, OrganizationId},
    member::{AcceptContext, Member, MemberCommand},
    organization::Organization,
    personal::KeyedHash,
    refusal::Refusal,
};

use crate::ledger::{Caller, Failure, Operation, Unit};

/// The token of a link; not shown where a program shows its values.
#[derive(Clone, PartialEq, Eq)]
pub struct ShownToken(pub String);

impl fmt::Debug for ShownToken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("ShownToken")
    }
}

/// A link to an invitation, as somebody shows it.
#[derive(Debug, Clone)]
pub struct InvitationLink {
    /// The organization by slug or id, where the link names it.
    pub organization: Option<String>,
    /// The member that the invitation is; none when what stands there is no id.
    pub member: Option<MemberId>,
    /// The token.
    pub token: ShownToken,
}

/// What a link leads to.
#[derive(Debug)]
pub struct Opened {
    /// The row.
    pub id: MemberId,
    /// Its state.
    pub member: Arc<Member>,
    /// What matters besides it.
    pub context: Arc<AcceptContext>,
}

impl InvitationLink {
    /// What the link leads to, for whoever shows it; refused when it leads nowhere.
    pub async fn open(&self, unit: &mut Unit<'_>, caller: Option<&Caller>) -> Result<Opened, Failure> {
        let nowhere = || Failure::Refused(Refusal::InviteCodeInvalid);
        let id = self.member.ok_or_else(nowhere)?;
        let member = unit.read::<Member>(id).await?.state;
        let organization_id = member.organization.filter(|_| member.exists()).ok_or_else(nowhere)?;
        if let Some(named) = &self.organization {
            // A link that was sent before the organization got another slug still leads to it.
            match unit.ledger().organization_of(named).await {
                Ok(found) if found == organization_id => {}
                Ok(_) | Err(Failure::Refused(Refusal::NotFound)) => return Err(nowhere()),
                Err(failure) => return Err(failure),
            }
        }
        let organization = unit.read::<Organization>(organization_id).await?.state;
        if !organization.exists() {
            return Err(nowhere());
        }
        let keys = unit.ledger().keys();
        let token_matches = member
            .invitation
            .is_some_and(|valid| keys.is_invitation_token(id, valid.generation, &self.token.0));
        let roles = unit.roles().await?;
        let requester = match caller {
            Some(caller) => Some(unit.requester(caller, organization_id).await?),
            None => None,
        };
        let addresses = free_addresses(unit, organization_id, id, requester.as_ref()).await?;
        let organization = (organization_id, organization);
        let at = unit.now();
        let context = AcceptContext { organization, requester, roles, token_matches, addresses, at };
        Ok(Opened { id, member, context: Arc::new(context) })
    }
}

/// The person's addresses that no other row of the organization holds.
async fn free_addresses(
    unit: &Unit<'_>,
    organization: OrganizationId,
    row: MemberId,
    requester: Option<&Requester>,
) -> Result<Vec<KeyedHash>, Failure> {
    let person = requester.and_then(|requester| requester.user.as_ref());
    let own = String::from(row);
    let mut free = vec![];
    for hash in person.into_iter().flat_map(|(_, user)| user.address_hashes()) {
        let holder = unit.holder(&Claim::address(organization, hash)).await?;
        if holder.is_none_or(|holder| holder == own) {
            free.push(hash.clone());
        }
    }
    Ok(free)
}

/// Take an invitation.
#[derive(Debug)]
pub struct AcceptInvite {
    /// Who takes it.
    pub caller: Caller,
    /// The link to it.
    pub link: InvitationLink,
}

#[async_trait]
impl Operation for AcceptInvite {
    type Answer = ();

    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<(), Failure> {
        let Opened { id, member, context } = self.link.open(unit, Some(&self.caller)).await?;
        let command = MemberCommand::AcceptInvite(Arc::clone(&context));
        unit.decide::<Member>(id, Some(context.organization.0), vec![command]).await?;
        let accepted = unit.read::<Member>(id).await?.state.user.is_some();
        let person = context.requester.as_ref().and_then(|requester| requester.user.as_ref());
        let invited = member.email.as_ref().and_then(|email| email.hash());
        if let (true, Some((user, account)), Some(invited)) = (accepted, person, invited)
            && account.address_hashes().any(|own| own == invited)
        {
            // Before the append: an erasure of the account must cover the invitation from the moment on which it is his.
            unit.ledger().keys().link(id, *user).await?;
        }
        Ok(())
    }
}
