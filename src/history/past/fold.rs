//! The rows of one organization, folded from its events and from those of the people in it.

use std::{collections::BTreeMap, sync::Arc};

use muster_events::{
    definitions::RoleDefinitions,
    event::Event,
    id::{OrganizationId, UserId},
    roles::Roles,
    stream::{Position, Sequence, StreamId},
};
use muster_projections::{
    members, organizations,
    projection::{LogEntry, Projection},
    sink::memory::MemoryTables,
    teams, users,
};

use super::PastError;
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
    /// Streams that cannot be read, from this position on.
    aside: BTreeMap<StreamId, Position>,
}

impl Folded {
    /// The rows when `position` was the end of the log.
    pub(super) async fn of(
        store: &dyn Store,
        organization: OrganizationId,
        position: Position,
    ) -> Result<Self, PastError> {
        let mut folded = Self::default();
        let up_to = Some(position);
        let of_organization =
            LogQuery { organization: Some(organization), up_to, limit: PAGE, ..LogQuery::default() };
        folded.add_all(store, of_organization).await?;
        let people: Vec<UserId> = members::people(&folded.tables).into_iter().collect();
        for people in people.chunks(STREAMS) {
            let streams = people.iter().map(|user| StreamId::from(*user)).collect();
            let of_people = LogQuery { streams, up_to, limit: PAGE, ..LogQuery::default() };
            folded.add_all(store, of_people).await?;
        }
        Ok(folded)
    }

    async fn add_all(&mut self, store: &dyn Store, query: LogQuery) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let events = store.query(LogQuery { after, ..query.clone() }).await?;
            for event in &events {
                self.add(event);
            }
            match events.last() {
                Some(last) if events.len() == query.limit => after = Some(last.position),
                _ => return Ok(()),
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
