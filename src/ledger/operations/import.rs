//! Stating facts: organizations with their teams and members as they are, whatever a request could have done.
//! What is there already stays as it is.

use std::collections::BTreeMap;

use async_trait::async_trait;
use muster_events::{
    claims::Claim,
    id::{MemberId, OrganizationId, TeamId, UserId},
    member::{
        Assignment, INVITATION_DAYS, InviteStatus, Member, MemberCommand, MemberFlag, NewInvitation,
        NewMember,
    },
    organization::{Feature, NewOrganization, Organization, OrganizationCommand, SsoProvider},
    personal::EmailAddress,
    refusal::Refusal,
    roles::RoleId,
    team::{Team, TeamCommand, TeamFlag},
    time::Timestamp,
    user::User,
};
use serde_json::Value;

use crate::ledger::{Failure, Operation, Unit};

/// A team as it is.
#[derive(Debug, Clone)]
pub struct TeamFact {
    /// The slug.
    pub slug: String,
    /// The display name.
    pub name: String,
    /// Managed through the identity provider.
    pub idp_provisioned: bool,
    /// False while it is being deleted.
    pub active: bool,
}

/// Who a member row is about.
#[derive(Debug, Clone)]
pub enum Person {
    /// A user.
    User(UserId),
    /// An address that is not claimed by a user yet.
    Pending {
        /// The address.
        email: String,
        /// An invitation or a request.
        status: InviteStatus,
        /// The user who invited or proposed.
        inviter: Option<UserId>,
        /// When the invitation ends; by default after [`INVITATION_DAYS`].
        expires_at: Option<Timestamp>,
    },
}

/// A member as he is.
#[derive(Debug, Clone)]
pub struct MemberFact {
    /// Who.
    pub person: Person,
    /// The organization role.
    pub role: RoleId,
    /// The teams by slug, each with the explicit role.
    pub teams: Vec<(String, Option<RoleId>)>,
    /// The flags.
    pub flags: Vec<MemberFlag>,
}

/// An organization as it is, with its teams and its first owner: one append.
#[derive(Debug, Clone)]
pub struct ImportOrganization {
    /// The slug.
    pub slug: String,
    /// The display name.
    pub name: String,
    /// The role of new members; the deployment's default when it is not given.
    pub default_role: Option<RoleId>,
    /// The settings by API field.
    pub settings: Vec<(String, Value)>,
    /// The features that are switched.
    pub features: Vec<(Feature, bool)>,
    /// The SSO provider.
    pub sso: Option<SsoProvider>,
    /// The teams.
    pub teams: Vec<TeamFact>,
    /// The first owner.
    pub owner: MemberFact,
}

/// An organization that is there now.
#[derive(Debug, Clone)]
pub struct ImportedOrganization {
    /// Its id.
    pub id: OrganizationId,
    /// Its teams by slug.
    pub teams: BTreeMap<String, TeamId>,
}

impl ImportOrganization {
    async fn create(&self, unit: &mut Unit<'_>) -> Result<OrganizationId, Failure> {
        let roles = unit.roles().await?;
        let id = unit.ledger().new_organization_id();
        let default_role = self.default_role.clone().unwrap_or_else(|| roles.default_org_role().clone());
        let new = NewOrganization { slug: self.slug.clone(), name: self.name.clone(), default_role, roles };
        unit.decide::<Organization>(id, Some(id), vec![OrganizationCommand::Create(new)]).await?;
        Ok(id)
    }

    async fn configure(&self, unit: &mut Unit<'_>, id: OrganizationId) -> Result<(), Failure> {
        let roles = unit.roles().await?;
        let features = self.features.iter();
        let features =
            features.map(|(feature, on)| OrganizationCommand::SetFeature { feature: *feature, on: *on });
        let default_role = self.default_role.clone();
        let default_role =
            default_role.map(|role| OrganizationCommand::ChangeDefaultRole { role, roles: roles.clone() });
        let settings =
            OrganizationCommand::ChangeSettings { changes: self.settings.clone(), by_staff: true, roles };
        let sso = self.sso.clone().map(|SsoProvider { provider, name, allow_unlinked }| {
            OrganizationCommand::EnableSso { provider, name, allow_unlinked }
        });
        let commands = features.chain(default_role).chain([settings]).chain(sso).collect();
        unit.decide::<Organization>(id, Some(id), commands).await
    }
}

