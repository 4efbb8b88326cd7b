//! Commands on organizations: creation with its first owner, PUT, and the end.

use std::sync::Arc;

use async_trait::async_trait;
use compact_str::ToCompactString as _;
use muster_events::{
    claims::Claim,
    id::OrganizationId,
    member::{Assignment, Member, MemberCommand, NewMember},
    organization::{
        NewOrganization, Organization, OrganizationCommand, OrganizationContext, OrganizationUpdate,
        check_slug, slug_of_name,
    },
    refusal::{FieldError, Refusal},
    stream::Sequence,
    team::{Team, TeamCommand},
};

use crate::ledger::{Caller, CallerKind, Failure, Operation, Unit};

/// How often another slug is tried where the name suggests one that is taken.
const SLUG_TRIES: usize = 8;

/// What somebody without a name that suggests a slug gets.
const SLUG_WITHOUT_NAME: &str = "org";

/// The longest part of a slug that a name suggests when something has to be added to it.
const SLUG_STEM: usize = 36;

/// Change an organization.
#[derive(Debug)]
pub struct UpdateOrganization {
    /// Who asks.
    pub caller: Caller,
    /// The organization, found before.
    pub organization: OrganizationId,
    /// The sequence that the requester last saw, when he wants nothing else to be changed.
    pub if_match: Option<Sequence>,
    /// What to change.
    pub changes: OrganizationUpdate,
}

/// An organization that was changed.
#[derive(Debug)]
pub struct UpdatedOrganization {
    /// What the decision looked at.
    pub context: Arc<OrganizationContext>,
    /// The organization before.
    pub before: Arc<Organization>,
    /// Its sequence before.
    pub sequence: Sequence,
}

async fn context(
    unit: &mut Unit<'_>,
    caller: &Caller,
    organization: OrganizationId,
    slug: Option<&str>,
) -> Result<Arc<OrganizationContext>, Failure> {
    let slug_holder = match slug {
        Some(slug) => holder(unit, slug).await?,
        None => None,
    };
    Ok(Arc::new(OrganizationContext {
        requester: unit.requester(caller, organization).await?,
        organization,
        roles: unit.roles().await?,
        now: unit.now(),
        slug_holder,
    }))
}

/// The organization that has `slug`, or that nobody else can take it from yet.
async fn holder(unit: &Unit<'_>, slug: &str) -> Result<Option<OrganizationId>, Failure> {
    let held = unit.holder(&Claim::organization_slug(slug)).await?;
    Ok(held.and_then(|holder| holder.parse().ok()))
}

/// After everything else: who may not change a thing is not told that it has changed.
fn check_seen(seen: Option<Sequence>, now: Sequence) -> Result<(), Failure> {
    if seen.is_some_and(|seen| seen != now) { Err(Failure::Refused(Refusal::Stale)) } else { Ok(()) }
}

#[async_trait]
impl Operation for UpdateOrganization {
    type Answer = UpdatedOrganization;

    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<UpdatedOrganization, Failure> {
        let id = self.organization;
        let found = unit.read::<Organization>(id).await?;
        let context = context(unit, &self.caller, id, self.changes.slug.as_deref()).await?;
        let command = OrganizationCommand::Update(Box::new(self.changes.clone()), Arc::clone(&context));
        unit.decide::<Organization>(id, Some(id), vec![command]).await?;
        check_seen(self.if_match, found.sequence)?;
        Ok(UpdatedOrganization { context, before: found.state, sequence: found.sequence })
    }

    fn resource(&self, _answer: &UpdatedOrganization) -> Option<String> {
        Some(self.organization.to_string())
    }
}

/// Let an organization end after a day.
#[derive(Debug)]
pub struct ScheduleDeletion {
    /// Who asks.
    pub caller: Caller,
    /// The organization, found before.
    pub organization: OrganizationId,
    /// The sequence that the requester last saw, when he wants nothing else to be ended.
    pub if_match: Option<Sequence>,
}

#[async_trait]
impl Operation for ScheduleDeletion {
    type Answer = ();

    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<(), Failure> {
        let id = self.organization;
        let found = unit.read::<Organization>(id).await?;
        let context = context(unit, &self.caller, id, None).await?;
        unit.decide::<Organization>(id, Some(id), vec![OrganizationCommand::ScheduleDeletion(context)])
            .await?;
        check_seen(self.if_match, found.sequence)
    }

    fn resource(&self, _answer: &()) -> Option<String> {
        Some(self.organization.to_string())
    }
}

/// End an organization whose time has come; refused before, and when its end was called off.
#[derive(Debug)]
pub struct CarryOutDeletion {
    /// The organization.
    pub organization: OrganizationId,
}

#[async_trait]
impl Operation for CarryOutDeletion {
    type Answer = ();

    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<(), Failure> {
        let (id, now) = (self.organization, unit.now());
        let command = OrganizationCommand::CarryOutDeletion { now };
        unit.decide::<Organization>(id, Some(id), vec![command]).await
    }
}

