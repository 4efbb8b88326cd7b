//! PUT member: gathers what the decision looks at.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use muster_events::{
    id::{MemberId, OrganizationId, TeamId},
    member::{EmailHolder, Member, MemberCommand, MemberUpdate, UpdateContext},
    organization::Organization,
    refusal::Refusal,
    stream::Sequence,
    team::Team,
    user::User,
};

use super::addresses::AddressHolder;
use crate::ledger::{Caller, Failure, Operation, Unit};

/// Change a member.
#[derive(Debug)]
pub struct UpdateMember {
    /// Who asks.
    pub caller: Caller,
    /// The organization, found before.
    pub organization: OrganizationId,
    /// The member, found before.
    pub member: MemberId,
    /// The sequence that the requester last saw, when he wants nothing else to be changed.
    pub if_match: Option<Sequence>,
    /// The address that the body names, as written; its hash is in `changes`.
    pub address: Option<String>,
    /// What to change.
    pub changes: MemberUpdate,
}

/// A member that was changed, with what the answer shows besides him.
#[derive(Debug)]
pub struct Updated {
    /// What the decision looked at.
    pub context: Arc<UpdateContext>,
    /// The member before.
    pub before: Arc<Member>,
    /// His sequence before.
    pub sequence: Sequence,
}

/// The member's teams and those that the body names.
pub(super) async fn teams_of(
    unit: &mut Unit<'_>,
    organization: OrganizationId,
    fields: &MemberUpdate,
    member: &Member,
) -> Result<BTreeMap<TeamId, Arc<Team>>, Failure> {
    let with_roles = fields.team_roles.iter().flatten().map(|entry| entry.team.as_str());
    let plain = fields.teams.iter().flatten().map(String::as_str);
    let slugs: BTreeSet<&str> = with_roles.chain(plain).collect();
    let mut ids: BTreeSet<TeamId> = member.teams.keys().copied().collect();
    for slug in slugs {
        ids.extend(unit.ledger().find_team(organization, slug).await?);
    }
    let mut teams = BTreeMap::new();
    for id in ids {
        teams.insert(id, unit.read::<Team>(id).await?.state);
    }
    Ok(teams)
}

/// Who has the address that the body names; `address` is how it is written there.
pub(super) async fn email_holder(
    unit: &mut Unit<'_>,
    organization: OrganizationId,
    fields: &MemberUpdate,
    address: Option<&str>,
) -> Result<Option<EmailHolder>, Failure> {
    let (Some(email), Some(address)) = (&fields.email, address) else { return Ok(None) };
    let found = AddressHolder::find(unit, organization, email).await?;
    Ok(found.map(|found| EmailHolder { address: address.to_owned(), member: found.member }))
}

#[async_trait]
impl Operation for UpdateMember {
    type Answer = Updated;

    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<Updated, Failure> {
        let organization = unit.read::<Organization>(self.organization).await?.state;
        let roles = unit.roles().await?;
        let requester = unit.requester(&self.caller, self.organization).await?;
        let found = unit.read::<Member>(self.member).await?;
        let teams = teams_of(unit, self.organization, &self.changes, &found.state).await?;
        let address = self.address.as_deref();
        let email_holder = email_holder(unit, self.organization, &self.changes, address).await?;
        let active = match found.state.user {
            Some(user) => unit.read::<User>(user).await?.state.active,
            None => false,
        };
        let context = Arc::new(UpdateContext {
            requester,
            organization: (self.organization, organization),
            member: self.member,
            roles,
            teams,
            active,
            email_holder,
            at: unit.now(),
        });
        let command = MemberCommand::Update(self.changes.clone(), Arc::clone(&context));
        unit.decide::<Member>(self.member, Some(self.organization), vec![command]).await?;
        // After everything else: who may not change a member is not told that he has changed.
        if self.if_match.is_some_and(|seen| seen != found.sequence) {
            return Err(Failure::Refused(Refusal::Stale));
        }
        Ok(Updated { context, before: found.state, sequence: found.sequence })
    }

    fn resource(&self, _answer: &Updated) -> Option<String> {
        Some(self.member.to_string())
    }
}
