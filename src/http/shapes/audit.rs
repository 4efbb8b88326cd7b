//! An audit log (behaviour.md 11).

use muster_events::{
    event::Event,
    id::{OrganizationId, UserId},
    member::{Member, MemberEvent},
    organization::{Organization, OrganizationEvent},
    personal::{Envelope, Personal},
    recorded::{Actor, ActorKind},
    team::TeamEvent,
    time::Timestamp,
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{text, user};
use crate::{
    audit::{self, Change, Entry, Kind, Named},
    http::audit::{Surroundings, Told, who},
    sealing::{ERASED, Opener},
};

/// A page of an audit log.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct AuditLog {
    rows: Vec<AuditEntry>,
    /// The kinds of entries that there can be.
    options: Vec<&'static str>,
}

/// One entry.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct AuditEntry {
    id: String,
    actor: Party,
    event: &'static str,
    /// Where the request came from; null without `org:admin`.
    #[schema(required)]
    ip_address: Option<String>,
    note: String,
    target_object: Target,
    #[schema(required)]
    target_user: Option<Party>,
    /// What is known about it; `changes` has each changed field before and after.
    #[schema(value_type = Object)]
    data: Map<String, Value>,
    #[schema(value_type = String, format = DateTime)]
    date_created: Timestamp,
}

/// Somebody who acted, or whom it concerned.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Party {
    /// Of a user or an organization; of what there is only one of, its kind.
    id: String,
    kind: &'static str,
    name: String,
    #[schema(required)]
    username: Option<String>,
    #[schema(required)]
    email: Option<String>,
}

/// What it happened to.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct Target {
    id: String,
    kind: String,
}

/// The envelopes that [`log`] opens.
pub(in crate::http) fn envelopes<'a>(around: &'a Surroundings<'_>) -> impl Iterator<Item = &'a Envelope> {
    let people = around.people.values().flat_map(user::envelopes);
    let told = around.entries.iter().flat_map(|told| {
        let email =
            told.member.as_ref().and_then(|member| member.email.as_ref()).and_then(Personal::envelope);
        let ip = told.entry.first().metadata.ip.as_ref().and_then(Personal::envelope);
        email.into_iter().chain(ip)
    });
    people.chain(told)
}

/// The page. `with_origin` shows where requests came from.
pub(in crate::http) fn log(
    around: &Surroundings<'_>,
    opener: &Opener,
    (id, organization): (OrganizationId, &Organization),
    with_origin: bool,
) -> AuditLog {
    let shaping = Shaping { around, opener, id, organization, with_origin };
    let mut options: Vec<_> = Kind::ALL.iter().map(|kind| kind.api_name()).collect();
    options.sort_unstable();
    AuditLog { rows: around.entries.iter().map(|told| shaping.entry(told)).collect(), options }
}

struct Shaping<'a> {
    around: &'a Surroundings<'a>,
    opener: &'a Opener,
    id: OrganizationId,
    organization: &'a Organization,
    with_origin: bool,
}

