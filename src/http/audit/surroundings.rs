//! What the entries of a page name besides themselves: members and teams as they were then, persons as they are now.
//! Two reads of the log and one of the accounts, however many entries there are.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use muster_events::{
    aggregate::Aggregate,
    event::Event,
    id::{TeamId, UserId},
    member::{Member, MemberEvent},
    recorded::Actor,
    stream::{Position, StreamId},
    team::{self, Team},
};
use muster_projections::users::{self, UserRow};

use crate::{
    audit::{Change, Entry, Kind, Value, changes},
    http::{app::App, problem::Problem},
    ledger::ExecuteError,
    store::LogQuery,
};

/// Events of one query.
const BATCH: usize = 10_000;

/// Queries for the streams of one page. Beyond, the rest of a history that is as long as that is not looked at: what it
/// would have told is not available then.
const MOST_BATCHES: usize = 10;

/// An entry with what it names.
#[derive(Debug)]
pub(in crate::http) struct Told<'a> {
    pub(in crate::http) entry: &'a Entry,
    /// The member that it is about, as he was after it; as he was before, where he is gone.
    pub(in crate::http) member: Option<Member>,
    /// The team that it is about, as it was.
    pub(in crate::http) team: Option<(TeamId, Team)>,
    /// The user that it is about.
    pub(in crate::http) user: Option<UserId>,
    /// What changed.
    pub(in crate::http) changes: Vec<Change>,
}

/// What all entries of a page have in common.
#[derive(Debug)]
pub(in crate::http) struct Surroundings<'a> {
    pub(in crate::http) entries: Vec<Told<'a>>,
    pub(in crate::http) people: BTreeMap<UserId, UserRow>,
    teams: Teams,
}

/// The states of teams, each with the position from which on it was so.
#[derive(Debug, Default)]
struct Teams(HashMap<TeamId, Vec<(Position, Team)>>);

impl Teams {
    fn at(&self, team: TeamId, position: Position) -> Option<&Team> {
        let states = self.0.get(&team)?;
        states.iter().rev().find(|(since, _)| *since <= position).map(|(_, team)| team)
    }
}

impl Surroundings<'_> {
    /// The slug that a team had when an entry was made; its id, where the log does not tell.
    pub(in crate::http) fn slug(&self, team: TeamId, entry: &Entry) -> String {
        self.teams.at(team, entry.last().position).map_or_else(|| team.to_string(), |team| team.slug.clone())
    }
}

/// Whose doing an event is: a policy acts for whoever caused what it answers (behaviour.md D33).
pub(in crate::http) fn who(actor: &Actor) -> &Actor {
    actor.on_behalf_of.as_deref().map_or(actor, who)
}

/// Reads what `entries` name.
pub(super) async fn around<'a>(app: &App, entries: &'a [Entry]) -> Result<Surroundings<'a>, Problem> {
    let mut members = members(app, entries).await?;
    let mut told: Vec<_> = entries
        .iter()
        .map(|entry| {
            let member = members.remove(&entry.id());
            let user = member.as_ref().and_then(|member| member.user).or_else(|| user_of(entry));
            let changes = entry.events.iter().flat_map(|event| changes(&event.event)).collect();
            Told { entry, member, team: None, user, changes }
        })
        .collect();
    let teams = teams(app, &told).await?;
    for told in &mut told {
        let position = told.entry.last().position;
        told.team = team_of(told.entry).and_then(|id| Some((id, teams.at(id, position)?.clone())));
    }
    let actors = entries.iter().filter_map(|entry| entry.first().metadata.actor.person());
    let named: BTreeSet<_> = actors.chain(told.iter().filter_map(|told| told.user)).collect();
    let rows = users::query::find_all(app.views(), &named)
        .await
        .map_err(|error| Problem::unavailable(&error.to_string()))?;
    let people = rows.into_iter().map(|row| (row.id, row)).collect();
    Ok(Surroundings { entries: told, people, teams })
}

/// The user whom the entry itself names, where the member has none afterwards.
fn user_of(entry: &Entry) -> Option<UserId> {
    match &entry.first().event {
        Event::Member(MemberEvent::MemberReturnedToPending { user, .. }) => Some(*user),
        _ => None,
    }
}

