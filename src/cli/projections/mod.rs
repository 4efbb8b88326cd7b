//! `muster projections`: how the read models stand, building them anew, comparing them with the log.

mod list;
mod parked;
mod rebuild;
mod rollback;
mod verify;

use anyhow::Result;
use muster_projections::projection::Projection;

use super::{config::Settings, exit::Usage, screen::Screen};

/// `muster projections`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Projections {
    /// List the read models and how they stand
    List(list::List),
    /// Build rows anew from the log beside those that are read, compare them, and switch
    Rebuild(rebuild::Rebuild),
    /// Compare rows with what the log makes of them, and name each difference
    Verify(verify::Verify),
    /// Go back to the rows that were read before the last rebuild
    Rollback(rollback::Rollback),
    /// Streams that a read model could not take
    #[command(subcommand)]
    Parked(parked::Parked),
}

impl Projections {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        match self {
            Self::List(list) => list.run(settings, screen).await,
            Self::Rebuild(rebuild) => rebuild.run(settings, screen).await,
            Self::Verify(verify) => verify.run(settings, screen).await,
            Self::Rollback(rollback) => rollback.run(settings, screen).await,
            Self::Parked(parked) => parked.run(settings, screen).await,
        }
    }
}

/// The read model of this name.
fn named(name: &str) -> Result<&'static Projection, Usage> {
    let all = muster_projections::all();
    all.iter().copied().find(|projection| projection.name == name).ok_or_else(|| {
        let names: Vec<_> = all.iter().map(|projection| projection.name).collect();
        Usage(format!("NAME: there is no read model \"{name}\"; there are {}", names.join(", ")))
    })
}

/// Those of these names, or all when none is named.
fn all_named(names: &[String]) -> Result<Vec<&'static Projection>, Usage> {
    if names.is_empty() {
        return Ok(muster_projections::all());
    }
    names.iter().map(|name| named(name)).collect()
}
