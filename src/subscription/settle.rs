//! The end of a rebuild: the new rows follow the log beside the living ones, are compared with them, and take their
//! place.

use std::{sync::Arc, time::Duration};

use muster_projections::{
    error::ViewError,
    views::{Building, Comparison, State, Switched},
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{
    Runner,
    rebuild::{Ended, Rebuild, RebuildError, Rebuilt},
    verify::Verifier,
};

/// How long to wait before something is tried again that others stand in the way of.
const PAUSE: Duration = Duration::from_millis(20);
/// How often a switch is tried that readers or writers stand in the way of.
const ATTEMPTS: u32 = 500;

impl Rebuild {
    /// Lets the rows live. None when it was told to stop before.
    pub(super) async fn settle(
        &self,
        building: &mut Building,
        stop: &CancellationToken,
    ) -> Result<Option<Rebuilt>, RebuildError> {
        let projection = building.projection();
        let is_revived = building.state() == State::Kept;
        let living = self.views.living().await?;
        let of = living.iter().find(|living| living.projection == projection.name);
        // Rows of another version say other things: there is nothing to compare.
        if of.is_none_or(|living| living.version != projection.version) {
            self.switch(building).await?;
            return Ok(Some(Rebuilt::of(building, Ended::Switched { digest: None, wrong: 0 })));
        }
        if building.state() != State::Following {
            self.follow(building).await?;
        }
        let Some(compared) = self.compare(building, stop).await? else { return Ok(None) };
        let position = compared.built.position;
        let ended = if compared.living.is_same(&compared.built) {
            Ended::Switched { digest: Some(compared.living.whole()), wrong: 0 }
        } else if is_revived {
            // Whoever goes back wants the other rows.
            Ended::Switched { digest: None, wrong: 0 }
        } else {
            Ended::Switched { digest: None, wrong: self.judge(building).await? }
        };
        self.switch(building).await?;
        Ok(Some(Rebuilt { position, ..Rebuilt::of(building, ended) }))
    }

    async fn follow(&self, building: &mut Building) -> Result<(), RebuildError> {
        for _ in 0..ATTEMPTS {
            let rest = self.rest(building).await?;
            match self.views.follow(building, &rest.entries, rest.end).await {
                Ok(Switched::Done) => return Ok(()),
                // As at the switch.
                Ok(Switched::Behind) | Err(ViewError::Unavailable(_)) => sleep(PAUSE).await,
                Ok(Switched::Lost) => break,
                Err(error) => return Err(error.into()),
            }
        }
        Err(RebuildError::Lost(building.projection().name))
    }

    /// Both digests at one position. Whoever keeps the living rows keeps both; where nobody does, it is done here.
    async fn compare(
        &self,
        building: &Building,
        stop: &CancellationToken,
    ) -> Result<Option<Comparison>, RebuildError> {
        let mut runner = self.runner();
        while !stop.is_cancelled() {
            if let Some(compared) = self.views.compare(building).await? {
                return Ok(Some(compared));
            }
            runner.keep_to_head().await?;
            sleep(PAUSE).await;
        }
        Ok(None)
    }

    /// The two are not the same: the log decides. How many of the old rows were wrong.
    async fn judge(&self, building: &Building) -> Result<u64, RebuildError> {
        let projection = building.projection();
        let verifier = Verifier::new(Arc::clone(&self.store), self.views.clone(), Arc::clone(&self.clock));
        let built = verifier.verify_generation(projection, Some(building.number())).await?;
        let differences = built.map_or(1, |built| built.differences.count);
        if differences > 0 {
            self.views.discard(building).await?;
            return Err(RebuildError::NotRight { projection: projection.name, differences });
        }
        let living = verifier.verify_generation(projection, None).await?;
        Ok(living.map_or(0, |living| living.differences.rows.values().sum()))
    }

    async fn switch(&self, building: &Building) -> Result<(), RebuildError> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let lost = || RebuildError::Lost(building.projection().name);
            match self.views.switch(building).await {
                Ok(Switched::Done) => return Ok(()),
                // Somebody reads for longer than others should wait, or the living rows have just gone on.
                Ok(Switched::Behind) | Err(ViewError::Unavailable(_)) if attempts < ATTEMPTS => {}
                Ok(Switched::Behind | Switched::Lost) => return Err(lost()),
                Err(error) => return Err(error.into()),
            }
            sleep(PAUSE).await;
        }
    }

    fn runner(&self) -> Runner {
        Runner::new(Arc::clone(&self.store), self.views.clone(), self.known.clone(), Arc::clone(&self.clock))
    }
}
