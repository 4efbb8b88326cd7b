//! POST members: gathers what the decision looks at.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use muster_events::{
    id::{MemberId, OrganizationId, TeamId},
    member::{EmailHolder, InvitationContext, InvitationRequest, InviteStatus, Member, MemberCommand},
    organization::Organization,
    refusal::Refusal,
    team::Team,
};

use super::addresses::AddressHolder;
use crate::ledger::{Caller, Failure, Operation, Unit};

/// Invite an address.
#[derive(Debug)]
pub struct InviteMember {
    /// Who asks.
    pub caller: Caller,
    /// The organization, found before.
    pub organization: OrganizationId,
    /// The id of the new row; one for a request that is there goes on instead.
    pub member: MemberId,
    /// The address as written; its hash is in `asked`.
    pub address: Option<String>,
    /// What is asked for.
    pub asked: InvitationRequest,
}

/// An address that was invited, with what the answer shows besides the row.
#[derive(Debug)]
pub struct Invited {
    /// The row.
    pub member: MemberId,
    /// What the decision looked at.
    pub context: Arc<InvitationContext>,
}

impl InviteMember {
    /// The teams that the body names, and those of the row that goes on.
    async fn teams(
        &self,
        unit: &mut Unit<'_>,
        request: Option<&Member>,
    ) -> Result<BTreeMap<TeamId, Arc<Team>>, Failure> {
        let with_roles = self.asked.team_roles.iter().map(|entry| entry.team.as_str());
        let slugs: BTreeSet<&str> = with_roles.chain(self.asked.teams.iter().map(String::as_str)).collect();
        let mut ids: BTreeSet<TeamId> =
            request.into_iter().flat_map(|request| request.teams.keys().copied()).collect();
        for slug in slugs {
            ids.extend(unit.ledger().find_team(self.organization, slug).await?);
        }
        let mut teams = BTreeMap::new();
        for id in ids {
            teams.insert(id, unit.read::<Team>(id).await?.state);
        }
        Ok(teams)
    }
}

#[async_trait]
impl Operation for InviteMember {
    type Answer = Invited;

    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<Invited, Failure> {
        let organization = unit.read::<Organization>(self.organization).await?.state;
        if !organization.exists() {
            return Err(Failure::Refused(Refusal::NotFound));
        }
        let roles = unit.roles().await?;
        let requester = unit.requester(&self.caller, self.organization).await?;
        let found = match &self.asked.email {
            Some(email) => AddressHolder::find(unit, self.organization, email).await?,
            None => None,
        };
        let is_request = |found: &&AddressHolder| found.member.invite_status != InviteStatus::Approved;
        let request = found.as_ref().filter(is_request);
        let member = request.map_or(self.member, |request| request.id);
        let teams = self.teams(unit, request.map(|request| &*request.member)).await?;
        let email_holder = found.zip(self.address.clone());
        let email_holder = email_holder.map(|(found, address)| EmailHolder { address, member: found.member });
        let context = Arc::new(InvitationContext {
            requester,
            organization: (self.organization, organization),
            roles,
            teams,
            email_holder,
            at: unit.now(),
        });
        let command = MemberCommand::InviteBy(self.asked.clone(), Arc::clone(&context));
        unit.decide::<Member>(member, Some(self.organization), vec![command]).await?;
        Ok(Invited { member, context })
    }

    fn resource(&self, answer: &Invited) -> Option<String> {
        Some(answer.member.to_string())
    }
}
