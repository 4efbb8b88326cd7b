//! One page of an audit log, read from the log in a bounded number of queries.

use std::{collections::BTreeSet, mem, sync::Arc};

use muster_events::{id::OrganizationId, recorded::RecordedEvent, stream::Position};

use super::parts::{Cursor, Parts};
use crate::{
    audit::{Entry, Kind, entries, same_run},
    http::{app::App, problem::Problem},
    ledger::ExecuteError,
    store::{LogQuery, Order, StoredEvent},
};

/// Events of one query.
const BATCH: usize = 500;

/// Queries for one page; a page that is not full by then is short, and leads on.
const MOST_BATCHES: usize = 8;

/// A page.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// Newest first.
    pub(super) entries: Vec<Entry>,
    /// Before which entry the next page begins; none on the last one.
    pub(super) next: Option<u64>,
    /// After which entry the page of what is newer ends; none on the newest.
    pub(super) previous: Option<u64>,
}

/// Reads the page that `parts` asks for.
pub(super) async fn read(app: &App, organization: OrganizationId, parts: &Parts) -> Result<Page, Problem> {
    let reading = Reading { app, organization, parts };
    match parts.cursor {
        Cursor::Newest => reading.back(None).await,
        Cursor::Before(id) => {
            let page = reading.back(Some(id)).await?;
            let previous = page.entries.first().map_or(id.saturating_sub(1), Entry::id);
            Ok(Page { previous: Some(previous), ..page })
        }
        Cursor::After(id) => {
            // The page ends where it would if it had been read from its newest entry on.
            let newer = reading.newer(id).await?;
            let Some(newest) = newer.get(parts.limit.min(newer.len()).wrapping_sub(1)).copied() else {
                return reading.back(None).await;
            };
            let page = reading.back(Some(newest.saturating_add(1))).await?;
            Ok(Page { previous: Some(newest).filter(|_| newer.len() > parts.limit), ..page })
        }
    }
}

struct Reading<'a> {
    app: &'a App,
    organization: OrganizationId,
    parts: &'a Parts,
}

