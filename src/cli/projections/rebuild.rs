//! `muster projections rebuild`.

use std::num::NonZeroU32;

use anyhow::{Result, bail};
use indicatif::ProgressBar;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    cli::{
        config::Settings,
        exit::Usage,
        open, progress,
        screen::{Screen, Shape},
        signals,
    },
    subscription::{Ended, Progress, Rebuilt},
};

/// `muster projections rebuild`.
///
/// Works beside a running server, which goes on reading and writing. Ctrl-C pauses; the same command resumes, also after
/// a kill.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Rebuild {
    /// The names of read models, as `muster projections list` shows them
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// All of them, in one pass over the log
    #[arg(long, conflicts_with = "names")]
    all: bool,
    /// Read at most so many events a second
    #[arg(long, value_name = "EVENTS")]
    max_rate: Option<NonZeroU32>,
    #[command(flatten)]
    shape: Shape,
}

impl Rebuild {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        if self.names.is_empty() && !self.all {
            return Err(Usage("NAME: name read models, or all of them with --all".into()).into());
        }
        let projections = super::all_named(&self.names)?;
        let deployment = open::existing(settings).await?;
        let stop = CancellationToken::new();
        signals::cancel_on_signal(&stop)?;
        let rebuild = deployment.rebuild().at_most(self.max_rate);
        let bar = progress::rates();
        let watching = tokio::spawn(watch(rebuild.progress(), bar.clone()));
        let done = rebuild.run(&projections, &stop).await;
        watching.abort();
        bar.finish_and_clear();
        let done = done?;
        if self.shape.json {
            screen.json(&done.iter().map(to_json).collect::<Vec<_>>())?;
        } else {
            for rebuilt in &done {
                screen.line(in_words(rebuilt))?;
            }
        }
        if done.iter().any(|rebuilt| rebuilt.ended == Ended::Paused) {
            bail!("the rebuild is paused: the same command resumes it where it was");
        }
        Ok(())
    }
}

async fn watch(mut progress: watch::Receiver<Progress>, bar: ProgressBar) {
    while progress.changed().await.is_ok() {
        let Progress { position, head, .. } = *progress.borrow_and_update();
        bar.set_length(head.0);
        bar.set_position(position.0);
    }
}

/// For a person.
pub(super) fn in_words(rebuilt: &Rebuilt) -> String {
    let Rebuilt { projection, generation, position, ended, .. } = rebuilt;
    match ended {
        Ended::Paused => format!("{projection}: paused at position {position}."),
        Ended::Switched { digest: Some(digest), .. } => format!(
            "{projection}: generation {generation} is read from now on; at position {position} it was the same as the one \
             before, digest {digest}."
        ),
        Ended::Switched { wrong: 0, .. } => {
            format!("{projection}: generation {generation} is read from now on, from position {position}.")
        }
        Ended::Switched { wrong, .. } => format!(
            "{projection}: generation {generation} is read from now on; at position {position} it was what the log \
             makes it, and the one before had {wrong} rows that were not."
        ),
    }
}

fn to_json(rebuilt: &Rebuilt) -> Value {
    let (ended, digest, wrong) = match &rebuilt.ended {
        Ended::Paused => ("paused", None, 0),
        Ended::Switched { digest, wrong } => ("switched", digest.as_deref(), *wrong),
    };
    json!({
        "name": rebuilt.projection, "version": rebuilt.version, "generation": rebuilt.generation,
        "position": rebuilt.position, "ended": ended, "digest": digest, "wrongRowsBefore": wrong,
    })
}
