//! `muster copy`.

use std::path::{Path, PathBuf};

use anyhow::{Error, Result, anyhow};

use super::{Taken, carry, say, stop, to_json};
use crate::{
    cli::{
        config::{Settings, StoreName},
        exit::Usage,
        screen::{Screen, Shape, count},
    },
    deployment::{DeploymentOptions, Holdings},
    sealing::{
        SealingError,
        moving::{self, Wrapping},
    },
    transfer::{Transfer, arrive},
};

/// `muster copy`.
///
/// Moves a whole ledger from one store to another, where there is none yet: events as they are, keys wrapped by the master
/// key of the other place, pictures. Stop whoever serves the first one before: what is written there afterwards stays there.
/// Letters that waited are parked. Cut off, the same command goes on where it was.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Copy {
    /// Where it is: a data directory, or the URL of a Postgres database or of an event store
    #[arg(long, value_name = "STORE")]
    from: StoreName,
    /// Where it is to go: a data directory, or the URL of a Postgres database or of an event store
    #[arg(long, value_name = "STORE")]
    to: StoreName,
    /// Where keys, pictures and read models are beside an event store: a data directory, or the URL of a Postgres database
    /// [default: where --data or --database-url say]
    #[arg(long, value_name = "STORE")]
    from_rest: Option<StoreName>,
    /// Where they are to go beside an event store [default: where --data or --database-url say]
    #[arg(long, value_name = "STORE")]
    to_rest: Option<StoreName>,
    /// The master key there [default: master.key in the data directory]
    #[arg(long, value_name = "FILE")]
    from_key_file: Option<PathBuf>,
    /// The master key here [default: master.key in the data directory, which is made]
    #[arg(long, value_name = "FILE")]
    to_key_file: Option<PathBuf>,
    #[command(flatten)]
    shape: Shape,
}

impl Copy {
    pub(in crate::cli) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        let from =
            settings.of(("--from", &self.from), self.from_rest.as_ref(), self.from_key_file.clone())?;
        let to = settings.of(("--to", &self.to), self.to_rest.as_ref(), self.to_key_file.clone())?;
        let from_options = from.deployment(false).map_err(|error| error.about("--from-key-file"))?;
        let options = to.deployment(true).map_err(|error| error.about("--to-key-file"))?;
        refuse_one_place(&from_options, &options)?;
        let source = Holdings::of(&from_options).await?;
        let master = moving::master_key(&*source.keys, from_options.master()).await;
        let master = master.map_err(|error| about(&error, "--from-key-file"))?;
        let _lock = Taken::of(&options).await?;
        let target = Holdings::of(&options).await?;
        let to_master = moving::master_key(&*target.keys, options.master()).await;
        let to_master = to_master.map_err(|error| about(&error, "--to-key-file"))?;
        let transfer = Transfer::new(source, target, Wrapping::between(master, to_master));
        let stop = stop()?;
        let moved = carry(&transfer, &stop).await?;
        let arrived = arrive(&options, &[], &stop).await?;
        transfer.finish(&moved).await?;
        if self.shape.json {
            let mut json = to_json(&moved);
            json["lettersParked"] = arrived.letters.into();
            return Ok(screen.json(&json)?);
        }
        say(&moved, screen)?;
        if arrived.letters > 0 {
            screen.line(format!(
                "Letters that waited there are sent from there: {} parked here. `muster letters retry` sends from here.",
                count(arrived.letters, "letter")
            ))?;
        }
        if moved.behind > 0 {
            let behind = count(usize::try_from(moved.behind).unwrap_or(usize::MAX), "event");
            screen.line(format!(
                "{behind} came since to {} and did not come along: stop what serves it, and copy into an empty place.",
                from_options.place()
            ))?;
        }
        Ok(())
    }
}

/// Keys, pictures and read models of two ledgers are not to be mixed.
fn refuse_one_place(from: &DeploymentOptions, to: &DeploymentOptions) -> Result<(), Usage> {
    // Otherwise there is a ledger in the place that is copied into, which is said of it.
    let has_one_log = from.event_store.is_none() && to.event_store.is_none();
    let is_one = !has_one_log
        && match (&from.database, &to.database) {
            (Some(from), Some(to)) => from.place() == to.place(),
            (None, None) => {
                let real = |data: &Path| data.canonicalize().unwrap_or_else(|_| data.into());
                real(&from.data) == real(&to.data)
            }
            _ => false,
        };
    if is_one {
        return Err(Usage(
            "--to-rest: keys, pictures and read models would go where those of --from are: name another place for them"
                .into(),
        ));
    }
    Ok(())
}

/// What is wrong with a key file, about the flag that names it here.
fn about(error: &SealingError, flag: &str) -> Error {
    anyhow!(error.to_string().replace("--master-key-file", flag))
}
