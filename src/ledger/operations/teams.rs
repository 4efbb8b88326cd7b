//! POST, PUT and DELETE team: gathers what the decisions look at.

use std::sync::Arc;

use async_trait::async_trait;
use muster_events::{
    id::{OrganizationId, TeamId},
    member::{Member, MemberCommand},
    refusal::Refusal,
    stream::Sequence,
    team::{NewTeam, Team, TeamChanges, TeamCommand, TeamContext},
};

use crate::ledger::{Caller, Failure, Operation, Unit, Versioned};

/// A team that was created, changed or deleted.
#[derive(Debug)]
pub struct TeamChanged {
    /// What the decision looked at.
    pub context: Arc<TeamContext>,
    /// The team afterwards.
    pub team: Versioned<Team>,
    /// The requester's membership afterwards, where he is a member.
    pub membership: Option<Arc<Member>>,
}

/// Create a team; a requester who is a member joins it.
#[derive(Debug)]
pub struct CreateTeam {
    /// Who asks.
    pub caller: Caller,
    /// The organization, by slug or id.
    pub organization: String,
    /// The team.
    pub new: NewTeam,
}

/// Change a team's slug and name.
#[derive(Debug)]
pub struct ChangeTeam {
    /// Who asks.
    pub caller: Caller,
    /// The organization, by slug or id.
    pub organization: String,
    /// The team, by slug or id.
    pub team: String,
    /// The sequence that the requester last saw, when he wants nothing else to be changed.
    pub if_match: Option<Sequence>,
    /// What to change.
    pub changes: TeamChanges,
}

/// Delete a team. Its slug is free at once, and nobody comes onto it any more.
#[derive(Debug)]
pub struct DeleteTeam {
    /// Who asks.
    pub caller: Caller,
    /// The organization, by slug or id.
    pub organization: String,
    /// The team, by slug or id.
    pub team: String,
    /// The sequence that the requester last saw, when he wants nothing else to be deleted.
    pub if_match: Option<Sequence>,
}

/// The context of a decision about `team`, which is found for those only who are let into the organization.
async fn context(
    unit: &mut Unit<'_>,
    caller: &Caller,
    organization: &str,
    team: Option<&str>,
) -> Result<(TeamContext, Option<Versioned<Team>>), Failure> {
    let (id, found) = unit.organization(organization).await?;
    let (roles, requester) = (unit.roles().await?, unit.requester(caller, id).await?);
    requester.admit(id, &found.state, false)?;
    let (team, state) = match team {
        None => (unit.ledger().new_team_id(), None),
        Some(team) => {
            let (team, state) = unit.team(id, team).await?.ok_or(Failure::Refused(Refusal::NotFound))?;
            (team, Some(state))
        }
    };
    Ok((TeamContext { requester, organization: (id, found.state), roles, team }, state))
}

/// What is answered once everything is decided.
async fn changed(unit: &mut Unit<'_>, context: Arc<TeamContext>) -> Result<TeamChanged, Failure> {
    let team = unit.read::<Team>(context.team).await?;
    let membership = match context.requester.membership.as_ref() {
        Some((id, _)) => Some(unit.read::<Member>(*id).await?.state),
        None => None,
    };
    Ok(TeamChanged { context, team, membership })
}

async fn decide(
    unit: &mut Unit<'_>,
    (organization, team): (OrganizationId, TeamId),
    command: TeamCommand,
) -> Result<(), Failure> {
    unit.decide::<Team>(team, Some(organization), vec![command]).await
}

/// After everything else: who may not change a team is not told that it has changed.
fn check(if_match: Option<Sequence>, seen: Option<&Versioned<Team>>) -> Result<(), Failure> {
    match (if_match, seen) {
        (Some(wanted), Some(seen)) if wanted != seen.sequence => Err(Failure::Refused(Refusal::Stale)),
        _ => Ok(()),
    }
}

#[async_trait]
impl Operation for CreateTeam {
    type Answer = TeamChanged;

    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<TeamChanged, Failure> {
        let (context, _) = context(unit, &self.caller, &self.organization, None).await?;
        let (organization, context) = (context.organization.0, Arc::new(context));
        let create = TeamCommand::CreateBy(self.new.clone(), Arc::clone(&context));
        decide(unit, (organization, context.team), create).await?;
        if let Some((id, member)) = &context.requester.membership {
            let may_join = member.org_role.as_ref().is_some_and(|role| context.roles.allows_teams(role));
            if may_join {
                let (team, roles) = (context.team, Arc::clone(&context.roles));
                let join = MemberCommand::JoinTeam { team, roles };
                unit.decide::<Member>(*id, Some(organization), vec![join]).await?;
            }
        }
        changed(unit, context).await
    }

    fn resource(&self, answer: &TeamChanged) -> Option<String> {
        Some(answer.context.team.to_string())
    }
}

#[async_trait]
impl Operation for ChangeTeam {
    type Answer = TeamChanged;

    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<TeamChanged, Failure> {
        let (context, before) = context(unit, &self.caller, &self.organization, Some(&self.team)).await?;
        let context = Arc::new(context);
        let change = TeamCommand::ChangeBy(self.changes.clone(), Arc::clone(&context));
        decide(unit, (context.organization.0, context.team), change).await?;
        check(self.if_match, before.as_ref())?;
        changed(unit, context).await
    }

    fn resource(&self, answer: &TeamChanged) -> Option<String> {
        Some(answer.context.team.to_string())
    }
}

#[async_trait]
impl Operation for DeleteTeam {
    type Answer = TeamChanged;

    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<TeamChanged, Failure> {
        let (context, before) = context(unit, &self.caller, &self.organization, Some(&self.team)).await?;
        let context = Arc::new(context);
        let delete = TeamCommand::DeleteBy(Arc::clone(&context));
        decide(unit, (context.organization.0, context.team), delete).await?;
        check(self.if_match, before.as_ref())?;
        changed(unit, context).await
    }
}
