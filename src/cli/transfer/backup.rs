//! `muster backup`.

use std::path::PathBuf;

use anyhow::Result;

use super::{carry, say, stop, to_json};
use crate::{
    cli::{
        config::Settings,
        screen::{Screen, Shape},
    },
    clock::{Clock as _, SystemClock},
    deployment::Holdings,
    sealing::{Founding, moving::Wrapping},
    transfer::{
        Transfer,
        backup::{Draft, Manifest},
    },
};

/// `muster backup`.
///
/// Works beside a running server, and needs no master key. The log with the pictures and the keys are put into two folders
/// with a note each, because they are to be kept for different times.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Backup {
    /// A directory that is not there yet
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    #[command(flatten)]
    shape: Shape,
}

impl Backup {
    pub(in crate::cli) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        let from = Holdings::of(&settings.options(false)).await?;
        let draft = Draft::begin(&self.directory)?;
        let (of, taken_at) = (from.place.clone(), SystemClock.now());
        let mut to = draft.holdings().await?;
        // One whose keys another master key wraps was begun before that was rotated.
        let master = |founding: Option<Founding>| founding.map(|founding| founding.master.id);
        let (begun, now) = (master(to.keys.founding().await?), master(from.keys.founding().await?));
        if to.store.hash_key().await?.is_some() || (begun.is_some() && begun != now) {
            drop(to);
            draft.begin_anew()?;
            to = draft.holdings().await?;
        }
        let keys = std::sync::Arc::clone(&to.keys);
        let transfer = Transfer::new(from, to, Wrapping::AsTheyAre);
        let moved = carry(&transfer, &stop()?).await?;
        transfer.finish(&moved).await?;
        let manifest = Manifest::new(taken_at, &of, &moved, &*keys).await?;
        // Whoever has the files open would leave the end of them in a write-ahead log.
        drop((transfer, keys));
        draft.finish(&manifest)?;
        if self.shape.json {
            let mut json = to_json(&moved);
            json["directory"] = self.directory.display().to_string().into();
            json["masterKey"] = manifest.master_key.clone().into();
            return Ok(screen.json(&json)?);
        }
        say(&moved, screen)?;
        screen.line(format!(
            "{} is a whole backup. Its log and its keys are in two folders, each with a note for how long to keep it; master \
             key {}, which opens the keys, is in neither.",
            self.directory.display(),
            manifest.master_key
        ))?;
        Ok(())
    }
}