impl Shaping<'_> {
    fn entry(&self, told: &Told<'_>) -> AuditEntry {
        let entry = told.entry;
        let metadata = &entry.first().metadata;
        let ip = metadata.ip.as_ref().filter(|_| self.with_origin);
        let named = self.named(told);
        AuditEntry {
            id: entry.id().to_string(),
            actor: self.actor(who(&metadata.actor)),
            event: entry.kind.api_name(),
            ip_address: ip.map(|ip| text(self.opener, ip)),
            note: audit::note(entry, &named),
            target_object: self.target(entry),
            target_user: told.user.map(|user| self.person(user)),
            data: self.data(told, &named),
            date_created: entry.first().recorded_at,
        }
    }

    fn person(&self, id: UserId) -> Party {
        let row = self.around.people.get(&id);
        let erased = || ERASED.to_owned();
        Party {
            id: id.to_string(),
            kind: ActorKind::User.name(),
            name: row.map_or_else(erased, |row| {
                user::display_name(self.opener, row.name.as_ref(), &row.email, &row.username)
            }),
            username: Some(row.map_or_else(erased, |row| text(self.opener, &row.username))),
            email: Some(row.map_or_else(erased, |row| text(self.opener, &row.email))),
        }
    }

    fn actor(&self, actor: &Actor) -> Party {
        if let Some(id) = actor.person() {
            return self.person(id);
        }
        let name = match actor.kind {
            ActorKind::User => ERASED,
            ActorKind::Integration => "Integration token",
            ActorKind::System => "System",
            ActorKind::Import => "Import",
            ActorKind::Policy => "Policy",
            ActorKind::Anonymous => "Anonymous",
        };
        let kind = actor.kind.name();
        let id = actor.id.as_ref().map_or_else(|| kind.to_owned(), ToString::to_string);
        Party { id, kind, name: name.into(), username: None, email: None }
    }

    fn target(&self, entry: &Entry) -> Target {
        let stream = entry.stream();
        match entry.kind {
            // Clients of this wire format know it so (behaviour.md 7.5).
            Kind::MemberPending => {
                Target { id: self.id.to_string(), kind: muster_events::organization::TYPE.into() }
            }
            _ => Target { id: stream.aggregate_id.to_string(), kind: stream.aggregate_type.to_string() },
        }
    }

    /// The address of the member: of the person, once there is one.
    fn email(&self, told: &Told<'_>) -> String {
        let Some(member) = &told.member else { return String::new() };
        match (member.user, &member.email) {
            (Some(user), _) => self.person(user).email.unwrap_or_default(),
            (None, Some(email)) => text(self.opener, email),
            (None, None) => String::new(),
        }
    }

    fn named(&self, told: &Told<'_>) -> Named {
        let actor = told.entry.first().metadata.actor.person();
        let member = told.member.as_ref();
        let slug = |team| self.around.slug(team, told.entry);
        let mut teams: Vec<_> =
            member.into_iter().flat_map(|member| member.teams.keys()).map(|team| slug(*team)).collect();
        teams.sort_unstable();
        Named {
            email: self.email(told),
            own: actor.is_some() && actor == told.user,
            role: member.and_then(|member| member.org_role.as_ref()).map(ToString::to_string),
            teams,
            team: told.team.as_ref().map(|(_, team)| team.slug.clone()).unwrap_or_default(),
        }
    }

    fn data(&self, told: &Told<'_>, named: &Named) -> Map<String, Value> {
        let mut data = match (&told.entry.first().event, &told.member) {
            (Event::Member(_), Some(member)) => of_member(told, member, named),
            (Event::Team(_), _) => of_team(told),
            (Event::Organization(_), _) => self.of_organization(told.entry),
            _ => Map::new(),
        };
        let changes = told.changes.iter().map(|change| self.change(told.entry, change));
        data.insert("changes".into(), changes.collect());
        data
    }

    fn of_organization(&self, entry: &Entry) -> Map<String, Value> {
        let mut data = object(json!({
            "id": self.id,
            "slug": self.organization.slug,
            "name": self.organization.name,
        }));
        match &entry.first().event {
            Event::Organization(OrganizationEvent::OrganizationCreated { slug, name, .. }) => {
                data.extend(object(json!({ "slug": slug, "name": name })));
            }
            Event::Organization(OrganizationEvent::SsoEnabled { provider, .. }) => {
                data.insert("provider".into(), provider.clone().into());
            }
            _ => data.extend(audit::tracked(entry).into_iter().map(|(name, change)| (name, change.into()))),
        }
        data
    }

    fn change(&self, entry: &Entry, change: &Change) -> Value {
        let shown = |value: &audit::Value| match value {
            audit::Value::Plain(value) => value.clone(),
            audit::Value::Team(team) => self.around.slug(*team, entry).into(),
            audit::Value::TeamRole(team, role) => {
                json!({ "teamSlug": self.around.slug(*team, entry), "role": role })
            }
        };
        json!({ "field": change.field, "from": shown(&change.from), "to": shown(&change.to) })
    }
}

fn of_member(told: &Told<'_>, member: &Member, named: &Named) -> Map<String, Value> {
    let entry = told.entry;
    if let (Kind::MemberJoinTeam | Kind::MemberLeaveTeam, Some((id, team))) = (entry.kind, &told.team) {
        return object(json!({
            "team_slug": team.slug,
            "team": id,
            "member_id": entry.stream().aggregate_id,
            "email": named.email,
            "is_active": entry.kind == Kind::MemberJoinTeam,
        }));
    }
    let mut data = object(json!({
        "email": named.email,
        "user": told.user,
        "teams": member.teams.keys().collect::<Vec<_>>(),
        "teams_slugs": named.teams,
        "has_global_access": true,
        "role": named.role,
        "invite_status": member.invite_status.name(),
    }));
    if let (Event::Member(MemberEvent::TeamRoleChanged { to, .. }), Some((_, team))) =
        (&entry.first().event, &told.team)
    {
        data.insert("team_slug".into(), team.slug.clone().into());
        data.insert("team_role".into(), json!(to));
    }
    if entry.kind == Kind::SsoIdentityLink {
        data.insert("provider".into(), audit::provider(entry).into());
    }
    data
}

fn of_team(told: &Told<'_>) -> Map<String, Value> {
    let Some((id, team)) = &told.team else { return Map::new() };
    let mut data = object(json!({ "id": id, "slug": team.slug, "name": team.name }));
    for recorded in &told.entry.events {
        if let Event::Team(TeamEvent::TeamSlugChanged { from, to }) = &recorded.event {
            data.extend(object(json!({ "old_slug": from, "new_slug": to })));
        }
    }
    data
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
