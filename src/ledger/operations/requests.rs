//! Invite requests: gathers what the decisions about them look at.

use std::sync::Arc;

use async_trait::async_trait;
use muster_events::{
    id::{MemberId, OrganizationId},
    member::{INVITATION_DAYS, Member, MemberCommand, MemberUpdate, RequestUpdate, UpdateContext},
    organization::Organization,
    refusal::Refusal,
    stream::Sequence,
};

use super::update_member::{Updated, email_holder, teams_of};
use crate::ledger::{Caller, Failure, Operation, Unit};

/// Propose to invite an address.
#[derive(Debug)]
pub struct Propose {
    /// Who asks.
    pub caller: Caller,
    /// The organization, found before.
    pub organization: OrganizationId,
    /// The address that the body names, as written; its hash is in `proposal`.
    pub address: Option<String>,
    /// What is proposed.
    pub proposal: MemberUpdate,
}

/// What to do to a request.
#[derive(Debug)]
pub enum RequestChange {
    /// Edit it, approve it, or both.
    Update(Box<MemberUpdate>, bool),
    /// Reject it.
    Reject,
}

/// Edit, approve or reject a request.
#[derive(Debug)]
pub struct AnswerRequest {
    /// Who asks.
    pub caller: Caller,
    /// The organization, found before.
    pub organization: OrganizationId,
    /// The request, found before.
    pub request: MemberId,
    /// The sequence that the requester last saw, when he wants nothing else to be changed.
    pub if_match: Option<Sequence>,
    /// What to do.
    pub change: RequestChange,
}

/// What every decision about a request looks at.
async fn context(
    unit: &mut Unit<'_>,
    (caller, organization): (&Caller, OrganizationId),
    (id, member): (MemberId, &Member),
    (fields, address): (&MemberUpdate, Option<&str>),
) -> Result<Arc<UpdateContext>, Failure> {
    let found = unit.read::<Organization>(organization).await?.state;
    if !found.exists() {
        return Err(Failure::Refused(Refusal::NotFound));
    }
    Ok(Arc::new(UpdateContext {
        roles: unit.roles().await?,
        requester: unit.requester(caller, organization).await?,
        organization: (organization, found),
        member: id,
        teams: teams_of(unit, organization, fields, member).await?,
        active: false,
        email_holder: email_holder(unit, organization, fields, address).await?,
        at: unit.now(),
    }))
}

#[async_trait]
impl Operation for Propose {
    type Answer = (MemberId, Arc<UpdateContext>);

    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<Self::Answer, Failure> {
        let id = unit.ledger().new_member_id();
        let asked = (&self.proposal, self.address.as_deref());
        let by = (&self.caller, self.organization);
        let context = context(unit, by, (id, &Member::default()), asked).await?;
        let command = MemberCommand::Propose(self.proposal.clone(), Arc::clone(&context));
        unit.decide::<Member>(id, Some(self.organization), vec![command]).await?;
        Ok((id, context))
    }

    fn resource(&self, (id, _): &Self::Answer) -> Option<String> {
        Some(id.to_string())
    }
}

#[async_trait]
impl Operation for AnswerRequest {
    type Answer = Updated;

    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<Updated, Failure> {
        let found = unit.read::<Member>(self.request).await?;
        let nothing = MemberUpdate::default();
        let fields = match &self.change {
            RequestChange::Update(fields, _) => &**fields,
            RequestChange::Reject => &nothing,
        };
        let by = (&self.caller, self.organization);
        let context = context(unit, by, (self.request, &found.state), (fields, None)).await?;
        let command = match &self.change {
            RequestChange::Update(fields, approve) => {
                let expires_at = unit.now().plus_days(INVITATION_DAYS);
                let update =
                    RequestUpdate { fields: MemberUpdate::clone(fields), approve: *approve, expires_at };
                MemberCommand::UpdateRequest(update, Arc::clone(&context))
            }
            RequestChange::Reject => MemberCommand::RejectBy(Arc::clone(&context)),
        };
        unit.decide::<Member>(self.request, Some(self.organization), vec![command]).await?;
        // After everything else: who may not answer a request is not told that it has changed.
        if self.if_match.is_some_and(|seen| seen != found.sequence) {
            return Err(Failure::Refused(Refusal::Stale));
        }
        Ok(Updated { context, before: found.state, sequence: found.sequence })
    }

    fn resource(&self, _answer: &Updated) -> Option<String> {
        Some(self.request.to_string())
    }
}
