//! Taking a stream up again that was set aside, after what was wrong has been mended.

use super::{
    ParkedStream, Views,
    apply::{self, Failure},
    generation, parked,
    parked::Parked,
};
use crate::{
    error::ViewError,
    projection::{LogEntry, Projection},
    sink::{fold::Fold, live},
};

/// What became of a stream that was to be taken up again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Retried {
    /// All of it is taken.
    Taken {
        /// How many events waited.
        events: u64,
    },
    /// It is still set aside, from this event on.
    Parked(Box<ParkedStream>),
    /// It is not set aside any more, or not as it was: look again.
    Moved,
}

impl Views {
    /// Gives the living rows the events of a stream that is set aside: `entries` are all of them from
    /// [`ParkedStream::first_sequence`] on, in order. The rows of a stream are changed by its own events only, so that
    /// it is all the same that others were taken before them.
    pub async fn retry(
        &self,
        projection: &'static Projection,
        parked: &ParkedStream,
        entries: &[LogEntry],
    ) -> Result<Retried, ViewError> {
        let mut writing = self.writer.writing().await?;
        let stored = generation::read(&writing.rows(&generation::query()).await?)?;
        let living = stored.iter().find(|of| {
            of.projection == projection.name
                && of.state == generation::State::Living
                && of.version == projection.version
        });
        let Some(living) = living.filter(|living| living.number == parked.generation) else {
            return Ok(Retried::Moved);
        };
        let target = (projection, living.number);
        let mut all = Parked::read(&writing.rows(&parked::query()).await?)?;
        let due: Vec<_> = entries.iter().filter(|entry| entry.position <= living.position).collect();
        let count = u64::try_from(due.len()).unwrap_or(u64::MAX);
        match all.find(target, &parked.stream).cloned() {
            Some(now) if now.first_sequence == parked.first_sequence && now.events == count => {
                all.remove(&now);
                let mut fold = Fold::default();
                fold.add(parked::delete(&now));
                live::carry_out(&mut writing, fold).await?;
            }
            _ => return Ok(Retried::Moved),
        }
        for waiting in due {
            apply::take_alone(&mut writing, &mut all, target, waiting).await.map_err(Failure::from)?;
        }
        let mut fold = Fold::default();
        all.save(&mut fold);
        live::carry_out(&mut writing, fold).await?;
        let left = all.find(target, &parked.stream).cloned();
        writing.commit().await?;
        Ok(left.map_or(Retried::Taken { events: count }, |left| Retried::Parked(Box::new(left))))
    }
}
