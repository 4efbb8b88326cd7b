//! Applying a batch of the log to all projections: rows, parked streams and checkpoints in one transaction.

use muster_events::stream::Position;

use super::{
    Generation, Lease, ParkedStream, Views,
    generation::{self, State},
    lease, parked,
    parked::Parked,
};
use crate::{
    change::Change,
    database::Transaction,
    error::ViewError,
    projection::{LogEntry, Projection},
    sink::{
        fold::Fold,
        live::{self, SinkError},
    },
};

/// What became of a batch.
#[derive(Debug)]
pub enum Outcome {
    /// Every projection has come to the end of the batch, or was further already.
    Applied(Applied),
    /// The views are not where this process believed them to be: another one has begun them anew. Nothing was
    /// applied; [`Views::prepare`] says where they are.
    Moved,
    /// A generation that has just been built is further back than the batch begins. Nothing was applied;
    /// [`Views::prepare`] says where to begin.
    Behind,
    /// Another process holds the lease. Nothing was applied.
    Fenced,
}

/// Where the views stand after a batch.
#[derive(Debug)]
pub struct Applied {
    /// What everything has reached that is kept up to date, read or not.
    pub position: Position,
    /// The living generation of each of the projections.
    pub living: Vec<Generation>,
    /// The streams that are set aside in them.
    pub parked: Vec<ParkedStream>,
}

/// A projection, and the number of the generation of its rows.
pub(super) type Target = (&'static Projection, u32);

/// How the changes of a batch are carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Care {
    /// All as one, each row once: an event that is refused undoes the batch.
    Trusting,
    /// Each event by itself: one that is refused has its stream set aside.
    Each,
}

impl Views {
    /// Gives each projection those of `entries` that lie after its own checkpoint. `entries` are all events of the
    /// log `incarnation` after `after`, in order, up to some position. With a `fence`, only while that lease is held.
    ///
    /// An event that cannot be read or whose changes are refused because of what they are has its stream set aside
    /// in the projections that take it. An error means that nothing was applied and that it is worth trying again.
    pub async fn apply(
        &self,
        projections: &[&'static Projection],
        incarnation: &str,
        after: Position,
        entries: &[LogEntry],
        fence: Option<&Lease>,
    ) -> Result<Outcome, ViewError> {
        let batch = Batch { projections, incarnation, after, entries, fence };
        match self.attempt(&batch, Care::Trusting).await {
            Err(Failure::Sink(SinkError::Refused(_))) => Ok(self.attempt(&batch, Care::Each).await?),
            outcome => Ok(outcome?),
        }
    }

    async fn attempt(&self, batch: &Batch<'_>, care: Care) -> Result<Outcome, Failure> {
        let mut writing = self.writer.writing().await?;
        if let Some(fence) = batch.fence
            && !lease::is_held(&mut writing, fence).await?
        {
            return Ok(Outcome::Fenced);
        }
        let stored = generation::read(&writing.rows(&generation::query()).await?)?;
        let mut targets = match batch.targets(&stored) {
            Ok(targets) => targets,
            Err(outcome) => return Ok(outcome),
        };
        let end = batch.entries.last().map_or(batch.after, |entry| entry.position);
        let parked = carry_out(&mut writing, &mut targets, batch.entries, end, care).await?;
        writing.commit().await?;
        let position = targets.iter().map(|(_, generation)| generation.position).min().unwrap_or(end);
        let mut living: Vec<_> = targets.into_iter().map(|(_, generation)| generation).collect();
        living.retain(|generation| generation.state == State::Living);
        let parked = parked.of(&living, State::Living);
        Ok(Outcome::Applied(Applied { position, living, parked }))
    }
}

/// Gives each target those of `entries` that lie after its own position, and moves it to `end`. The streams that are set
/// aside afterwards, in whatever generation.
pub(super) async fn carry_out(
    writing: &mut Transaction,
    targets: &mut [(&'static Projection, Generation)],
    entries: &[LogEntry],
    end: Position,
    care: Care,
) -> Result<Parked, Failure> {
    let mut parked = Parked::read(&writing.rows(&parked::query()).await?)?;
    let mut fold = Fold::default();
    for (projection, generation) in targets {
        if generation.position >= end {
            continue;
        }
        let target = (*projection, generation.number);
        for entry in entries.iter().filter(|entry| entry.position > generation.position) {
            match care {
                Care::Trusting => take(&mut fold, &mut parked, target, entry),
                Care::Each => take_alone(writing, &mut parked, target, entry).await?,
            }
        }
        generation.position = end;
        generation.advance(&mut fold);
    }
    parked.save(&mut fold);
    live::carry_out(writing, fold).await?;
    Ok(parked)
}

struct Batch<'a> {
    projections: &'a [&'static Projection],
    incarnation: &'a str,
    after: Position,
    entries: &'a [LogEntry],
    fence: Option<&'a Lease>,
}

impl Batch<'_> {
    /// The generations that the batch is applied to: of each projection the living one first. Where there is none that
    /// the batch continues, what became of it.
    fn targets(&self, stored: &[Generation]) -> Result<Vec<(&'static Projection, Generation)>, Outcome> {
        let mut targets = vec![];
        for projection in self.projections {
            let of = |generation: &&Generation| {
                generation.is_of(projection, self.incarnation) && generation.is_kept_up()
            };
            let mut found: Vec<_> = stored.iter().filter(of).cloned().collect();
            found.sort_by_key(|generation| generation.state);
            if found.first().is_none_or(|first| first.state != State::Living || first.position < self.after) {
                return Err(Outcome::Moved);
            }
            if found.iter().any(|generation| generation.position < self.after) {
                return Err(Outcome::Behind);
            }
            targets.extend(found.into_iter().map(|generation| (*projection, generation)));
        }
        Ok(targets)
    }
}

