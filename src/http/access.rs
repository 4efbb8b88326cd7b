//! Reads within an organization: who asks, and whether he may.

use std::sync::Arc;

use muster_events::{
    access::Requester,
    id::{MemberId, OrganizationId},
    organization::Organization,
    refusal::Refusal,
    roles::{RoleId, Roles, ScopeSet},
};

use super::{app::App, problem::Problem};
use crate::ledger::Caller;

/// Somebody who may look at something of an organization.
#[derive(Debug)]
pub(super) struct Access {
    pub(super) id: OrganizationId,
    pub(super) organization: Arc<Organization>,
    pub(super) roles: Arc<Roles>,
    pub(super) requester: Requester,
    pub(super) scopes: ScopeSet,
}

/// Lets the caller look when he has any of the scopes `needs` in the organization that the path names.
pub(super) async fn enter(
    app: &App,
    caller: &Caller,
    organization: &str,
    needs: &[&str],
    restricted_may: bool,
) -> Result<Access, Problem> {
    let mut unit = app.ledger.look();
    let (id, found) = unit.organization(organization).await?;
    let roles = unit.roles().await?;
    let requester = unit.requester(caller, id).await?;
    let scopes = requester.gate(id, &found.state, &roles, needs, restricted_may).map_err(Problem::from)?;
    Ok(Access { id, organization: found.state, roles, requester, scopes })
}

/// The same for what has happened in an organization, which a superuser may look at also after its end (decision D27).
pub(super) async fn enter_past(
    app: &App,
    caller: &Caller,
    organization: &str,
    needs: &[&str],
    restricted_may: bool,
) -> Result<Access, Problem> {
    match ended(app, caller, organization).await? {
        None => enter(app, caller, organization, needs, restricted_may).await,
        Some(access) if access.scopes.any_of(needs) => Ok(access),
        Some(_) => Err(Refusal::NotFound.into()),
    }
}

/// An organization that has ended; none where it has not.
async fn ended(app: &App, caller: &Caller, organization: &str) -> Result<Option<Access>, Problem> {
    let mut unit = app.ledger.look();
    let (id, found) = unit.organization_or_past(organization).await?;
    if found.state.exists() {
        return Ok(None);
    }
    let roles = unit.roles().await?;
    let requester = unit.requester(caller, id).await?;
    if !requester.is_superuser() {
        return Err(Refusal::NotFound.into());
    }
    let scopes = requester.scopes(id, &found.state, &roles);
    Ok(Some(Access { id, organization: found.state, roles, requester, scopes }))
}

/// Lets the caller into the organization that the path names, whatever he may do there.
pub(super) async fn admit(app: &App, caller: &Caller, organization: &str) -> Result<Access, Problem> {
    let mut unit = app.ledger.look();
    let (id, found) = unit.organization(organization).await?;
    let roles = unit.roles().await?;
    let requester = unit.requester(caller, id).await?;
    requester.admit(id, &found.state, false).map_err(Problem::from)?;
    Ok(Access::of((id, &found.state), &roles, &requester))
}

/// The same for the past, into which a superuser is let also after its end.
pub(super) async fn admit_past(app: &App, caller: &Caller, organization: &str) -> Result<Access, Problem> {
    match ended(app, caller, organization).await? {
        None => admit(app, caller, organization).await,
        Some(access) => Ok(access),
    }
}

impl Access {
    /// The requester of a command, from what its decision looked at.
    pub(super) fn of(
        (id, organization): (OrganizationId, &Arc<Organization>),
        roles: &Arc<Roles>,
        requester: &Requester,
    ) -> Self {
        let scopes = requester.scopes(id, organization, roles);
        let (organization, roles) = (Arc::clone(organization), Arc::clone(roles));
        Self { id, organization, roles, requester: requester.clone(), scopes }
    }

    /// The requester's own membership.
    pub(super) fn own(&self) -> Option<MemberId> {
        self.requester.membership.as_ref().map(|(id, _)| *id)
    }

    /// The role of the requester; none when he is not a member.
    pub(super) fn role(&self) -> Option<&RoleId> {
        self.requester.membership.as_ref().and_then(|(_, member)| member.org_role.as_ref())
    }

    /// The member that a path names: an id, or `me` for the requester's own membership.
    pub(super) fn member(&self, id_or_me: &str) -> Result<MemberId, Problem> {
        let own = self.requester.membership.as_ref().map(|(id, _)| *id);
        let id = if id_or_me == "me" { own } else { id_or_me.parse().ok() };
        id.ok_or_else(|| Refusal::NotFound.into())
    }

    /// The organization roles that the requester may give and take.
    pub(super) fn allowed_org_roles(&self) -> Vec<RoleId> {
        self.requester.allowed_org_roles(&self.scopes, &self.organization, &self.roles, false)
    }
}
