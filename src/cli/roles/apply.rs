//! `muster roles apply`.

use std::path::PathBuf;

use anyhow::Result;
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
    /// The read models reach the head here, which is `at_least` or later.
    async fn held(&self, _at_least: Position) -> Result<HeldRoles, Failure> {
        let unavailable =
            |error: &dyn std::fmt::Display| Failure::Store(StoreError::Unavailable(error.to_string()));
        open::catch_up(self.0).await.map_err(|error| unavailable(&format!("{error:#}")))?;
        let held = members::query::held_roles(&self.0.views).await.map_err(|error| unavailable(&error))?;
        let (org_roles, team_roles) = held;
        Ok(HeldRoles { org_roles, team_roles })
    }
}
