//! The verbs that move a whole ledger: `muster backup`, `muster restore`, `muster copy`.

mod backup;
mod copy;
mod restore;

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use indicatif::ProgressBar;
use serde_json::{Value, json};
use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;

pub(super) use self::{backup::Backup, copy::Copy, restore::Restore};
use super::{
    lock::ServeLock,
    open, progress,
    screen::{Screen, count},
    signals,
};
use crate::{
    clock::stopwatch,
    database::DatabaseLock,
    deployment::{DeploymentOptions, Place},
    transfer::{Moved, Progress, Stage, Transfer},
};

/// The lock among the advisory locks of a database of whoever fills it: "mustfill" in ASCII.
const FILL_LOCK: i64 = i64::from_be_bytes(*b"mustfill");

/// How long a database may need to notice that who filled it was killed, and how often it is looked.
const LET_GO: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(50);

/// What is being filled, which nobody else fills or serves meanwhile; until the process ends or this is dropped.
#[derive(Debug)]
enum Taken {
    Directory { _lock: ServeLock },
    Database { _lock: DatabaseLock },
}

impl Taken {
    async fn of(options: &DeploymentOptions) -> Result<Self> {
        let Some(database) = &options.database else {
            let data = &options.data;
            open::make_directory(data)
                .with_context(|| format!("--data: {} cannot be a data directory", data.display()))?;
            return Ok(Self::Directory { _lock: ServeLock::take(data)? });
        };
        let began = stopwatch();
        loop {
            if let Some(lock) = database.lock(FILL_LOCK).await? {
                return Ok(Self::Database { _lock: lock });
            }
            if began.elapsed() > LET_GO {
                bail!(
                    "another muster copies or restores into {}: let it end, it is at the same work",
                    Place::Database(database.place())
                );
            }
            sleep(LOOK).await;
        }
    }
}

/// Cancelled by Ctrl-C.
fn stop() -> Result<CancellationToken> {
    let stop = CancellationToken::new();
    signals::cancel_on_signal(&stop)?;
    Ok(stop)
}

/// Moves everything, with a progress bar; cut off between two stretches.
async fn carry(transfer: &Transfer, stop: &CancellationToken) -> Result<Moved> {
    let bar = progress::rates();
    let watching = tokio::spawn(watch(transfer.progress(), bar.clone()));
    let moved = transfer.run(stop).await;
    watching.abort();
    bar.finish_and_clear();
    Ok(moved?)
}

async fn watch(mut progress: watch::Receiver<Progress>, bar: ProgressBar) {
    while progress.changed().await.is_ok() {
        let Progress { stage, done, of } = *progress.borrow_and_update();
        bar.set_message(match stage {
            Stage::Moving => "events",
            Stage::Comparing => "compared",
        });
        bar.set_length(of);
        bar.set_position(done);
    }
}

/// What has arrived, for a person.
fn say(moved: &Moved, screen: &mut Screen) -> Result<()> {
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let Moved { position, keys, pictures, claims, digest, .. } = moved;
    screen.line(format!(
        "{} up to position {position}, {} of persons ({} erased), {}, {}.",
        count(number(moved.events), "event"),
        count(number(keys.living), "key"),
        keys.erased,
        count(number(*pictures), "picture"),
        count(*claims, "claim"),
    ))?;
    screen.line(format!("The digest over all leaves is the same at both ends: {digest}"))?;
    Ok(())
}

/// The same for a program.
fn to_json(moved: &Moved) -> Value {
    json!({
        "position": moved.position, "events": moved.events, "digest": moved.digest,
        "keys": { "living": moved.keys.living, "erased": moved.keys.erased },
        "pictures": moved.pictures, "claims": moved.claims, "behind": moved.behind,
    })
}
