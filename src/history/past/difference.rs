//! What changed in an organization between two moments: what it comes to, and by whom.

use std::collections::{BTreeMap, BTreeSet};

use muster_events::{
    id::{MemberId, OrganizationId, TeamId},
    member::{self, InviteStatus},
    organization::{self, Feature, Organization, Setting, settings},
    personal::{EmailAddress, Personal},
    stream::{Position, StreamId},
    team,
};
use muster_projections::{
    members::{self, MemberDetails},
    teams,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Past, PastError};
use crate::{
    history::{History, LogPosition, UNREADABLE},
    sealing::{SealingError, Unsealed},
    store::{LogQuery, StoredEvent},
};

/// Events that are read at once.
const PAGE: usize = 1_000;

/// What changed. Whoever or whatever is in the end as it was in the beginning is not in it.
#[derive(Debug, Serialize)]
pub struct Difference {
    /// After this position.
    pub from: LogPosition,
    /// Up to this one.
    pub to: LogPosition,
    /// Only up to here all is told, where a stream cannot be read beyond it; null where there is none.
    pub complete_to: Option<LogPosition>,
    /// The organization itself, by field: its name, its settings.
    pub organization: Vec<Changed>,
    /// Its teams, by id.
    pub teams: Vec<Changed>,
    /// Its members, invitations and requests, by id.
    pub members: Vec<Changed>,
}

/// Something that changed.
#[derive(Debug, Serialize)]
pub struct Changed {
    /// The field of the organization, or the id.
    pub what: String,
    /// In a word: `created`, `deleted` or `changed`; of members `joined`, `left`, `invited`, `revoked`, `requested`,
    /// `rejected`, `returned` (to an invitation) or `changed`.
    pub change: &'static str,
    /// What it was; null where it was not there.
    pub from: Value,
    /// What it is; null where it is not there.
    pub to: Value,
    /// The events that led there, oldest first, with who asked for them.
    pub events: Vec<Cause>,
}

/// One of the events that led to a change.
#[derive(Debug, Clone, Serialize)]
pub struct Cause {
    /// Its place in the log.
    pub position: Position,
    /// What happened.
    #[serde(rename = "type")]
    pub event_type: String,
    /// When.
    pub recorded_at: muster_events::time::Timestamp,
    /// Who asked.
    pub actor: Value,
    /// Of an event of the organization, to know which field it is about.
    #[serde(skip)]
    payload: Value,
}

/// What it was or is: as it is told, and as it is compared.
struct Told {
    told: Value,
    compared: Value,
}

type Causes = BTreeMap<StreamId, Vec<Cause>>;

impl History {
    /// What changed in `organization` after `from` up to `to`.
    pub async fn difference(
        &self,
        organization: OrganizationId,
        from: Position,
        to: Position,
    ) -> Result<Difference, PastError> {
        let (before, after) = (self.past(organization, from).await?, self.past(organization, to).await?);
        let causes = self.causes(organization, from, to).await?;
        let of = |stream: &StreamId| causes.get(stream).cloned().unwrap_or_default();
        let mut members = vec![];
        for id in ids::<MemberId>(&causes, member::TYPE) {
            let (was, is) =
                (self.member(&before, organization, id).await?, self.member(&after, organization, id).await?);
            members.extend(changed(id.to_string(), was, is, of(&id.into()), change_of_member));
        }
        let mut all_teams = vec![];
        for id in ids::<TeamId>(&causes, team::TYPE) {
            let (was, is) =
                (team_of(&before, organization, id).await?, team_of(&after, organization, id).await?);
            all_teams.extend(changed(id.to_string(), was, is, of(&id.into()), change_of_thing));
        }
        let (was, is) = (fields(&before), fields(&after));
        let about = of(&organization.into());
        let field = |name: &String| {
            let value = |fields: &Map<String, Value>| fields.get(name).cloned().unwrap_or(Value::Null).into();
            let causes = about.iter().filter(|cause| cause.touches(name)).cloned().collect();
            changed(name.clone(), value(&was), value(&is), causes, |_, _| "changed")
        };
        let complete_to = [before.complete_to, after.complete_to].into_iter().flatten();
        Ok(Difference {
            from: self.at(from),
            to: self.at(to),
            complete_to: complete_to.min_by_key(|at| at.position),
            organization: is.keys().filter_map(field).collect(),
            teams: all_teams,
            members,
        })
    }

