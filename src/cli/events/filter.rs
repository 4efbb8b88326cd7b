//! Which events are asked for, as flags: the parameters of the HTTP API under the same names.

use anyhow::Result;
use muster_events::stream::StreamId;

use crate::{
    cli::{exit::Usage, org},
    deployment::Deployment,
    history::FilterText,
    store::LogQuery,
};

/// Filters; all that are given must hold.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Filters")]
pub(super) struct Filter {
    /// Only events of this organization, by slug or id
    #[arg(long, value_name = "ORGANIZATION")]
    organization: Option<String>,
    /// Only events of this member, by id
    #[arg(long, value_name = "ID")]
    member: Option<String>,
    /// Only events of these types, such as OrgRoleChanged,TeamRoleCleared
    #[arg(long = "type", value_name = "TYPES")]
    types: Vec<String>,
    /// Only events that this actor asked for: an id, `kind:id`, or a kind such as user or import
    #[arg(long, value_name = "ACTOR")]
    actor: Option<String>,
    /// Only events recorded at this time or later, such as 2026-11-24T10:00:00Z
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Only events recorded at this time or earlier
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Only events behind this position
    #[arg(long, value_name = "POSITION")]
    after: Option<String>,
}

impl Filter {
    /// The query of the log; limit and order are the verb's.
    pub(super) async fn query(&self, deployment: &Deployment) -> Result<LogQuery> {
        let text = FilterText {
            types: self.types.clone(),
            actor: self.actor.clone(),
            from: self.from.clone(),
            to: self.to.clone(),
            after: self.after.clone(),
            limit: None,
            order: None,
        };
        let ledger = &deployment.ledger;
        let incarnation = ledger.store().incarnation();
        let mut query = text.query(incarnation).map_err(|error| Usage(format!("--{error}")))?;
        if let Some(named) = &self.organization {
            query.organization = Some(org::find(ledger, named, "--organization").await?);
        }
        if let Some(id) = &self.member {
            let id: muster_events::id::MemberId =
                id.parse().map_err(|error| Usage(format!("--member: {error}")))?;
            query.stream = Some(StreamId::from(id));
        }
        Ok(query)
    }
}
