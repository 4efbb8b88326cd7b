//! `muster org list`.

use anyhow::Result;
use muster_events::roles::RoleId;
use muster_projections::organizations;
use serde_json::json;

use crate::cli::{
    config::Settings,
    open,
    screen::{Part, Rows, Screen, Shape, seconds},
};

/// `muster org list`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    part: Part,
    #[command(flatten)]
    shape: Shape,
}

impl List {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        let deployment = open::for_reading(settings).await?;
        let listed = organizations::query::list(&deployment.views, self.part.page()).await?;
        if self.shape.json {
            let organizations: Vec<_> = listed.rows.iter().map(|listed| {
                let state = &listed.organization.state;
                json!({
                    "id": listed.organization.id, "slug": state.slug, "name": state.name, "members": listed.members,
                    "pending": listed.pending, "defaultRole": state.default_role,
                    "sso": state.sso.as_ref().map(|sso| &sso.provider), "dateCreated": state.created_at,
                })
            }).collect();
            screen.json(&organizations)?;
            return Ok(());
        }
        let header =
            ["id", "slug", "name", "members", "invited", "default role", "single sign-on", "created"];
        let mut rows = Rows::under(header).numbers(["id", "members", "invited"]);
        for listed in &listed.rows {
            let state = &listed.organization.state;
            rows.add([
                listed.organization.id.to_string(),
                state.slug.clone(),
                state.name.clone(),
                listed.members.to_string(),
                listed.pending.to_string(),
                state.default_role.as_ref().map(RoleId::to_string).unwrap_or_default(),
                state.sso.as_ref().map(|sso| sso.name.clone()).unwrap_or_default(),
                seconds(state.created_at),
            ]);
        }
        let none = "There are no organizations yet: `muster org create` or `muster import` makes them.";
        self.part.print(&rows, listed.more, none, screen)?;
        Ok(())
    }
}
