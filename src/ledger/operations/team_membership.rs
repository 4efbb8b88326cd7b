//! POST, PUT and DELETE team membership and PUT access request: gathers what the decisions look at.

use std::sync::Arc;

use async_trait::async_trait;
use muster_events::{
    id::{MemberId, TeamId},
    member::{
        Member, MemberCommand,
        team_membership::{AccessAnswer, MAY_ADD, MAY_CHANGE, MAY_REMOVE, OnTeamContext, TeamRoleWanted},
    },
    refusal::Refusal,
    roles::RoleId,
    stream::Sequence,
    team::Team,
};

use crate::ledger::{Caller, Failure, Operation, Unit, Versioned};

/// One member on one team, as a path names them.
#[derive(Debug, Clone)]
pub struct OnTeam {
    /// The organization, by slug or id.
    pub organization: String,
    /// The member, by id or `me`.
    pub member: String,
    /// The team, by slug or id.
    pub team: String,
}

/// What is to become of the membership.
#[derive(Debug, Clone)]
pub enum MembershipAct {
    /// The member comes onto the team, or asks to.
    Join,
    /// The member leaves the team.
    Leave,
    /// He gets this role on it.
    ChangeRole(TeamRoleWanted),
}

/// Change one team membership.
#[derive(Debug)]
pub struct ChangeTeamMembership {
    /// Who asks.
    pub caller: Caller,
    /// Whose, on which team.
    pub path: OnTeam,
    /// The sequence of the member that the requester last saw, when he wants nothing else to be changed.
    pub if_match: Option<Sequence>,
    /// What to do.
    pub act: MembershipAct,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// He came onto the team.
    Added,
    /// He was on the team already.
    AlreadyOn,
    /// It is on record that he wants to come onto the team.
    Requested,
    /// He is not on the team.
    Off,
    /// He has the role; none when nothing was to be set. Whether his organization role gives it anyway.
    Set(Option<(RoleId, bool)>),
}

impl Ended {
    /// The status of the answer.
    pub fn status(&self) -> u16 {
        match self {
            Self::Added => 201,
            Self::AlreadyOn => 204,
            Self::Requested => 202,
            Self::Off | Self::Set(_) => 200,
        }
    }
}

/// A team membership that was changed, or asked for.
#[derive(Debug)]
pub struct TeamMembershipChanged {
    /// What the decision looked at.
    pub context: Arc<OnTeamContext>,
    /// How it ended.
    pub ended: Ended,
    /// The member afterwards.
    pub member: Versioned<Member>,
    /// The sequence of the team.
    pub team_sequence: Sequence,
}

impl MembershipAct {
    fn needs(&self) -> &'static [&'static str] {
        match self {
            Self::Join => MAY_ADD,
            Self::Leave => MAY_REMOVE,
            Self::ChangeRole(_) => MAY_CHANGE,
        }
    }

    fn command(&self, context: Arc<OnTeamContext>) -> MemberCommand {
        match self {
            Self::Join => MemberCommand::JoinTeamBy(context),
            Self::Leave => MemberCommand::LeaveTeamBy(context),
            Self::ChangeRole(wanted) => MemberCommand::ChangeTeamRoleBy(wanted.clone(), context),
        }
    }

    fn ended(&self, before: &Member, after: &Member, context: &OnTeamContext) -> Result<Ended, Refusal> {
        let was_on = before.teams.contains_key(&context.team.0);
        let is_on = after.teams.contains_key(&context.team.0);
        Ok(match self {
            Self::Join if was_on => Ended::AlreadyOn,
            Self::Join if is_on => Ended::Added,
            Self::Join => Ended::Requested,
            Self::Leave => Ended::Off,
            Self::ChangeRole(wanted) => {
                let set = context.role_to_set(wanted)?.zip(after.org_role.as_ref());
                Ended::Set(set.map(|(role, org_role)| {
                    let is_minimum = context.roles.redundant_team_role(org_role, &role);
                    (role, is_minimum)
                }))
            }
        })
    }
}

#[async_trait]
impl Operation for ChangeTeamMembership {
    type Answer = TeamMembershipChanged;

    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<TeamMembershipChanged, Failure> {
        let OnTeam { organization, member, team } = &self.path;
        let (id, found) = unit.organization(organization).await?;
        let (roles, requester) = (unit.roles().await?, unit.requester(&self.caller, id).await?);
        // Before anything is looked for: who may not ask at all is told so, and not what there is.
        requester.gate(id, &found.state, &roles, self.act.needs(), false)?;
        let own = requester.membership.as_ref().map(|(own, _)| *own);
        let member = if member == "me" { own } else { member.parse().ok() };
        let not_found = || Failure::Refused(Refusal::NotFound);
        let member = member.ok_or_else(not_found)?;
        let before = unit.read::<Member>(member).await?;
        let (team, team_state) = unit.team(id, team).await?.ok_or_else(not_found)?;
        let context = Arc::new(OnTeamContext {
            requester,
            organization: (id, found.state),
            member,
            team: (team, team_state.state),
            roles,
        });
        let command = self.act.command(Arc::clone(&context));
        unit.decide::<Member>(member, Some(id), vec![command]).await?;
        // After everything else: who may not change a member is not told that he has changed.
        if self.if_match.is_some_and(|seen| seen != before.sequence) {
            return Err(Failure::Refused(Refusal::Stale));
        }
        let after = unit.read::<Member>(member).await?;
        let ended = self.act.ended(&before.state, &after.state, &context)?;
        Ok(TeamMembershipChanged { context, ended, member: after, team_sequence: team_state.sequence })
    }

    fn resource(&self, answer: &TeamMembershipChanged) -> Option<String> {
        let (member, team) = (answer.context.member, answer.context.team.0);
        Some(format!("{member}-{team}"))
    }

    fn status(&self, answer: &TeamMembershipChanged) -> Option<u16> {
        Some(answer.ended.status())
    }
}

/// Answer a request that a member may join a team.
#[derive(Debug)]
pub struct AnswerAccessRequest {
    /// Who asks.
    pub caller: Caller,
    /// The organization, by slug or id.
    pub organization: String,
    /// The member and the team of the request; none when the path names none.
    pub request: Option<(MemberId, TeamId)>,
    /// The sequence of the member that the requester last saw, when he wants nothing else to be changed.
    pub if_match: Option<Sequence>,
    /// The answer.
    pub answer: AccessAnswer,
}

#[async_trait]
impl Operation for AnswerAccessRequest {
    type Answer = ();

    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<(), Failure> {
        let (id, found) = unit.organization(&self.organization).await?;
        let organization = found.state;
        let (roles, requester) = (unit.roles().await?, unit.requester(&self.caller, id).await?);
        requester.admit(id, &organization, false)?;
        let (member, team) = self.request.ok_or(Failure::Refused(Refusal::NotFound))?;
        let sequence = unit.read::<Member>(member).await?.sequence;
        let team = (team, unit.read::<Team>(team).await?.state);
        let context =
            Arc::new(OnTeamContext { requester, organization: (id, organization), member, team, roles });
        let command = MemberCommand::AnswerTeamAccess(self.answer.clone(), context);
        unit.decide::<Member>(member, Some(id), vec![command]).await?;
        if self.if_match.is_some_and(|seen| seen != sequence) {
            return Err(Failure::Refused(Refusal::Stale));
        }
        Ok(())
    }
}
