//! What changed in an organization between two moments: what it comes to, and by whom.

use std::collections::{BTreeMap, BTreeSet};

use muster_events::{
    id::{MemberId, OrganizationId, TeamId},
    member::{self, InviteStatus},
    organization,
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
    history::{History, LogPosition, ShownEvent, Sight, UNREADABLE},
    sealing::{SealingError, Unsealed},
    store::LogQuery,
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
    /// In a word: `joined`, `left`, `invited`, `requested`, `created`, `deleted` or `changed`.
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
        let names: BTreeSet<_> = was.keys().chain(is.keys()).cloned().collect();
        let about: StreamId = organization.into();
        debug_assert_eq!(about.aggregate_type, organization::TYPE);
        let field = |name: String| {
            let value = |fields: &Map<String, Value>| fields.get(&name).cloned().unwrap_or(Value::Null);
            let (was, is) = (value(&was), value(&is));
            changed(name, was, is, of(&about), |_, _| "changed")
        };
        let organization = names.into_iter().filter_map(field).collect();
        Ok(Difference { from: self.at(from), to: self.at(to), organization, teams: all_teams, members })
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
            for (stored, shown) in events.iter().zip(self.show(&events, Sight::WITHOUT_ORIGIN).await?) {
                causes.entry(stored.stream.clone()).or_default().push(Cause::of(shown));
            }
            match events.last() {
                Some(last) if events.len() == PAGE => after = last.position,
                _ => return Ok(causes),
            }
        }
    }

    /// A member as people read it.
    async fn member(
        &self,
        past: &Past,
        organization: OrganizationId,
        id: MemberId,
    ) -> Result<Value, PastError> {
        let Some(found) = members::query::find(&past.views, organization, id).await? else {
            return Ok(Value::Null);
        };
        let MemberDetails { member: row, teams } = found;
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
        let teams: Map<_, _> = teams.into_iter().map(|team| (team.slug, json!(team.role))).collect();
        Ok(
            json!({ "email": email, "user": row.user, "status": status, "role": row.org_role, "teams": teams }),
        )
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
    fn of(shown: ShownEvent) -> Self {
        let actor = shown.metadata.get("actor").cloned().unwrap_or(Value::Null);
        let ShownEvent { position, event_type, recorded_at, .. } = shown;
        Self { position, event_type, recorded_at, actor }
    }
}

async fn team_of(past: &Past, organization: OrganizationId, id: TeamId) -> Result<Value, PastError> {
    let found = teams::query::find(&past.views, organization, None, id).await?;
    Ok(found.map_or(Value::Null, |found| json!({ "slug": found.team.slug, "name": found.team.name })))
}

/// The fields of the organization; those of its options and flags among them, by their own names.
fn fields(past: &Past) -> Map<String, Value> {
    let Some((organization, _)) = &past.organization else { return Map::new() };
    let Ok(Value::Object(mut fields)) = serde_json::to_value(&**organization) else { return Map::new() };
    fields.remove("created_at");
    for group in ["options", "flags", "features"] {
        if let Some(Value::Object(inner)) = fields.remove(group) {
            fields.extend(inner);
        }
    }
    fields
}

fn ids<T: std::str::FromStr + Ord>(causes: &Causes, kind: &str) -> BTreeSet<T> {
    let of_kind = causes.keys().filter(|stream| stream.aggregate_type == kind);
    of_kind.filter_map(|stream| stream.aggregate_id.parse().ok()).collect()
}

fn changed(
    what: String,
    from: Value,
    to: Value,
    events: Vec<Cause>,
    change: fn(&Value, &Value) -> &'static str,
) -> Option<Changed> {
    let change = change(&from, &to);
    (from != to).then_some(Changed { what, change, from, to, events })
}

fn change_of_member(from: &Value, to: &Value) -> &'static str {
    match (from["status"].as_str(), to["status"].as_str()) {
        (Some("member"), Some("member")) | (Some("invited"), Some("invited")) => "changed",
        (_, Some("member")) => "joined",
        (_, Some("invited")) => "invited",
        (_, Some(_)) => "requested",
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