/// The team that the entry is about.
fn team_of(entry: &Entry) -> Option<TeamId> {
    let first = entry.first();
    match (&first.event, entry.kind) {
        (Event::Team(_), _) => first.stream.aggregate_id.parse().ok(),
        (
            Event::Member(MemberEvent::TeamAssigned { team, .. } | MemberEvent::TeamUnassigned { team, .. }),
            Kind::MemberJoinTeam | Kind::MemberLeaveTeam,
        ) => Some(*team),
        // A single role on a single team (behaviour.md 5.4).
        (Event::Member(MemberEvent::TeamRoleChanged { team, .. }), Kind::MemberEdit)
            if entry.events.len() == 1 =>
        {
            Some(*team)
        }
        _ => None,
    }
}

/// The members that the entries are about, by the id of the entry.
async fn members(app: &App, entries: &[Entry]) -> Result<HashMap<u64, Member>, Problem> {
    let is_member = |entry: &&Entry| matches!(entry.first().event, Event::Member(_));
    let (mut befores, mut afters) = (HashMap::<_, Vec<_>>::new(), HashMap::<_, Vec<_>>::new());
    let mut streams = BTreeSet::new();
    for entry in entries.iter().filter(is_member) {
        let gone = matches!(entry.kind, Kind::MemberRemove | Kind::InviteRequestRemove);
        let (places, event) = if gone { (&mut befores, entry.first()) } else { (&mut afters, entry.last()) };
        places.entry(event.position).or_default().push(entry.id());
        streams.insert(entry.stream().clone());
    }
    let last = entries.iter().map(|entry| entry.last().position).max();
    let (mut states, mut found) = (HashMap::<StreamId, Member>::new(), HashMap::new());
    each(app, streams, last, |stream, position, at, event| {
        let Some(event) = Member::event_of(event) else { return };
        let state = states.entry(stream.clone()).or_default();
        for id in befores.get(&position).into_iter().flatten() {
            found.insert(*id, state.clone());
        }
        state.evolve(event, at);
        for id in afters.get(&position).into_iter().flatten() {
            found.insert(*id, state.clone());
        }
    })
    .await?;
    Ok(found)
}

/// The teams that the entries name, as they were at any time until the newest entry.
async fn teams(app: &App, told: &[Told<'_>]) -> Result<Teams, Problem> {
    let changed = told.iter().flat_map(|told| &told.changes).flat_map(|change| [&change.from, &change.to]);
    let changed = changed.filter_map(|value| match value {
        Value::Team(team) | Value::TeamRole(team, _) => Some(*team),
        Value::Plain(_) => None,
    });
    let on = told.iter().filter_map(|told| told.member.as_ref()).flat_map(|member| member.teams.keys());
    let about = told.iter().filter_map(|told| team_of(told.entry));
    let streams = changed.chain(on.copied()).chain(about).map(StreamId::from).collect();
    let last = told.iter().map(|told| told.entry.last().position).max();
    let mut teams = Teams::default();
    each(app, streams, last, |stream, position, at, event| {
        let (Some(event), Ok(id)) = (Team::event_of(event), stream.aggregate_id.parse()) else { return };
        debug_assert_eq!(stream.aggregate_type, team::TYPE);
        let states = teams.0.entry(id).or_default();
        let mut state = states.last().map(|(_, state)| state.clone()).unwrap_or_default();
        state.evolve(event, at);
        states.push((position, state));
    })
    .await?;
    Ok(teams)
}

/// Shows the events of `streams` up to the position `last`, in the order of the log.
async fn each(
    app: &App,
    streams: BTreeSet<StreamId>,
    last: Option<Position>,
    mut see: impl FnMut(&StreamId, Position, muster_events::time::Timestamp, &Event),
) -> Result<(), Problem> {
    if streams.is_empty() {
        return Ok(());
    }
    let mut query =
        LogQuery { streams: streams.into_iter().collect(), up_to: last, limit: BATCH, ..LogQuery::default() };
    for _ in 0..MOST_BATCHES {
        let events = app.ledger.store().query(query.clone()).await.map_err(ExecuteError::from)?;
        for stored in &events {
            if let Ok(event) = stored.event() {
                see(&stored.stream, stored.position, stored.recorded_at, &event);
            }
        }
        if events.len() < BATCH {
            break;
        }
        query.after = events.last().map(|last| last.position);
    }
    Ok(())
}
