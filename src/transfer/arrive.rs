//! What is left to be done where a ledger has arrived, before it is called whole.

use std::{sync::Arc, time::Duration};

use muster_events::{
    letter::{LetterId, LetterStatus},
    recorded::{Actor, ActorKind},
};
use muster_projections::{
    error::ViewError,
    letters::query::{self, Filter},
    read::Page,
};
use thiserror::Error;
use tokio::{sync::watch, time::timeout};
use tokio_util::sync::CancellationToken;

use super::receipts::{self, Reapplied, Receipt};
use crate::{
    clock::stopwatch,
    deployment::{Deployment, DeploymentOptions, OpenError},
    ledger::{
        CommandMeta, ExecuteError, Failure, Ledger, Turn,
        operations::{Attempted, RecordAttempt},
    },
    policies::{Policies, Status},
    store::StoreError,
    subscription::{CatchUpError, LagError},
};

/// How long the policies may take from one event that they had not come to, to the next.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long the read models may take to follow.
const READ_MODELS: Duration = Duration::from_mins(10);
/// Letters that are looked up at once.
const PAGE: u32 = 500;
/// Who parks letters.
const WHO: &str = "transfer";
/// Why they are parked.
const WHY: &str = "it waited in a ledger that was copied, or restored from a backup, and may have been sent from there: \
     `muster letters retry` sends it from here";

/// What was done.
#[derive(Debug, Default)]
pub struct Arrived {
    /// Erasures that are in force here now, too.
    pub erasures: Vec<Reapplied>,
    /// Letters that were parked.
    pub letters: usize,
}

/// Why it could not be done.
#[derive(Debug, Error)]
pub enum ArriveError {
    /// It was told to stop.
    #[error("cut off: the same command goes on where it was")]
    Stopped,
    /// It cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The read models cannot be built.
    #[error("the read models cannot be built: {0}")]
    CatchUp(#[from] CatchUpError),
    /// The read models do not follow.
    #[error(transparent)]
    Lag(#[from] LagError),
    /// The read models cannot be asked.
    #[error(transparent)]
    Views(#[from] ViewError),
    /// What follows from the last events cannot be done.
    #[error("what follows from the last events cannot be done: {0}")]
    Policies(String),
    /// Something cannot be looked up.
    #[error(transparent)]
    Ledger(#[from] Failure),
    /// A command failed.
    #[error(transparent)]
    Execute(#[from] ExecuteError),
    /// The log.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Builds the read models, puts `receipts` of erasures in force again, does what the policies had not come to, without
/// telling anybody by letter, and parks the letters that wait. Cut off by `stop`, it does the rest the next time.
pub async fn arrive(
    options: &DeploymentOptions,
    receipts: &[Receipt],
    stop: &CancellationToken,
) -> Result<Arrived, ArriveError> {
    let deployment = Deployment::open_arriving(options).await?;
    tokio::select! {
        arrived = settle(&deployment, receipts) => arrived,
        () = stop.cancelled() => Err(ArriveError::Stopped),
    }
}

async fn settle(deployment: &Deployment, receipts: &[Receipt]) -> Result<Arrived, ArriveError> {
    deployment.runner().run_to_head().await?;
    let mut erasures = vec![];
    for receipt in receipts {
        erasures.push(receipts::reapply(&deployment.ledger, receipt).await?);
    }
    follow(deployment).await?;
    Ok(Arrived { erasures, letters: park(deployment).await? })
}

/// Lets the policies work until they have come to the end of the log, and the read models with them.
async fn follow(deployment: &Deployment) -> Result<(), ArriveError> {
    let ledger = Arc::clone(&deployment.ledger);
    let (runner, following, acting) =
        (deployment.runner(), CancellationToken::new(), CancellationToken::new());
    let read_models = runner.read_models();
    let policies = Policies::new(Arc::clone(&ledger), runner.read_models(), Arc::clone(&deployment.blobs));
    let policies = policies.without_sweeps();
    let status = policies.status();
    // Whoever is cut off while he waits leaves nobody at work.
    let (_following, _acting) = (following.clone().drop_guard(), acting.clone().drop_guard());
    let (runner, policies) =
        (tokio::spawn(runner.run(following.clone())), tokio::spawn(policies.run(acting.clone())));
    let followed = until_head(&ledger, status).await;
    acting.cancel();
    let ended = policies.await;
    let caught_up = match ledger.store().head().await {
        Ok(head) => read_models.wait_for(head.position, READ_MODELS).await.map_err(ArriveError::from),
        Err(error) => Err(error.into()),
    };
    following.cancel();
    ended.and(runner.await).map_err(|error| ArriveError::Policies(error.to_string()))?;
    followed.and(caught_up)
}

async fn until_head(ledger: &Ledger, mut status: watch::Receiver<Status>) -> Result<(), ArriveError> {
    let (mut reached, mut since) = (None, stopwatch());
    loop {
        let head = ledger.store().head().await?.position;
        let now = status.borrow_and_update().clone();
        if now.position.is_some_and(|position| position >= head) {
            return Ok(());
        }
        // In trouble they go on telling so, and come to no position.
        if now.position > reached {
            (reached, since) = (now.position, stopwatch());
        }
        match timeout(PATIENCE.saturating_sub(since.elapsed()), status.changed()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(ArriveError::Policies("they stopped by themselves".into())),
            Err(_) => {
                let why =
                    now.trouble.map_or_else(|| "they do not come forward".into(), |trouble| trouble.error);
                return Err(ArriveError::Policies(why));
            }
        }
    }
}

/// Parks the letters that wait; how many.
async fn park(deployment: &Deployment) -> Result<usize, ArriveError> {
    let filter = Filter { status: Some(LetterStatus::Queued), organization: None };
    let mut page = Page { offset: 0, limit: PAGE };
    let mut waiting = vec![];
    loop {
        let listed = query::list(&deployment.views, filter, page).await?;
        waiting.extend(listed.rows.into_iter().map(|letter| (letter.id, letter.organization)));
        if !listed.more {
            break;
        }
        page.offset += PAGE;
    }
    let meta = CommandMeta::by(Actor { id: Some(WHO.into()), ..Actor::only(ActorKind::System) });
    for (id, organization) in &waiting {
        let id: LetterId = *id;
        let attempted = Attempted::Failed { code: None, text: WHY.into(), next_attempt_at: None };
        let operation = RecordAttempt { id, organization: *organization, attempted };
        deployment.ledger.execute(&operation, &meta, Turn::unkeyed()).await?;
    }
    deployment.runner().run_to_head().await?;
    Ok(waiting.len())
}
