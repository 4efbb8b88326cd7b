//! Bringing the views to the head of the log once, for a verb that runs without a server.

use muster_events::stream::Position;
use muster_projections::error::ViewError;
use thiserror::Error;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{
    Runner,
    rebuild::RebuildError,
    runner::{LOOK_AGAIN, STANDBY_LOOK, Turn, pause_after},
};
use crate::store::StoreError;

/// How often a verb that needs the views now tries again after an error.
const CATCH_UP_ATTEMPTS: u32 = 6;

/// Why the views could not be brought to the head of the log.
#[derive(Debug, Error)]
pub enum CatchUpError {
    /// Because of the log.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Because of the views.
    #[error(transparent)]
    Views(#[from] ViewError),
    /// Another process has begun them anew.
    #[error("another process, perhaps another version of muster, has begun the views anew")]
    Moved,
    /// Rows of an older version could not be built anew.
    #[error(transparent)]
    Rebuild(Box<RebuildError>),
}

impl Runner {
    /// Brings the views to where the log stands now, for a verb that runs without a server; says how far that is. Where
    /// another process does the work, waits for it. Rows of an older version are built anew.
    pub async fn run_to_head(&mut self) -> Result<Position, CatchUpError> {
        loop {
            let reached = self.keep_to_head().await?;
            if self.outdated.is_empty() {
                return Ok(reached);
            }
            match self.rebuild().run(&self.outdated, &CancellationToken::new()).await {
                Ok(_) => {}
                Err(RebuildError::Busy { .. }) => sleep(LOOK_AGAIN).await,
                Err(error) => return Err(CatchUpError::Rebuild(Box::new(error))),
            }
            self.position = None;
        }
    }

    /// The same, and leaves rows of an older version as they are.
    pub(super) async fn keep_to_head(&mut self) -> Result<Position, CatchUpError> {
        let reached = self.turns_to_head().await;
        self.tenure.give_back().await;
        reached
    }

    async fn turns_to_head(&mut self) -> Result<Position, CatchUpError> {
        let mut target = None;
        let mut attempts = 0;
        loop {
            match self.turn_towards(&mut target).await {
                Ok(Some(position)) => return Ok(position),
                Ok(None) => attempts = 0,
                Err(error) if attempts == CATCH_UP_ATTEMPTS => return Err(error),
                Err(error) => {
                    attempts = self.in_trouble(&error);
                    sleep(pause_after(attempts)).await;
                }
            }
        }
    }

    /// One turn, unless `target` is reached. It is the head at the first time, so that a log that grows all the time
    /// has an end.
    async fn turn_towards(
        &mut self,
        target: &mut Option<Position>,
    ) -> Result<Option<Position>, CatchUpError> {
        let head = match *target {
            Some(head) => head,
            None => *target.insert(self.store.head().await?.position),
        };
        let turn = self.turn().await?;
        let applied = self.status.borrow().applied;
        match applied.filter(|applied| *applied >= head) {
            Some(applied) => Ok(Some(applied)),
            // A read may find nothing before the head where a store holds back what is not complete yet.
            None if turn == Turn::AtHead => Ok(Some(applied.unwrap_or_default())),
            None => {
                if turn == Turn::Standby {
                    sleep(STANDBY_LOOK).await;
                }
                Ok(None)
            }
        }
    }
}
