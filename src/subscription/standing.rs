//! Where the views stand, as the runner finds them or leaves them, and what it publishes of that.

use muster_events::stream::Position;
use muster_projections::{
    projection::{LogEntry, Projection},
    views::{Applied, Generation, ParkedStream, Prepared},
};

use super::{
    CatchUpError, Runner, Status, reports,
    runner::{LOOK_AGAIN, Turn},
};
use crate::clock::stopwatch;

impl Runner {
    /// What another process has taken up again, or has begun or built anew, is seen also when nothing happens, and so is what
    /// is there no more, such as after a restore of the views.
    pub(super) async fn look_again(&mut self) -> Result<(), CatchUpError> {
        if self.looked.elapsed() < LOOK_AGAIN {
            return Ok(());
        }
        self.looked = stopwatch();
        let prepared = self.views.look(&self.projections, &self.incarnation.to_string()).await?;
        let parked = self.views.parked().await?.into();
        let otherwise = self.position.unwrap_or_default();
        let found = Status::at(self.incarnation, &self.projections, &prepared.living, parked, otherwise);
        let published = self.status.borrow();
        if found.projections != published.projections || found.parked != published.parked {
            self.position = None;
        }
        Ok(())
    }

    /// No rows are of this version: there is nothing to apply, and nothing to wait for.
    pub(super) async fn without_any(&mut self) -> Result<Turn, CatchUpError> {
        let head = self.store.head().await?.position;
        self.status.send_if_modified(|status| status.applied.replace(head) != Some(head));
        self.out_of_trouble();
        Ok(Turn::AtHead)
    }

    /// Looks how far the process has come that does the work.
    pub(super) async fn stand_by(&mut self) -> Result<Turn, CatchUpError> {
        self.position = None;
        let prepared = self.views.look(&self.projections, &self.incarnation.to_string()).await?;
        let head = self.store.head().await?.position;
        let parked = self.views.parked().await?.into();
        let status = Status::at(self.incarnation, &self.projections, &prepared.living, parked, head);
        if status.has_reached(head) {
            self.wanted.is_all();
        }
        self.sort(&prepared);
        self.status.send_if_modified(|published| {
            let changed = published.log != status.log
                || published.applied != status.applied
                || published.projections != status.projections
                || *published.parked != *status.parked;
            let was_in_trouble = published.trouble.is_some();
            *published = status;
            changed || was_in_trouble
        });
        Ok(Turn::Standby)
    }

    /// The lowest checkpoint. Looks at the views when it has to: makes what is not there, and begins anew what
    /// does not belong to this log.
    pub(super) async fn position(&mut self) -> Result<Position, CatchUpError> {
        let looks_again = !self.outdated.is_empty() && self.looked.elapsed() >= LOOK_AGAIN;
        if let Some(position) = self.position.filter(|_| !looks_again) {
            return Ok(position);
        }
        self.looked = stopwatch();
        let incarnation = self.incarnation.to_string();
        let mut prepared = self.views.prepare(&self.projections, &incarnation).await?;
        // After the checkpoints, so that one above the head cannot be one that has just come there.
        let head = self.store.head().await?.position;
        if self.begin_anew_what_is_ahead(&prepared, head).await? {
            prepared = self.views.prepare(&self.projections, &incarnation).await?;
        }
        let parked = self.views.parked().await?.into();
        let status = Status::at(self.incarnation, &self.projections, &prepared.living, parked, head);
        self.sort(&prepared);
        let is_kept_up =
            |of: &&Generation| self.current.iter().any(|projection| of.is_of(projection, &incarnation));
        let kept_up = prepared.living.iter().chain(&prepared.following).filter(is_kept_up);
        let position = kept_up.map(|generation| generation.position).min().unwrap_or(head);
        self.position = Some(position);
        // What is published says that the tables are there; trouble ends with the first turn that goes well.
        self.status.send_modify(|published| {
            let trouble = published.trouble.take();
            *published = Status { trouble, ..status };
        });
        Ok(position)
    }

    async fn begin_anew_what_is_ahead(
        &self,
        prepared: &Prepared,
        head: Position,
    ) -> Result<bool, CatchUpError> {
        let mut is_any = false;
        for ahead in prepared.living.iter().chain(&prepared.following).filter(|of| of.position > head) {
            let (name, checkpoint) = (ahead.projection.as_str(), ahead.position.0);
            tracing::warn!(
                projection = name,
                checkpoint,
                head = head.0,
                "view is ahead of the log and begins anew"
            );
            if let Some(projection) = self.projections.iter().find(|projection| projection.name == name) {
                self.views.begin_anew(projection, &self.incarnation.to_string()).await?;
                is_any = true;
            }
        }
        Ok(is_any)
    }

    /// Tells the projections whose rows are of this version from those whose rows are of an older one.
    fn sort(&mut self, prepared: &Prepared) {
        let is_outdated = |projection: &&'static Projection| {
            prepared
                .living
                .iter()
                .any(|of| of.projection == projection.name && of.version < projection.version)
        };
        (self.outdated, self.current) = self.projections.iter().copied().partition(is_outdated);
        let is_of = |of: &&Generation| self.outdated.iter().any(|outdated| outdated.name == of.projection);
        self.outdated_living = prepared.living.iter().filter(is_of).cloned().collect();
    }

    pub(super) fn applied(&mut self, applied: Applied, entries: &[LogEntry]) {
        let before = self.status.borrow().clone();
        let Applied { position, mut living, mut parked } = applied;
        let of_outdated =
            |parked: &&ParkedStream| self.outdated.iter().any(|outdated| outdated.name == parked.projection);
        parked.extend(before.parked.iter().filter(of_outdated).cloned());
        living.extend(self.outdated_living.iter().cloned());
        let parked = if *before.parked == *parked { before.parked.clone() } else { parked.into() };
        let status = Status::at(self.incarnation, &self.projections, &living, parked, position);
        self.position = Some(position);
        reports::lag(self.clock.now(), self.started, &before, entries);
        reports::parked(&before.parked, &status.parked);
        if let Some(trouble) = &before.trouble {
            tracing::info!(attempts = trouble.attempts, "views go on");
        }
        self.status.send_replace(status);
    }
}