#[async_trait]
impl Operation for ImportOrganization {
    type Answer = ImportedOrganization;

    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<ImportedOrganization, Failure> {
        let held = unit.holder(&Claim::organization_slug(&self.slug)).await?;
        let existing = match held.and_then(|holder| holder.parse::<OrganizationId>().ok()) {
            // A slug may be held for one that has another slug now, or has ended: that is not the one that is meant.
            Some(id) => {
                let found = unit.read::<Organization>(id).await?.state;
                (found.exists() && found.slug == self.slug).then_some(id)
            }
            None => None,
        };
        let id = match existing {
            Some(id) => id,
            None => self.create(unit).await?,
        };
        let mut teams = BTreeMap::new();
        for fact in &self.teams {
            let found = unit.ledger().find_team(id, &fact.slug).await?;
            let team = match found {
                Some(team) => team,
                None => create_team(unit, id, fact).await?,
            };
            teams.insert(fact.slug.clone(), team);
        }
        if existing.is_none() {
            self.configure(unit, id).await?;
            create_member(unit, id, &self.owner, &teams).await?;
        }
        Ok(ImportedOrganization { id, teams })
    }
}

async fn create_team(
    unit: &mut Unit<'_>,
    organization: OrganizationId,
    fact: &TeamFact,
) -> Result<TeamId, Failure> {
    let id = unit.ledger().new_team_id();
    let (slug, name) = (fact.slug.clone(), fact.name.clone());
    let provisioned = fact.idp_provisioned.then_some(TeamCommand::Flag(TeamFlag::IdpProvisioned, true));
    let going = (!fact.active).then_some(TeamCommand::Flag(TeamFlag::BeingDeleted, true));
    let create = TeamCommand::Create { organization, slug, name };
    let commands = [create].into_iter().chain(provisioned).chain(going).collect();
    unit.decide::<Team>(id, Some(organization), commands).await?;
    Ok(id)
}

/// A member as he is, in an organization that is there.
#[derive(Debug, Clone)]
pub struct ImportMember {
    /// The organization and its teams.
    pub organization: ImportedOrganization,
    /// The member.
    pub fact: MemberFact,
}

#[async_trait]
impl Operation for ImportMember {
    type Answer = MemberId;

    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<MemberId, Failure> {
        let ImportedOrganization { id, teams } = &self.organization;
        let claim = match &self.fact.person {
            Person::User(user) => Some(Claim::membership(*id, *user)),
            Person::Pending { email, .. } => {
                let email = unit.ledger().keys().hashed(EmailAddress(email.clone()));
                email.hash().map(|hash| Claim::address(*id, hash))
            }
        };
        let held = match claim {
            Some(claim) => unit.holder(&claim).await?,
            None => None,
        };
        match held.and_then(|holder| holder.parse().ok()) {
            Some(existing) => Ok(existing),
            None => create_member(unit, *id, &self.fact, teams).await,
        }
    }
}

async fn create_member(
    unit: &mut Unit<'_>,
    organization: OrganizationId,
    fact: &MemberFact,
    teams: &BTreeMap<String, TeamId>,
) -> Result<MemberId, Failure> {
    let roles = unit.roles().await?;
    let sso = unit.read::<Organization>(organization).await?.state.sso.clone();
    let mut assignments = vec![];
    for (slug, role) in &fact.teams {
        let team = *teams.get(slug).ok_or(Failure::Refused(Refusal::NotFound))?;
        if let Some(role) = role.as_ref().filter(|role| roles.team_role(role.as_str()).is_none()) {
            return Err(Failure::Refused(Refusal::RoleUnknown { role: role.clone() }));
        }
        if unit.read::<Team>(team).await?.state.deleted {
            return Err(Failure::Refused(Refusal::NotFound));
        }
        assignments.push(Assignment { team, role: role.clone() });
    }
    let begin = match &fact.person {
        Person::User(user) => {
            let account = unit.read::<User>(*user).await?.state;
            MemberCommand::AddMember(NewMember {
                organization,
                user: *user,
                active: account.active,
                addresses: account.address_hashes().cloned().collect(),
                org_role: fact.role.clone(),
                teams: assignments,
                imported: true,
                roles,
            })
        }
        Person::Pending { email, status, inviter, expires_at } => {
            let new = NewInvitation {
                organization,
                email: unit.ledger().keys().hashed(EmailAddress(email.clone())),
                org_role: fact.role.clone(),
                teams: assignments,
                inviter: *inviter,
                imported: true,
                roles,
            };
            match status {
                InviteStatus::Approved => {
                    let end = expires_at.unwrap_or_else(|| unit.now().plus_days(INVITATION_DAYS));
                    MemberCommand::Invite(new, end)
                }
                InviteStatus::RequestedToBeInvited => MemberCommand::RequestInvite(new),
                InviteStatus::RequestedToJoin => MemberCommand::RequestToJoin(new),
            }
        }
    };
    let flags = fact.flags.iter().map(|flag| match (flag, &sso) {
        (MemberFlag::SsoLinked, Some(sso)) => MemberCommand::LinkSso { provider: sso.provider.clone() },
        (flag, _) => MemberCommand::SetFlag(*flag),
    });
    let commands = [begin].into_iter().chain(flags).collect();
    let id = unit.ledger().new_member_id();
    unit.decide::<Member>(id, Some(organization), commands).await?;
    Ok(id)
}