/// Create an organization whose first owner is who asks.
#[derive(Debug)]
pub struct CreateOrganization {
    /// Who asks.
    pub caller: Caller,
    /// The display name; none when the request has none.
    pub name: Option<String>,
    /// The slug; by default made from the name.
    pub slug: Option<String>,
    /// Whether there is a team of the same name with the owner on it.
    pub default_team: bool,
    /// What is wrong with the form of the request.
    pub malformed: Vec<FieldError>,
}

/// What a token that is limited must at least allow.
const MAY_CREATE: &[&str] = &["org:write", "org:admin"];

impl CreateOrganization {
    /// The slug to take, or what is wrong with the one that was asked for.
    async fn slug(&self, unit: &Unit<'_>) -> Result<Result<String, FieldError>, Failure> {
        let Some(slug) = &self.slug else { return self.free_slug(unit).await.map(Ok) };
        if let Err(refusal) = check_slug(slug, true) {
            let why = match refusal {
                Refusal::SlugMalformed { why, .. } => why,
                other => other.code().to_owned(),
            };
            return Ok(Err(FieldError::new("slug", why)));
        }
        Ok(match holder(unit, slug).await? {
            Some(_) => Err(FieldError::new("slug", format!("The slug \"{slug}\" is already in use."))),
            None => Ok(slug.clone()),
        })
    }

    async fn free_slug(&self, unit: &Unit<'_>) -> Result<String, Failure> {
        let suggested = self.name.as_deref().and_then(slug_of_name);
        if let Some(slug) = &suggested
            && holder(unit, slug).await?.is_none()
        {
            return Ok(slug.clone());
        }
        let stem = suggested.unwrap_or_else(|| SLUG_WITHOUT_NAME.to_owned());
        let stem = stem.chars().take(SLUG_STEM).collect::<String>();
        let mut slug = String::new();
        for _ in 0..SLUG_TRIES {
            // No two ids that are drawn are the same, and hardly two of two processes.
            slug = format!("{}-{:x}", stem.trim_end_matches('-'), unit.ledger().new_organization_id().get());
            if holder(unit, &slug).await?.is_none() {
                break;
            }
        }
        Ok(slug)
    }
}

#[async_trait]
impl Operation for CreateOrganization {
    type Answer = OrganizationId;

    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<OrganizationId, Failure> {
        let CallerKind::User(user) = self.caller.kind else { return Err(Refusal::UserTokenRequired.into()) };
        let (id, roles) = (unit.ledger().new_organization_id(), unit.roles().await?);
        let requester = unit.requester(&self.caller, id).await?;
        let is_limited = |limit: &muster_events::roles::ScopeSet| !limit.with_implied().any_of(MAY_CREATE);
        if requester.token_scopes.as_ref().is_some_and(is_limited) {
            return Err(Refusal::NoPermission.into());
        }
        let mut errors = self.malformed.clone();
        if self.name.is_none() && !errors.iter().any(|error| error.field == "name") {
            errors.push(FieldError::new("name", "This field is required."));
        }
        let slug = self.slug(unit).await?;
        let (slug, name) = match (slug, self.name.clone()) {
            (Ok(slug), Some(name)) if errors.is_empty() => (slug, name),
            (slug, name) => {
                errors.extend(slug.err());
                errors.extend(name.and_then(|name| wrong_name(&name)));
                return Err(Refusal::InvalidFields { errors }.into());
            }
        };
        let new = NewOrganization {
            slug: slug.clone(),
            name: name.clone(),
            default_role: roles.default_org_role().clone(),
            roles: Arc::clone(&roles),
        };
        unit.decide::<Organization>(id, Some(id), vec![OrganizationCommand::Create(new)]).await?;
        let mut teams = vec![];
        if self.default_team {
            let team = unit.ledger().new_team_id();
            let create = TeamCommand::Create { organization: id, slug, name };
            unit.decide::<Team>(team, Some(id), vec![create]).await?;
            teams.push(Assignment { team, role: None });
        }
        let account = requester.user.map(|(_, account)| account).ok_or(Refusal::UserTokenRequired)?;
        let owner = MemberCommand::AddMember(NewMember {
            organization: id,
            user,
            active: account.active,
            addresses: account.address_hashes().cloned().collect(),
            org_role: roles.top().clone(),
            teams,
            imported: false,
            roles,
        });
        let member = unit.ledger().new_member_id();
        unit.decide::<Member>(member, Some(id), vec![owner]).await?;
        Ok(id)
    }

    fn resource(&self, answer: &OrganizationId) -> Option<String> {
        Some(answer.to_compact_string().into())
    }
}

/// What is wrong with a name, when something else is wrong too and nothing is created that would say so.
fn wrong_name(name: &str) -> Option<FieldError> {
    match muster_events::organization::check_name(name) {
        Err(Refusal::InvalidFields { errors }) => errors.into_iter().next(),
        Err(_) | Ok(_) => None,
    }
}
