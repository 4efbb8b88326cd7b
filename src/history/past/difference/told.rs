//! Members, teams and organizations in few words, as they are told and as they are compared.

use muster_events::{
    id::{MemberId, OrganizationId, TeamId},
    member::InviteStatus,
    organization::{Feature, Organization, settings},
    personal::{EmailAddress, Personal},
};
use muster_projections::{
    members::{self, MemberDetails},
    teams,
};
use serde_json::{Map, Value, json};

use crate::{
    history::{
        History, UNREADABLE,
        past::{Past, PastError},
    },
    sealing::{SealingError, Unsealed},
};

/// What it was or is: as it is told, and as it is compared.
pub(super) struct Told {
    pub(super) told: Value,
    pub(super) compared: Value,
}

impl History {
    /// A member as people read it. A team that is called otherwise, or another address, is no change of his.
    pub(super) async fn member(
        &self,
        past: &Past,
        organization: OrganizationId,
        id: MemberId,
    ) -> Result<Told, PastError> {
        let found = members::query::find(&past.views, organization, id).await?;
        let Some(MemberDetails { member: row, teams }) = found else { return Ok(Value::Null.into()) };
        let email = match (&row.account, &row.email) {
            (Some(account), _) => self.address(&account.email).await?,
            (None, Some(email)) => self.address(email).await?,
            (None, None) => String::new(),
        };
        let status = match (row.invite_status, row.user) {
            (InviteStatus::Approved, Some(_)) => "member",
            (InviteStatus::Approved, None) => "invited",
            _ => "requested",
        };
        let active = row.account.as_ref().is_none_or(|account| account.active);
        let teams: Vec<_> = teams.into_iter().filter(|team| team.active).collect();
        let by_id: Map<_, _> = teams.iter().map(|team| (team.id.to_string(), json!(team.role))).collect();
        let by_slug: Map<_, _> = teams.into_iter().map(|team| (team.slug, json!(team.role))).collect();
        let told = json!({
            "email": email, "user": row.user, "status": status, "active": active, "role": row.org_role, "expiresAt": row.expires_at,
            "flags": row.flags.iter().map(|flag| flag.name()).collect::<Vec<_>>(), "teams": by_slug,
        });
        let mut compared = told.clone();
        compared["teams"] = by_id.into();
        compared["email"] = Value::Null;
        Ok(Told { told, compared })
    }

    async fn address(&self, email: &Personal<EmailAddress>) -> Result<String, SealingError> {
        let Some(envelope) = email.envelope() else { return Ok(UNREADABLE.into()) };
        match self.keys.unseal(envelope).await {
            Ok(unsealed) => Ok(Unsealed::into_text(unsealed)),
            Err(SealingError::KeyMissing(_) | SealingError::Tampered { .. }) => Ok(UNREADABLE.into()),
            Err(error) => Err(error),
        }
    }
}

impl From<Value> for Told {
    fn from(told: Value) -> Self {
        Self { compared: told.clone(), told }
    }
}

pub(super) async fn team_of(
    past: &Past,
    organization: OrganizationId,
    id: TeamId,
) -> Result<Told, PastError> {
    let Some(found) = teams::query::find(&past.views, organization, None, id).await? else {
        return Ok(Value::Null.into());
    };
    let team = found.team;
    Ok(json!({ "slug": team.slug, "name": team.name, "idpProvisioned": team.idp_provisioned }).into())
}

/// The fields of the organization, as the API names them. One that is not there has the settings of a new one.
pub(super) fn fields(past: &Past) -> Map<String, Value> {
    let new = Organization::default();
    let there = past.organization.as_deref();
    let organization = there.unwrap_or(&new);
    let settings = settings().iter().map(|setting| (setting.field.to_owned(), organization.setting(setting)));
    let features = Feature::all()
        .iter()
        .map(|feature| (feature.to_string(), Value::Bool(organization.has_feature(*feature))));
    let mut fields: Map<_, _> = settings.chain(features).collect();
    let of = |value: fn(&Organization) -> Value| there.map_or(Value::Null, value);
    fields.insert("name".into(), of(|it| json!(it.name)));
    fields.insert("slug".into(), of(|it| json!(it.slug)));
    fields.insert("defaultRole".into(), of(|it| json!(it.default_role)));
    fields.insert("sso".into(), of(|it| json!(it.sso)));
    fields.insert("avatar".into(), of(|it| json!(it.avatar)));
    fields.insert("deletionDue".into(), of(|it| json!(it.deletion_due)));
    fields
}

pub(super) fn change_of_member(from: &Value, to: &Value) -> &'static str {
    match (from["status"].as_str(), to["status"].as_str()) {
        (Some(was), Some(is)) if was == is => match (from["active"].as_bool(), to["active"].as_bool()) {
            (Some(true), Some(false)) => "deactivated",
            (Some(false), Some(true)) => "reactivated",
            _ => "changed",
        },
        (_, Some("member")) => "joined",
        (Some("member"), Some("invited")) => "returned",
        (_, Some("invited")) => "invited",
        (_, Some(_)) => "requested",
        (Some("requested"), None) => "rejected",
        (Some("invited"), None) => "revoked",
        (_, None) => "left",
    }
}

pub(super) fn change_of_thing(from: &Value, to: &Value) -> &'static str {
    match (from.is_null(), to.is_null()) {
        (true, false) => "created",
        (false, true) => "deleted",
        _ => "changed",
    }
}
