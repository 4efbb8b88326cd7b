//! Opening the ledger for a verb.

use std::{fs::DirBuilder, io, path::Path};

use anyhow::{Context, Result};
use muster_events::stream::Position;

use super::config::Settings;
use crate::deployment::Deployment;

/// Makes the data directory where there is none; nobody else is to read what is in there.
pub(super) fn make_directory(data: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(data)
}

/// Opens the ledger that is there.
pub(super) async fn existing(settings: &Settings) -> Result<Deployment> {
    Ok(Deployment::open(&settings.deployment(false)?).await?)
}

/// Opens the ledger that is there, or makes a new one.
pub(super) async fn existing_or_new(settings: &Settings) -> Result<Deployment> {
    Ok(Deployment::open(&settings.deployment(true)?).await?)
}

/// Opens the ledger that is there, with its read models at the head of the log.
pub(super) async fn for_reading(settings: &Settings) -> Result<Deployment> {
    let deployment = existing(settings).await?;
    catch_up(&deployment).await?;
    Ok(deployment)
}

/// Brings the read models to the head of the log.
pub(super) async fn catch_up(deployment: &Deployment) -> Result<Position> {
    deployment
        .runner()
        .run_to_head()
        .await
        .context("the read models cannot be brought to the head of the log")
}
