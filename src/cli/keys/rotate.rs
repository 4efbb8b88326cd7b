//! `muster keys rotate`.

use std::{
    ffi::OsString,
    fs::{self, File},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::{
    cli::{config::Settings, open, screen::Screen},
    deployment::{Deployment, DeploymentOptions, OpenError},
    sealing::{MasterKey, SealingError},
};

/// `muster keys rotate`.
///
/// A new master key is made beside the present one, every other key is wrapped with it, and then it takes the place of
/// the present one, whose file is kept for backups that were made before. A server that runs goes on with the new one.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Rotate {}

impl Rotate {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        let options = settings.deployment(false)?;
        let file = options.master_key();
        let next = beside(&file, ".next");
        if next.exists() && was_rotated_to(options, &next).await? {
            // An earlier rotation was cut off after the keys were wrapped, before the file took its place.
            let new = MasterKey::read(&next)?;
            let kept = put_in_place(&file, &next)?;
            return say(new.id(), &file, &kept, screen);
        }
        let deployment = open::existing(settings).await?;
        if next.exists() {
            fs::remove_file(&next).with_context(|| format!("{} cannot be removed", next.display()))?;
        }
        let new = MasterKey::create_new(&next)?;
        deployment.ledger.keys().rotate(new.clone()).await?;
        let kept = put_in_place(&file, &next)?;
        say(new.id(), &file, &kept, screen)
    }
}

/// Whether the keys are wrapped by the key that was to be the next one.
async fn was_rotated_to(options: DeploymentOptions, next: &Path) -> Result<bool> {
    let options = DeploymentOptions { master_key_file: Some(next.into()), ..options };
    match Deployment::open(&options).await {
        Ok(_) => Ok(true),
        Err(OpenError::Keys(SealingError::WrongMasterKey { .. })) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Gives the file of the present key to the next one in one step; the present one stays under another name.
fn put_in_place(file: &Path, next: &Path) -> Result<PathBuf> {
    let present = MasterKey::read(file)?;
    let kept = beside(file, &format!(".{}", present.id()));
    if !kept.exists() {
        fs::hard_link(file, &kept).with_context(|| format!("{} cannot be written", kept.display()))?;
    }
    fs::rename(next, file).with_context(|| {
        let (file, next) = (file.display(), next.display());
        format!("{next} cannot be moved to {file}: move it yourself, it is the master key from now on")
    })?;
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .context("the directory cannot be synced")?;
    Ok(kept)
}

fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = file.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn say(id: &str, file: &Path, kept: &Path, screen: &mut Screen) -> Result<()> {
    screen.line(format!(
        "The master key is {id} now, in {}. Keep a copy apart from the data.",
        file.display()
    ))?;
    screen.line(format!(
        "The one before is kept in {}: backups made until now need it; delete it when they are gone.",
        kept.display(),
    ))?;
    Ok(())
}
