//! Applying a batch of the log to all projections: rows, parked streams and checkpoints in one transaction.

use muster_events::stream::Position;
use sqlx::{Connection as _, SqliteConnection};

use super::{Checkpoint, ParkedStream, Views, checkpoint, parked::Parked};
use crate::{
    change::Change,
    error::ViewError,
    projection::{LogEntry, Projection},
    sink::sqlite::{self, SinkError},
};

/// What became of a batch.
#[derive(Debug)]
pub enum Outcome {
    /// Every projection has come to the end of the batch, or was further already.
    Applied(Applied),
    /// The views are not where this process believed them to be: another one has begun them anew. Nothing was
    /// applied; [`Views::prepare`] says where they are.
    Moved,
}

/// Where the views stand after a batch.
#[derive(Debug)]
pub struct Applied {
    /// Where each of the projections stands.
    pub checkpoints: Vec<Checkpoint>,
    /// All streams that are set aside.
    pub parked: Vec<ParkedStream>,
}

/// How the changes of an event are carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Care {
    /// All of a batch as one: an event that is refused undoes the batch.
    Trusting,
    /// Each event by itself: one that is refused has its stream set aside.
    Each,
}

impl Views {
    /// Gives each projection those of `entries` that lie after its own checkpoint. `entries` are all events of the
    /// log `incarnation` after `after`, in order, up to some position.
    ///
    /// An event that cannot be read or whose changes are refused because of what they are has its stream set aside
    /// in the projections that take it. An error means that nothing was applied and that it is worth trying again.
    pub async fn apply(
        &self,
        projections: &[&'static Projection],
        incarnation: &str,
        after: Position,
        entries: &[LogEntry],
    ) -> Result<Outcome, ViewError> {
        let batch = Batch { projections, incarnation, after, entries };
        let outcome = match self.attempt(&batch, Care::Trusting).await {
            Err(SinkError::Refused(_)) => self.attempt(&batch, Care::Each).await,
            outcome => outcome,
        };
        outcome.map_err(|error| match error {
            SinkError::Database(error) => error.into(),
            // Each event by itself was refused where it should have been parked: a row of our own is refused.
            SinkError::Refused(text) => ViewError::Damaged(text),
        })
    }

    async fn attempt(&self, batch: &Batch<'_>, care: Care) -> Result<Outcome, SinkError> {
        let mut writing = self.writing().await?;
        let Some(mut checkpoints) = batch.checkpoints(&mut writing).await? else { return Ok(Outcome::Moved) };
        let mut parked = Parked::read(&mut writing).await.map_err(as_sink_error)?;
        let end = batch.entries.last().map_or(batch.after, |entry| entry.position);
        for (projection, checkpoint) in batch.projections.iter().zip(&mut checkpoints) {
            if checkpoint.position >= end {
                continue;
            }
            for entry in batch.entries.iter().filter(|entry| entry.position > checkpoint.position) {
                take(&mut writing, &mut parked, projection, entry, care).await?;
            }
            checkpoint::advance(&mut writing, projection, end).await?;
            checkpoint.position = end;
        }
        parked.save(&mut writing).await?;
        writing.commit().await?;
        Ok(Outcome::Applied(Applied { checkpoints, parked: parked.streams.into_values().collect() }))
    }
}

struct Batch<'a> {
    projections: &'a [&'static Projection],
    incarnation: &'a str,
    after: Position,
    entries: &'a [LogEntry],
}

impl Batch<'_> {
    /// Where each projection stands, in the order of the projections; none when the batch does not continue one.
    async fn checkpoints(
        &self,
        connection: &mut SqliteConnection,
    ) -> Result<Option<Vec<Checkpoint>>, SinkError> {
        let stored = checkpoint::read(connection).await.map_err(as_sink_error)?;
        let continued = |projection: &&'static Projection| {
            let is_continued = |stored: &&Checkpoint| {
                stored.is_of(projection, self.incarnation) && stored.position >= self.after
            };
            stored.iter().find(is_continued).cloned()
        };
        Ok(self.projections.iter().map(continued).collect())
    }
}

fn as_sink_error(error: ViewError) -> SinkError {
    match error {
        ViewError::Unavailable(error) => SinkError::Database(error),
        error => SinkError::Database(sqlx::Error::Protocol(error.to_string())),
    }
}

async fn take(
    connection: &mut SqliteConnection,
    parked: &mut Parked,
    projection: &'static Projection,
    entry: &LogEntry,
    care: Care,
) -> Result<(), SinkError> {
    if !projection.takes(&entry.stream) || parked.queue(projection, entry) {
        return Ok(());
    }
    let event = match &entry.event {
        Ok(event) => event,
        Err(error) => {
            parked.park(projection, entry, error.clone());
            return Ok(());
        }
    };
    let changes = projection.changes(event);
    if care == Care::Trusting {
        return carry_out(connection, projection, &changes).await;
    }
    let mut savepoint = connection.begin().await?;
    match carry_out(&mut savepoint, projection, &changes).await {
        Ok(()) => savepoint.commit().await?,
        Err(SinkError::Refused(error)) => {
            savepoint.rollback().await?;
            parked.park(projection, entry, error);
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

/// A projection changes its own tables only: another one's would not be built again with it.
async fn carry_out(
    connection: &mut SqliteConnection,
    projection: &Projection,
    changes: &[Change],
) -> Result<(), SinkError> {
    let is_own = |change: &&Change| projection.tables.contains(&change.table);
    if let Some(change) = changes.iter().find(|change| !is_own(change)) {
        let (table, name) = (change.table.name, projection.name);
        return Err(SinkError::Refused(format!("{table} is no table of projection {name}")));
    }
    sqlite::apply(connection, changes).await
}
