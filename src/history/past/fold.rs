//! The rows of one organization, folded from its events and from those of the people in it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use muster_events::{
    definitions::RoleDefinitions,
    event::Event,
    id::{OrganizationId, UserId},
    roles::Roles,
    stream::{Position, Sequence, StreamId},
};
use muster_projections::{
    change::Change,
    members, organizations,
    projection::{LogEntry, Projection},
    sink::memory::MemoryTables,
    table::Value,
    teams, users,
};

use super::{PastError, snapshots::Snapshots};
use crate::store::{LogQuery, Store, StoreError, StoredEvent};

/// What is asked about the past.
pub(super) static PROJECTIONS: [&Projection; 4] =
    [&organizations::PROJECTION, &teams::PROJECTION, &members::PROJECTION, &users::PROJECTION];

/// Events that are read at once.
const PAGE: usize = 1_000;
/// Streams that are asked for at once.
const STREAMS: usize = 200;

/// Rows at a position.
#[derive(Debug, Default)]
pub(super) struct Folded {
    pub(super) tables: MemoryTables,
    /// All events up to here are in them.
    at: Position,
    /// Whose events up to there are in them, too.
    pub(super) people: BTreeSet<UserId>,
    /// Streams that cannot be read, from this position on.
    aside: BTreeMap<StreamId, Position>,
}

impl Folded {
    /// The rows when `position` was the end of the log. States on the way are kept, and one of before is gone on from.
    pub(super) async fn of(
        store: &dyn Store,
        snapshots: Option<&Snapshots>,
        organization: OrganizationId,
        position: Position,
    ) -> Result<Self, PastError> {
        let mut folded = Self::default();
        if let Some(snapshots) = snapshots
            && let Some((at, tables)) = snapshots.before(store, organization, position).await
        {
            folded = Self { people: members::people(&tables), tables, at, aside: BTreeMap::new() };
        }
        loop {
            let stretch = snapshots.map_or(usize::MAX, |snapshots| snapshots.interval(&folded.tables));
            let since = folded.at;
            folded.at = folded.add_organization(store, organization, position, stretch).await?;
            folded.add_people(store, since).await?;
            if folded.at == position {
                return Ok(folded);
            }
            // What cannot be read now is read by a later version.
            if let Some(snapshots) = snapshots.filter(|_| folded.aside.is_empty()) {
                snapshots.keep(store, organization, folded.at, &folded.tables).await;
            }
        }
    }

    /// The events of the organization: `stretch` of them or a page more, or all up to `position`. Returns up to where.
    async fn add_organization(
        &mut self,
        store: &dyn Store,
        organization: OrganizationId,
        position: Position,
        stretch: usize,
    ) -> Result<Position, StoreError> {
        let (organization, up_to) = (Some(organization), Some(position));
        let limit = stretch.min(PAGE);
        let query = LogQuery { organization, up_to, after: Some(self.at), limit, ..LogQuery::default() };
        self.add_all(store, query, stretch).await.map(|end| end.unwrap_or(position))
    }

    /// What happened to the accounts that the rows name: of those that are new to them from the beginning, of the others
    /// since. Nobody else's rows stay.
    async fn add_people(&mut self, store: &dyn Store, since: Position) -> Result<(), PastError> {
        let people = members::people(&self.tables);
        for gone in self.people.difference(&people) {
            self.aside.remove(&StreamId::from(*gone));
            let of = |table| Change::delete(table, [Value::from(*gone)]);
            let changes = users::PROJECTION.tables.iter().copied().map(of);
            self.tables.apply(changes).map_err(|error| StoreError::Damaged(error.to_string()))?;
        }
        let known: Vec<_> = people.intersection(&self.people).copied().collect();
        let new: Vec<_> = people.difference(&self.people).copied().collect();
        for (people, after) in [(known, since), (new, Position::ZERO)] {
            for people in people.chunks(STREAMS) {
                let streams = people.iter().map(|user| StreamId::from(*user)).collect();
                let (after, up_to) = (Some(after), Some(self.at));
                let query = LogQuery { streams, after, up_to, limit: PAGE, ..LogQuery::default() };
                self.add_all(store, query, usize::MAX).await?;
            }
        }
        self.people = people;
        Ok(())
    }

    /// The events that the query finds, page by page, until there are `enough`. Returns the position of the last one where
    /// there may be more.
    async fn add_all(
        &mut self,
        store: &dyn Store,
        mut query: LogQuery,
        enough: usize,
    ) -> Result<Option<Position>, StoreError> {
        let mut added = 0;
        loop {
            let events = store.query(query.clone()).await?;
            for event in &events {
                self.add(event);
            }
            added += events.len();
            match events.last() {
                Some(last) if events.len() == query.limit => query.after = Some(last.position),
                _ => return Ok(None),
            }
            if added >= enough {
                return Ok(query.after);
            }
        }
    }

    /// An event that cannot be taken sets its stream aside, as it does in the read models.
    fn add(&mut self, stored: &StoredEvent) {
        if self.aside.contains_key(&stored.stream) || !PROJECTIONS.iter().any(|of| of.takes(&stored.stream)) {
            return;
        }
        let entry = LogEntry::from(stored);
        let takers = PROJECTIONS.iter().filter(|projection| projection.takes(&entry.stream));
        let changes: Result<Vec<_>, _> = takers.map(|projection| projection.changes(&entry)).collect();
        let is_taken = changes.is_ok_and(|changes| {
            let changes = changes.concat();
            changes.iter().all(|change| change.check().is_ok()) && self.tables.apply(changes).is_ok()
        });
        if !is_taken {
            self.aside.insert(entry.stream, stored.position);
        }
    }

    /// The last position before the first event that could not be taken.
    pub(super) fn complete_to(&self) -> Option<Position> {
        self.aside.values().min().map(|first| Position(first.0.saturating_sub(1)))
    }
}

/// The roles that were in force at `position`; none before the first were defined.
pub(super) async fn roles(store: &dyn Store, position: Position) -> Result<Option<Arc<Roles>>, StoreError> {
    let mut after = Sequence::ZERO;
    let mut found = RoleDefinitions::default();
    loop {
        let events = store.read_stream(&StreamId::roles(), after, PAGE).await?;
        for stored in events.iter().take_while(|stored| stored.position <= position) {
            let event = stored.event().map_err(|error| StoreError::Damaged(error.to_string()))?;
            if let Event::Roles(event) = &*event {
                muster_events::aggregate::Aggregate::evolve(&mut found, event, stored.recorded_at);
            }
        }
        match events.last() {
            Some(last) if last.position <= position && events.len() == PAGE => after = last.sequence,
            _ => break,
        }
    }
    Ok(found.in_force)
}
