//! `muster events list`.

use anyhow::Result;

use super::{filter::Filter, history};
use crate::{
    cli::{
        config::Settings,
        names::Names,
        open,
        screen::{Screen, Shape},
    },
    history::{MAX_LIMIT, Sight},
    store::Order,
};

/// `muster events list`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    shape: Shape,
    #[command(flatten)]
    filter: Filter,
    /// At most this many; `muster events export` has no limit
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=i64::try_from(MAX_LIMIT).unwrap_or(i64::MAX)))]
    limit: u16,
    /// Newest first
    #[arg(long)]
    newest_first: bool,
}

impl List {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        let deployment = open::existing(settings).await?;
        let mut query = self.filter.query(&deployment).await?;
        let limit = usize::from(self.limit);
        query.limit = limit + 1;
        query.order = if self.newest_first { Order::Descending } else { Order::Ascending };
        let mut events = deployment.ledger.store().query(query).await?;
        let more = events.len() > limit;
        events.truncate(limit);
        let history = history(&deployment);
        let events = history.show(&events, Sight::ALL).await?;
        let next = events.last().filter(|_| more).map(|last| history.at(last.position).to_string());
        if self.shape.json {
            screen.json(&serde_json::json!({ "events": events, "next": next }))?;
            return Ok(());
        }
        if events.is_empty() {
            screen.line("No event fits these filters.")?;
            return Ok(());
        }
        let mut names = Names::of(&deployment.ledger);
        screen.table(&super::table(&events, &mut names).await)?;
        if let Some(next) = next {
            screen.line(format!("There are more: go on with --after {next}"))?;
        }
        Ok(())
    }
}