impl Reading<'_> {
    /// Entries before `before`, from there towards the past.
    async fn back(&self, before: Option<u64>) -> Result<Page, Problem> {
        let limit = self.parts.limit;
        let mut found = Found::new(before);
        let mut after = None;
        if let Some(position) = before.map(|id| Position(id / 2)) {
            found.run = self.run(position, Order::Ascending).await?;
            found.run.reverse();
            after = Some(found.run.last().map_or(position.next(), |oldest| oldest.position));
        }
        for _ in 0..MOST_BATCHES {
            let events = self.query(Order::Descending, after).await?;
            after = events.last().map(|last| last.position);
            let complete = events.len() < BATCH;
            for event in &events {
                let Some(recorded) = recorded(event) else { continue };
                if found.run.last().is_some_and(|newer| !same_run(newer, &recorded)) {
                    found.close(|entry| self.is_wanted(entry));
                }
                found.run.push(recorded);
            }
            if complete {
                found.close(|entry| self.is_wanted(entry));
                found.resume = None;
            }
            if complete || found.entries.len() > limit {
                break;
            }
        }
        if found.resume.is_none() && !found.run.is_empty() {
            // One command that fills all queries: what of it was read is shown as far as it goes.
            found.resume = found.run.last().map(|oldest| oldest.position.0.saturating_mul(2));
            found.close(|entry| self.is_wanted(entry));
        }
        let mut next = found.resume;
        if found.entries.len() > limit {
            found.entries.truncate(limit);
            next = found.entries.last().map(Entry::id);
        }
        Ok(Page { entries: found.entries, next, previous: None })
    }

    /// The ids of the entries after `id`, oldest first, at most one more than a page has.
    async fn newer(&self, id: u64) -> Result<Vec<u64>, Problem> {
        let (mut ids, mut run) = (vec![], self.run(Position(id / 2), Order::Descending).await?);
        run.reverse();
        let mut after = Some(Position(id / 2));
        for _ in 0..MOST_BATCHES {
            let events = self.query(Order::Ascending, after).await?;
            after = events.last().map(|last| last.position);
            let complete = events.len() < BATCH;
            let mut close = |run: Vec<Arc<RecordedEvent>>| {
                let all = entries(&run);
                let wanted = all.iter().rev().filter(|entry| entry.id() > id && self.is_wanted(entry));
                ids.extend(wanted.map(Entry::id));
            };
            for recorded in events.iter().filter_map(recorded) {
                if run.last().is_some_and(|older| !same_run(older, &recorded)) {
                    close(mem::take(&mut run));
                }
                run.push(recorded);
            }
            if complete {
                close(mem::take(&mut run));
            }
            if complete || ids.len() > self.parts.limit {
                break;
            }
        }
        ids.truncate(self.parts.limit.saturating_add(1));
        Ok(ids)
    }

    /// The events of one run from `position` on in one direction. A page that begins in the middle of a run has to know
    /// the whole: entries that sum up are about all of it.
    async fn run(&self, position: Position, order: Order) -> Result<Vec<Arc<RecordedEvent>>, Problem> {
        let before_it = match order {
            Order::Ascending => Position(position.0.saturating_sub(1)),
            Order::Descending => position.next(),
        };
        let events = self.query(order, Some(before_it)).await?;
        let mut run: Vec<Arc<RecordedEvent>> = vec![];
        for recorded in events.iter().filter_map(recorded) {
            if run.last().is_some_and(|neighbour| !same_run(neighbour, &recorded)) {
                break;
            }
            run.push(recorded);
        }
        Ok(run)
    }

    async fn query(&self, order: Order, after: Option<Position>) -> Result<Vec<StoredEvent>, Problem> {
        let kinds = match self.parts.kind {
            Some(kind) => vec![kind],
            None => Kind::ALL.to_vec(),
        };
        let types: BTreeSet<_> = kinds.into_iter().flat_map(Kind::needed_types).collect();
        if types.is_empty() {
            return Ok(vec![]);
        }
        let query = LogQuery {
            organization: Some(self.organization),
            types: types.into_iter().map(str::to_owned).collect(),
            person: self.parts.actor,
            from: self.parts.from,
            to: self.parts.to,
            after,
            limit: BATCH,
            order,
            ..LogQuery::default()
        };
        Ok(self.app.ledger.store().query(query).await.map_err(ExecuteError::from)?)
    }

    fn is_wanted(&self, entry: &Entry) -> bool {
        let of_kind = self.parts.kind.is_none_or(|kind| entry.kind == kind);
        of_kind && self.parts.actor.is_none_or(|actor| entry.first().metadata.actor.person() == Some(actor))
    }
}

/// What a reading towards the past has found.
struct Found {
    before: Option<u64>,
    entries: Vec<Entry>,
    /// The events of a run that may go on, newest first.
    run: Vec<Arc<RecordedEvent>>,
    /// Before which entry a reading goes on that stops here.
    resume: Option<u64>,
}

impl Found {
    fn new(before: Option<u64>) -> Self {
        Self { before, entries: vec![], run: vec![], resume: None }
    }

    /// The run is complete: whoever goes on from here does so before the oldest of its events.
    fn close(&mut self, is_wanted: impl Fn(&Entry) -> bool) {
        let mut run = mem::take(&mut self.run);
        run.reverse();
        if let Some(oldest) = run.first() {
            self.resume = Some(oldest.position.0.saturating_mul(2));
        }
        let before = self.before.unwrap_or(u64::MAX);
        self.entries
            .extend(entries(&run).into_iter().filter(|entry| entry.id() < before && is_wanted(entry)));
    }
}

/// An event that this program can read. One that it cannot stays in the history, and hides nothing else here.
fn recorded(stored: &StoredEvent) -> Option<Arc<RecordedEvent>> {
    stored
        .recorded()
        .inspect_err(|error| tracing::warn!(position = %stored.position, %error, "an event is left out of an audit log"))
        .ok()
        .map(Arc::new)
}