/// Adds what the event does in the target to `fold`. One that cannot be read, or whose changes do not fit, has its stream
/// set aside; one that waits behind such an event does nothing but wait.
pub(super) fn take(fold: &mut Fold, parked: &mut Parked, target: Target, entry: &LogEntry) {
    let (projection, generation) = target;
    if !projection.takes(&entry.stream) || parked.queue(target, entry) {
        return;
    }
    let changes = match projection.changes(entry) {
        Ok(changes) => changes,
        Err(error) => return parked.park(target, entry, &error),
    };
    // All are looked at first: of an event that is refused nothing is carried out.
    if let Some(error) = changes.iter().find_map(|change| refusal(projection, change)) {
        return parked.park(target, entry, &error);
    }
    for change in changes {
        fold.add_to(generation, change);
    }
}

fn refusal(projection: &Projection, change: &Change) -> Option<String> {
    // A projection changes its own tables only: another one's would not be built again with it.
    if !projection.tables.iter().any(|own| own.name == change.table.name) {
        return Some(format!("{} is no table of projection {}", change.table.name, projection.name));
    }
    change.check().err().map(|misfit| misfit.to_string())
}

/// Carries out what the event does in the target, or sets its stream aside.
pub(super) async fn take_alone(
    writing: &mut Transaction,
    parked: &mut Parked,
    target: Target,
    entry: &LogEntry,
) -> Result<(), SinkError> {
    let mut fold = Fold::default();
    take(&mut fold, parked, target, entry);
    if let Some(error) = carry_out_or_undo(writing, fold).await? {
        parked.park(target, entry, &error);
    }
    Ok(())
}

/// Why it was refused, when it was. The savepoint has one name for all: the last one is meant.
async fn carry_out_or_undo(writing: &mut Transaction, fold: Fold) -> Result<Option<String>, SinkError> {
    if fold.is_empty() {
        return Ok(None);
    }
    writing.run("SAVEPOINT event").await?;
    let refused = match live::carry_out(writing, fold).await {
        Ok(()) => None,
        Err(SinkError::Refused(error)) => Some(error),
        Err(error) => return Err(error),
    };
    let end = if refused.is_some() { "ROLLBACK TO event; RELEASE event" } else { "RELEASE event" };
    writing.run(end).await?;
    Ok(refused)
}

/// Why an attempt came to nothing.
pub(super) enum Failure {
    /// Carrying it out failed.
    Sink(SinkError),
    /// What is stored cannot be read.
    Views(ViewError),
}

impl<E: Into<SinkError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Sink(error.into())
    }
}

impl From<ViewError> for Failure {
    fn from(error: ViewError) -> Self {
        Self::Views(error)
    }
}

impl From<Failure> for ViewError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Sink(error) => error.into(),
            Failure::Views(error) => error,
        }
    }
}
