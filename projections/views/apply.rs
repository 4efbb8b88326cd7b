//! Applying a batch of the log to all projections: rows, parked streams and checkpoints in one transaction.

use muster_events::stream::Position;

use super::{Checkpoint, Lease, ParkedStream, Views, checkpoint, lease, parked, parked::Parked};
use crate::{
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
    /// Another process holds the lease. Nothing was applied.
    Fenced,
}

/// Where the views stand after a batch.
#[derive(Debug)]
pub struct Applied {
    /// Where each of the projections stands.
    pub checkpoints: Vec<Checkpoint>,
    /// All streams that are set aside.
    pub parked: Vec<ParkedStream>,
}

/// How the changes of a batch are carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Care {
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
        let stored = checkpoint::read(&writing.rows(&checkpoint::query()).await?)?;
        let Some(mut checkpoints) = batch.continued(&stored) else { return Ok(Outcome::Moved) };
        let mut parked = Parked::read(&writing.rows(&parked::query()).await?)?;
        let mut fold = Fold::default();
        let end = batch.entries.last().map_or(batch.after, |entry| entry.position);
        for (projection, checkpoint) in batch.projections.iter().zip(&mut checkpoints) {
            if checkpoint.position >= end {
                continue;
            }
            for entry in batch.entries.iter().filter(|entry| entry.position > checkpoint.position) {
                match care {
                    Care::Trusting => take(&mut fold, &mut parked, projection, entry)?,
                    Care::Each => take_alone(&mut writing, &mut parked, projection, entry).await?,
                }
            }
            fold.add(checkpoint::advance(projection, end))?;
            checkpoint.position = end;
        }
        parked.save(&mut fold)?;
        live::carry_out(&mut writing, &fold).await?;
        writing.commit().await?;
        Ok(Outcome::Applied(Applied { checkpoints, parked: parked.streams.into_values().collect() }))
    }
}

struct Batch<'a> {
    projections: &'a [&'static Projection],
    incarnation: &'a str,
    after: Position,
    entries: &'a [LogEntry],
    fence: Option<&'a Lease>,
}

impl Batch<'_> {
    /// Where each projection stands, in the order of the projections; none when the batch does not continue one.
    fn continued(&self, stored: &[Checkpoint]) -> Option<Vec<Checkpoint>> {
        let continued = |projection: &&'static Projection| {
            let is_continued = |stored: &&Checkpoint| {
                stored.is_of(projection, self.incarnation) && stored.position >= self.after
            };
            stored.iter().find(is_continued).cloned()
        };
        self.projections.iter().map(continued).collect()
    }
}

/// Adds what the event does in `projection` to `fold`. An event that cannot be read, or that waits behind another one,
/// does nothing but wait.
fn take(
    fold: &mut Fold,
    parked: &mut Parked,
    projection: &'static Projection,
    entry: &LogEntry,
) -> Result<(), SinkError> {
    if !projection.takes(&entry.stream) || parked.queue(projection, entry) {
        return Ok(());
    }
    let event = match &entry.event {
        Ok(event) => event,
        Err(error) => {
            parked.park(projection, entry, error);
            return Ok(());
        }
    };
    for change in projection.changes(event) {
        // A projection changes its own tables only: another one's would not be built again with it.
        if !projection.tables.contains(&change.table) {
            let (table, name) = (change.table.name, projection.name);
            return Err(SinkError::Refused(format!("{table} is no table of projection {name}")));
        }
        fold.add(change)?;
    }
    Ok(())
}

/// Carries out what the event does in `projection`, or sets its stream aside.
async fn take_alone(
    writing: &mut Transaction,
    parked: &mut Parked,
    projection: &'static Projection,
    entry: &LogEntry,
) -> Result<(), SinkError> {
    let mut fold = Fold::default();
    let refused = match take(&mut fold, parked, projection, entry) {
        Ok(()) => carry_out_or_undo(writing, &fold).await?,
        Err(SinkError::Refused(error)) => Some(error),
        Err(error) => return Err(error),
    };
    if let Some(error) = refused {
        parked.park(projection, entry, &error);
    }
    Ok(())
}

/// Why it was refused, when it was. The savepoint has one name for all: the last one is meant.
async fn carry_out_or_undo(writing: &mut Transaction, fold: &Fold) -> Result<Option<String>, SinkError> {
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
enum Failure {
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
