//! POST transfer-ownership: gathers what the decision looks at.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_trait::async_trait;
use muster_events::{
    id::{MemberId, OrganizationId, TeamId},
    member::{Member, MemberCommand, TransferContext},
    organization::Organization,
    refusal::FieldError,
    stream::Sequence,
    team::Team,
    user::User,
};

use crate::ledger::{Caller, Failure, Operation, Unit};

/// Make another member an owner, and the requester one no more.
#[derive(Debug)]
pub struct TransferOwnership {
    /// Who asks: an owner.
    pub caller: Caller,
    /// The organization, found before.
    pub organization: OrganizationId,
    /// The member who is to be an owner; one that nobody is, where the body names none.
    pub to: MemberId,
    /// What was wrong with the form of the body.
    pub malformed: Option<FieldError>,
}

/// A transfer, with what the answer shows besides the new owner.
#[derive(Debug)]
pub struct Transferred {
    /// What the decision looked at.
    pub context: Arc<TransferContext>,
    /// The new owner before.
    pub before: Arc<Member>,
    /// His sequence before.
    pub sequence: Sequence,
    /// The teams of both.
    pub teams: BTreeMap<TeamId, Arc<Team>>,
}

#[async_trait]
impl Operation for TransferOwnership {
    type Answer = Transferred;

    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<Transferred, Failure> {
        let organization = unit.read::<Organization>(self.organization).await?.state;
        let roles = unit.roles().await?;
        let requester = unit.requester(&self.caller, self.organization).await?;
        let from = requester.membership.clone();
        let found = unit.read::<Member>(self.to).await?;
        let active = match found.state.user {
            Some(user) => unit.read::<User>(user).await?.state.active,
            None => false,
        };
        let both = from.iter().map(|(_, own)| own).chain([&found.state]);
        let ids: BTreeSet<TeamId> = both.flat_map(|member| member.teams.keys().copied()).collect();
        let mut teams = BTreeMap::new();
        for id in ids {
            teams.insert(id, unit.read::<Team>(id).await?.state);
        }
        let context = Arc::new(TransferContext {
            requester,
            organization: (self.organization, organization),
            roles,
            to: self.to,
            active,
            names: teams.iter().map(|(id, team)| (*id, team.slug.clone())).collect(),
            malformed: self.malformed.clone(),
        });
        // The new owner first, so that at no moment of the append there is none.
        let take = MemberCommand::TakeOwnership(Arc::clone(&context));
        unit.decide::<Member>(self.to, Some(self.organization), vec![take]).await?;
        if let Some((from, _)) = from {
            let give = MemberCommand::YieldOwnership(Arc::clone(&context));
            unit.decide::<Member>(from, Some(self.organization), vec![give]).await?;
        }
        Ok(Transferred { context, before: found.state, sequence: found.sequence, teams })
    }

    fn resource(&self, _answer: &Transferred) -> Option<String> {
        Some(self.to.to_string())
    }
}