    /// The events between the two, by stream.
    async fn causes(
        &self,
        organization: OrganizationId,
        from: Position,
        to: Position,
    ) -> Result<Causes, PastError> {
        let (mut causes, mut after) = (Causes::new(), from);
        loop {
            let query = LogQuery {
                organization: Some(organization),
                after: Some(after),
                up_to: Some(to),
                limit: PAGE,
                ..LogQuery::default()
            };
            let events = self.store.query(query).await?;
            for stored in &events {
                causes.entry(stored.stream.clone()).or_default().push(Cause::of(stored));
            }
            match events.last() {
                Some(last) if events.len() == PAGE => after = last.position,
                _ => return Ok(causes),
            }
        }
    }

    /// A member as people read it. A team that is called otherwise, or another address, is no change of his.
    async fn member(
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
        let teams: Vec<_> = teams.into_iter().filter(|team| team.active).collect();
        let by_id: Map<_, _> = teams.iter().map(|team| (team.id.to_string(), json!(team.role))).collect();
        let by_slug: Map<_, _> = teams.into_iter().map(|team| (team.slug, json!(team.role))).collect();
        let told = json!({
            "email": email, "user": row.user, "status": status, "role": row.org_role, "expiresAt": row.expires_at,
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

impl Cause {
    /// Nothing that is told of it is sealed, and so no key is asked for.
    fn of(stored: &StoredEvent) -> Self {
        let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
        let is_field = stored.stream.aggregate_type == organization::TYPE;
        Self {
            position: stored.position,
            event_type: stored.event_type.clone(),
            recorded_at: stored.recorded_at,
            actor: parsed(&stored.metadata)["actor"].take(),
            payload: if is_field { parsed(&stored.payload) } else { Value::Null },
        }
    }

    /// Whether this event of an organization is about this field of it.
    fn touches(&self, field: &str) -> bool {
        let named = |key: &str| self.payload[key].as_str();
        match self.event_type.as_str() {
            "OrganizationCreated" | "OrganizationDeleted" => true,
            "OrganizationRenamed" => field == "name",
            "OrganizationSlugChanged" => field == "slug",
            "DefaultRoleChanged" => field == "defaultRole",
            "AvatarChanged" => field == "avatar",
            "SsoEnabled" | "SsoChanged" | "SsoDisabled" => field == "sso",
            "DeletionScheduled" | "DeletionCancelled" => field == "deletionDue",
            "TwoFactorRequired" | "TwoFactorRequirementLifted" => field == "require2FA",
            "EmailVerificationRequired" | "EmailVerificationRequirementLifted" => {
                field == "requireEmailVerification"
            }
            "FeatureSet" => named("feature") == Some(field),
            "OrganizationOptionChanged" => named("option") == Some(field),
            "OrganizationFlagChanged" => {
                let setting = named("flag").and_then(Setting::by_stored);
                setting.is_some_and(|setting| setting.field == field)
            }
            _ => false,
        }
    }
}

impl From<Value> for Told {
    fn from(told: Value) -> Self {
        Self { compared: told.clone(), told }
    }
}

async fn team_of(past: &Past, organization: OrganizationId, id: TeamId) -> Result<Told, PastError> {
    let Some(found) = teams::query::find(&past.views, organization, None, id).await? else {
        return Ok(Value::Null.into());
    };
    let team = found.team;
    Ok(json!({ "slug": team.slug, "name": team.name, "idpProvisioned": team.idp_provisioned }).into())
}

/// The fields of the organization, as the API names them. One that is not there has the settings of a new one.
fn fields(past: &Past) -> Map<String, Value> {
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

fn ids<T: std::str::FromStr + Ord>(causes: &Causes, kind: &str) -> BTreeSet<T> {
    let of_kind = causes.keys().filter(|stream| stream.aggregate_type == kind);
    of_kind.filter_map(|stream| stream.aggregate_id.parse().ok()).collect()
}

fn changed(
    what: String,
    from: Told,
    to: Told,
    events: Vec<Cause>,
    change: fn(&Value, &Value) -> &'static str,
) -> Option<Changed> {
    let is_other = from.compared != to.compared;
    let change = change(&from.told, &to.told);
    is_other.then_some(Changed { what, change, from: from.told, to: to.told, events })
}

fn change_of_member(from: &Value, to: &Value) -> &'static str {
    match (from["status"].as_str(), to["status"].as_str()) {
        (Some(was), Some(is)) if was == is => "changed",
        (_, Some("member")) => "joined",
        (Some("member"), Some("invited")) => "returned",
        (_, Some("invited")) => "invited",
        (_, Some(_)) => "requested",
        (Some("requested"), None) => "rejected",
        (Some("invited"), None) => "revoked",
        (_, None) => "left",
    }
}

fn change_of_thing(from: &Value, to: &Value) -> &'static str {
    match (from.is_null(), to.is_null()) {
        (true, false) => "created",
        (false, true) => "deleted",
        _ => "changed",
    }
}
