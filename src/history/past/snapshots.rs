//! States of organizations that are kept at intervals, so that no state costs the whole history again.
//!
//! They stand beside the read models, sealed as those are, and are as disposable: whatever is wrong with them, the state is
//! folded from the beginning.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use muster_events::{id::OrganizationId, stream::Position};
use muster_projections::{
    sink::memory::MemoryTables,
    views::{SnapshotOf, Views},
};
use tokio::time::timeout;
use tracing::warn;

use super::fold::PROJECTIONS;
use crate::store::Store;

/// Events of an organization between two states, at least.
const INTERVAL: usize = 1_000;
/// How long a read waits for a state to be kept, so that the next read of that organization finds it.
const PATIENCE: Duration = Duration::from_secs(1);

/// The states that are kept.
#[derive(Debug)]
pub(in crate::history) struct Snapshots {
    views: Views,
    interval: usize,
    /// Whether what other versions made has been forgotten.
    is_clean: Arc<AtomicBool>,
    busy: Busy,
}

impl Snapshots {
    pub(in crate::history) fn new(views: Views) -> Self {
        Self::with_interval(views, INTERVAL)
    }

    /// The same with another [`INTERVAL`].
    pub(in crate::history) fn with_interval(views: Views, interval: usize) -> Self {
        Self { views, interval: interval.max(1), is_clean: Arc::default(), busy: Busy::default() }
    }

    /// How many events there are until the next one. States of large organizations are kept less often, so that all of
    /// them take no more room than the events.
    pub(super) fn interval(&self, tables: &MemoryTables) -> usize {
        self.interval.max(tables.len())
    }

    /// The newest one at `up_to` or before; none where there is none that can be read.
    pub(super) async fn before(
        &self,
        store: &dyn Store,
        organization: OrganizationId,
        up_to: Position,
    ) -> Option<(Position, MemoryTables)> {
        let made_by = made_by(store);
        let of = SnapshotOf { made_by: &made_by, organization };
        let tables = PROJECTIONS.iter().flat_map(|projection| projection.tables).copied();
        let found = self.views.snapshot_before(of, up_to, tables).await;
        found.unwrap_or_else(|error| {
            warn!(%organization, %error, "a state that was kept cannot be read: folding from the beginning");
            None
        })
    }

    /// Keeps a state. Whoever folds on waits for it a moment; what takes longer goes on behind him, one for each organization
    /// at a time.
    pub(super) async fn keep(
        &self,
        store: &dyn Store,
        organization: OrganizationId,
        at: Position,
        tables: &MemoryTables,
    ) {
        let Some(turn) = self.turn(organization) else { return };
        let (views, is_clean) = (self.views.clone(), Arc::clone(&self.is_clean));
        let (made_by, tables) = (made_by(store), tables.clone());
        let keep = tokio::spawn(async move {
            let _turn = turn;
            let of = SnapshotOf { made_by: &made_by, organization };
            let kept = async {
                if !is_clean.load(Ordering::Relaxed) {
                    views.forget_snapshots_but(&made_by).await?;
                    is_clean.store(true, Ordering::Relaxed);
                }
                views.keep_snapshot(of, at, &tables).await
            };
            if let Err(error) = kept.await {
                warn!(%organization, position = at.0, %error, "a state cannot be kept");
            }
        });
        // Whether it is done by then makes no difference to what is folded.
        let _ = timeout(PATIENCE, keep).await;
    }

    /// None while a state of the organization is being kept.
    fn turn(&self, organization: OrganizationId) -> Option<Turn> {
        let is_free = self.busy.lock().unwrap_or_else(PoisonError::into_inner).insert(organization);
        is_free.then(|| Turn { organization, busy: Arc::clone(&self.busy) })
    }
}

/// The organizations of which a state is being kept.
type Busy = Arc<Mutex<BTreeSet<OrganizationId>>>;

/// That a state of an organization is being kept; over when this is dropped.
#[derive(Debug)]
struct Turn {
    organization: OrganizationId,
    busy: Busy,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.organization);
    }
}

/// Another log, or other projections, make other states.
fn made_by(store: &dyn Store) -> String {
    let versions = PROJECTIONS.iter().map(|of| format!("{} {}", of.name, of.version));
    format!("{}: {}", store.incarnation(), versions.collect::<Vec<_>>().join(", "))
}
