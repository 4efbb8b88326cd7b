//! `muster restore`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::{Taken, carry, say, stop, to_json};
use crate::{
    cli::{
        config::Settings,
        exit::Usage,
        screen::{Screen, Shape, count},
        words,
    },
    deployment::Holdings,
    sealing::{
        KeyStore,
        moving::{self, Wrapping},
    },
    transfer::{
        self, Moved, Transfer, arrive,
        backup::{self, Manifest},
        receipts::{self, How, Reapplied, Receipt},
    },
};

/// `muster restore`.
///
/// Puts a backup back into a place without a ledger: the data directory, or the database of --database-url. The master key
/// is the one that wrapped the keys when the backup was made. Letters that waited are parked, and positions that clients
/// have from before count no more. Cut off, the same command goes on where it was.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Restore {
    /// The backup, as `muster backup` made it
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Receipts of the erasures since the backup, as `muster user erase --json` and the HTTP API gave them
    #[arg(long, value_name = "FILE")]
    receipts: Option<PathBuf>,
    #[command(flatten)]
    shape: Shape,
}

impl Restore {
    pub(in crate::cli) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        let receipts = self.receipts.as_deref().map_or(Ok(vec![]), read_receipts)?;
        let manifest = backup::manifest(&self.directory)?;
        let options = settings.deployment(true)?;
        let stop = stop()?;
        let _lock = Taken::of(&options).await?;
        let copy = backup::copy(&self.directory, &options)?;
        let from = copy.holdings().await?;
        refuse_other_keys(&manifest, &*from.keys, &self.directory).await?;
        moving::verify_master_key(&*from.keys, &options.master_key()).await?;
        let to = Holdings::of(&options).await?;
        let transfer = Transfer::new(from, to, Wrapping::AsTheyAre);
        let moved = carry(&transfer, &stop).await?;
        refuse_another(&manifest, &moved, &self.directory)?;
        let arrived = arrive(&options, &receipts, &stop).await?;
        transfer.finish(&moved).await?;
        self.tell(&manifest, &moved, &arrived, screen)?;
        let open: Vec<_> = arrived.erasures.iter().filter_map(not_on_record).collect();
        if !open.is_empty() {
            bail!("{}", open.join("\n"));
        }
        Ok(())
    }

    fn tell(
        &self,
        manifest: &Manifest,
        moved: &Moved,
        arrived: &transfer::Arrived,
        screen: &mut Screen,
    ) -> Result<()> {
        if self.shape.json {
            let mut json = to_json(moved);
            json["lettersParked"] = arrived.letters.into();
            json["erasures"] = arrived.erasures.iter().map(erasure).collect();
            return Ok(screen.json(&json)?);
        }
        say(moved, screen)?;
        screen.line(format!("This is {} as it was at {}.", manifest.of, manifest.taken_at))?;
        if self.receipts.is_none() {
            screen.line(
                "Whoever was erased since then can be read again here: `muster user erase`, or restore with --receipts.",
            )?;
        }
        if !arrived.erasures.is_empty() {
            screen.line(format!("{} in force here, too.", count(arrived.erasures.len(), "erasure")))?;
        }
        if arrived.letters > 0 {
            screen.line(format!(
                "{} waited and may have been sent since: parked. `muster letters parked` shows them.",
                count(arrived.letters, "letter")
            ))?;
        }
        Ok(())
    }
}

fn read_receipts(file: &Path) -> Result<Vec<Receipt>> {
    let shown = file.display();
    let text = fs::read_to_string(file).with_context(|| format!("--receipts: {shown} cannot be read"))?;
    Ok(receipts::read(&text).map_err(|error| Usage(format!("--receipts: {shown}: {error}")))?)
}

/// The files of a backup belong together.
async fn refuse_other_keys(manifest: &Manifest, keys: &dyn KeyStore, directory: &Path) -> Result<()> {
    let Some(said) = &manifest.keys else { return Ok(()) };
    if *said != moving::digest(keys).await? {
        bail!(
            "the keys in {} are those of another backup: put the files of one backup together",
            directory.display()
        );
    }
    Ok(())
}

/// The files of a backup belong together.
fn refuse_another(manifest: &Manifest, moved: &Moved, directory: &Path) -> Result<()> {
    if (manifest.position, &manifest.digest) == (moved.position, &moved.digest) {
        return Ok(());
    }
    bail!(
        "the log in {} ends at position {} with digest {}, but the backup is of position {} and digest {}: put the files of \
         one backup together, and remove what was restored",
        directory.display(),
        moved.position,
        moved.digest,
        manifest.position,
        manifest.digest
    )
}

fn erasure(Reapplied { subject, how }: &Reapplied) -> Value {
    let how = match how {
        How::Known => "known",
        How::Recorded => "recorded",
        How::Absent => "absent",
        How::KeysOnly(_) => "keys only",
    };
    json!({ "subject": subject.to_string(), "how": how })
}

fn not_on_record(Reapplied { subject, how }: &Reapplied) -> Option<String> {
    let How::KeysOnly(why) = how else { return None };
    let why = words::refusal(why);
    Some(format!(
        "the keys of {subject} are destroyed, but that is not on record ({}): mend that and run `muster user erase`",
        why.trim_end_matches('.')
    ))
}
