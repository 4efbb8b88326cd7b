//! `muster roles apply`.

use std::path::PathBuf;

use anyhow::{Result, bail};
use async_trait::async_trait;
use muster_events::stream::Position;
use muster_projections::members;

use crate::{
    cli::{config::Settings, open, screen::Screen, words},
    deployment::Deployment,
    ledger::{
        CommandMeta, Failure, Turn,
        operations::{ApplyRoles, HeldRoles, RoleHolders},
    },
    store::StoreError,
};

/// `muster roles apply`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Apply {
    /// The roles file, TOML
    file: PathBuf,
}

impl Apply {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        let content = super::read(&self.file)?;
        let deployment = open::existing_or_new(settings).await?;
        let said = super::summary(&content);
        let holders = Holders(&deployment);
        let apply = ApplyRoles { content, holders: &holders };
        let outcome = deployment.ledger.execute(&apply, &CommandMeta::system(), Turn::unkeyed()).await;
        let changed = words::was_changed(outcome)?;
        screen.line(if changed {
            "These roles are in force now:"
        } else {
            "These roles were in force already:"
        })?;
        screen.line(said)?;
        Ok(())
    }
}

/// Who holds which role, by the read models.
#[derive(Debug)]
struct Holders<'a>(&'a Deployment);

#[async_trait]
impl RoleHolders for Holders<'_> {
    async fn held(&self, _at_least: Position) -> Result<HeldRoles, Failure> {
        let unknown = |error| Failure::Store(StoreError::Unusable(format!("{error:#}")));
        held_roles(self.0).await.map_err(unknown)
    }
}

/// The read models reach the head here. Refuses to answer with those of the members that could be read.
async fn held_roles(deployment: &Deployment) -> Result<HeldRoles> {
    open::catch_up(deployment).await?;
    let views = &deployment.views;
    let parked = views.parked().await?;
    if let Some(aside) = parked.iter().find(|aside| aside.projection == members::PROJECTION.name) {
        bail!(
            "nobody knows which roles are held, because the read model {} has set {} aside: see what `muster doctor` \
             says about it, mend that, and apply the roles again",
            aside.projection,
            aside.stream,
        );
    }
    let (org_roles, team_roles) = members::query::held_roles(views).await?;
    Ok(HeldRoles { org_roles, team_roles })
}
