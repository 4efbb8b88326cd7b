//! What only superusers and the operator do to an organization: features, single sign-on, the marks on members and
//! teams; all of it in one append.

use std::collections::BTreeSet;

use async_trait::async_trait;
use muster_events::{
    id::{MemberId, OrganizationId, TeamId},
    member::{Member, MemberCommand, MemberFlag},
    organization::{Feature, Organization, OrganizationCommand, SsoProvider},
    refusal::{FieldError, Refusal},
    stream::Sequence,
    team::{Team, TeamCommand, TeamFlag},
};

use crate::ledger::{Caller, Failure, Operation, Unit};

/// Does for a superuser what the operator does at the command line.
#[derive(Debug)]
pub struct AsSuperuser<O> {
    /// Who asks.
    pub caller: Caller,
    /// What is to be done, or what is wrong with the request.
    pub operation: Result<O, Refusal>,
}

#[async_trait]
impl<O: Operation> Operation for AsSuperuser<O> {
    type Answer = O::Answer;

    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<O::Answer, Failure> {
        unit.asker(&self.caller).await?.administer()?;
        match &self.operation {
            Ok(operation) => operation.attempt(unit).await,
            Err(refusal) => Err(refusal.clone().into()),
        }
    }

    fn resource(&self, answer: &O::Answer) -> Option<String> {
        self.operation.as_ref().ok()?.resource(answer)
    }
}

/// What is to become of single sign-on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SsoChange {
    /// Members can log in through this provider.
    On(SsoProvider),
    /// There is no provider any more.
    Off,
}

/// What is to become of the flags of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FlagsChange {
    /// These and no others are set.
    Exactly(BTreeSet<MemberFlag>),
    /// Each is set or not; the others stay.
    Each(Vec<(MemberFlag, bool)>),
}

/// What is to become of the marks on a team; nothing for what stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamMarks {
    /// The team: slug or id.
    pub team: String,
    /// Whether it is managed through the identity provider.
    pub idp_provisioned: Option<bool>,
    /// Whether it is being deleted.
    pub being_deleted: Option<bool>,
}

/// Administer an organization.
#[derive(Debug, Clone, Default)]
pub struct AdministerOrganization {
    /// The organization: slug or id.
    pub organization: String,
    /// The sequence of the organization that the requester last saw, when he wants nothing else to be changed.
    pub if_match: Option<Sequence>,
    /// The features that are switched.
    pub features: Vec<(Feature, bool)>,
    /// Single sign-on; nothing for what stays.
    pub sso: Option<SsoChange>,
    /// The flags of members, each with the member as he was named.
    pub members: Vec<(String, FlagsChange)>,
    /// The marks on teams.
    pub teams: Vec<TeamMarks>,
}

#[async_trait]
impl Operation for AdministerOrganization {
    type Answer = OrganizationId;

    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<OrganizationId, Failure> {
        let (id, found) = unit.organization(&self.organization).await?;
        unit.decide::<Organization>(id, Some(id), self.of_organization()).await?;
        let provider = unit.read::<Organization>(id).await?.state.sso.clone().map(|sso| sso.provider);
        for (named, change) in &self.members {
            let (member, flags) = find_member(unit, id, named).await?;
            let commands = of_flags(&flags, change, provider.as_deref());
            unit.decide::<Member>(member, Some(id), commands).await?;
        }
        for marks in &self.teams {
            let team = find_team(unit, id, &marks.team).await?;
            unit.decide::<Team>(team, Some(id), of_marks(marks)).await?;
        }
        if self.if_match.is_some_and(|seen| seen != found.sequence) {
            return Err(Refusal::Stale.into());
        }
        Ok(id)
    }

    fn resource(&self, answer: &OrganizationId) -> Option<String> {
        Some(answer.to_string())
    }
}

impl AdministerOrganization {
    fn of_organization(&self) -> Vec<OrganizationCommand> {
        let features = self.features.iter();
        let features =
            features.map(|(feature, on)| OrganizationCommand::SetFeature { feature: *feature, on: *on });
        features.chain(self.sso.as_ref().map(of_sso)).collect()
    }
}

fn of_sso(change: &SsoChange) -> OrganizationCommand {
    match change {
        SsoChange::On(sso) => {
            let SsoProvider { provider, name, allow_unlinked } = sso.clone();
            OrganizationCommand::EnableSso { provider, name, allow_unlinked }
        }
        SsoChange::Off => OrganizationCommand::DisableSso,
    }
}

/// The flag that says that a member has logged in through the provider names the provider, where there is one.
fn of_flags(set: &BTreeSet<MemberFlag>, change: &FlagsChange, provider: Option<&str>) -> Vec<MemberCommand> {
    let changes: Vec<(MemberFlag, bool)> = match change {
        FlagsChange::Each(changes) => changes.clone(),
        FlagsChange::Exactly(flags) => {
            let touched =
                MemberFlag::ALL.into_iter().filter(|flag| set.contains(flag) || flags.contains(flag));
            touched.map(|flag| (flag, flags.contains(&flag))).collect()
        }
    };
    let command = |(flag, on)| match (flag, on, provider) {
        (MemberFlag::SsoLinked, true, Some(provider)) => {
            MemberCommand::LinkSso { provider: provider.to_owned() }
        }
        (flag, true, _) => MemberCommand::SetFlag(flag),
        (flag, false, _) => MemberCommand::ClearFlag(flag),
    };
    changes.into_iter().map(command).collect()
}

fn of_marks(marks: &TeamMarks) -> Vec<TeamCommand> {
    let provisioned = marks.idp_provisioned.map(|to| TeamCommand::Flag(TeamFlag::IdpProvisioned, to));
    let deleted = marks.being_deleted.map(|to| TeamCommand::Flag(TeamFlag::BeingDeleted, to));
    provisioned.into_iter().chain(deleted).collect()
}

/// A member of this organization, with his flags.
async fn find_member(
    unit: &mut Unit<'_>,
    organization: OrganizationId,
    named: &str,
) -> Result<(MemberId, BTreeSet<MemberFlag>), Failure> {
    if let Ok(id) = named.parse::<MemberId>() {
        let found = unit.read::<Member>(id).await?.state;
        if found.exists() && found.organization == Some(organization) {
            return Ok((id, found.flags.clone()));
        }
    }
    Err(invalid("members", format!("There is no member \"{}\" in the organization.", start_of(named))).into())
}

/// A team of this organization.
async fn find_team(
    unit: &mut Unit<'_>,
    organization: OrganizationId,
    named: &str,
) -> Result<TeamId, Failure> {
    let id = match named.parse::<TeamId>() {
        Ok(id) => Some(id),
        Err(_) => unit.ledger().find_team(organization, named).await?,
    };
    if let Some(id) = id
        && unit.read::<Team>(id).await?.state.organization == Some(organization)
    {
        return Ok(id);
    }
    Err(invalid("teams", format!("There is no team \"{}\" in the organization.", start_of(named))).into())
}

fn invalid(field: &str, message: impl Into<String>) -> Refusal {
    Refusal::InvalidFields { errors: vec![FieldError::new(field, message)] }
}

/// As much of `text` as an error repeats.
fn start_of(text: &str) -> String {
    text.chars().take(80).collect()
}
