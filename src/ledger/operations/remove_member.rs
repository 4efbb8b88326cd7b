//! DELETE member: gathers what the decision looks at.

use std::sync::Arc;

use async_trait::async_trait;
use muster_events::{
    id::{MemberId, OrganizationId},
    member::{Member, MemberCommand, RemovalContext},
    organization::Organization,
    refusal::Refusal,
    stream::Sequence,
    user::User,
};

use crate::ledger::{Caller, Failure, Operation, Unit};

/// Remove a member.
#[derive(Debug)]
pub struct RemoveMember {
    /// Who asks.
    pub caller: Caller,
    /// The organization, found before.
    pub organization: OrganizationId,
    /// The member, found before.
    pub member: MemberId,
    /// The sequence that the requester last saw, when he wants nothing else to be removed.
    pub if_match: Option<Sequence>,
    /// Whether the member was an invitation when the request came in.
    pub as_invitation: bool,
}

#[async_trait]
impl Operation for RemoveMember {
    type Answer = ();

    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<(), Failure> {
        let organization = unit.read::<Organization>(self.organization).await?.state;
        let roles = unit.roles().await?;
        let requester = unit.requester(&self.caller, self.organization).await?;
        let found = unit.read::<Member>(self.member).await?;
        let addresses = match found.state.user {
            Some(user) => unit.read::<User>(user).await?.state.address_hashes().cloned().collect(),
            None => vec![],
        };
        let other_owners = unit.has_other_owner(self.organization, self.member).await?;
        let context = Arc::new(RemovalContext {
            requester,
            organization: (self.organization, organization),
            member: self.member,
            roles,
            addresses,
            other_owners,
            as_invitation: self.as_invitation,
        });
        unit.decide::<Member>(self.member, Some(self.organization), vec![MemberCommand::RemoveBy(context)])
            .await?;
        // After everything else: who may not change a member is not told that he has changed.
        if self.if_match.is_some_and(|seen| seen != found.sequence) {
            return Err(Failure::Refused(Refusal::Stale));
        }
        Ok(())
    }
}
