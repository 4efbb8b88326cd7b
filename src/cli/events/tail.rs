//! `muster events tail`.

use std::sync::Arc;

use anyhow::Result;
use tokio_util::sync::CancellationToken;

use super::{filter::Filter, history};
use crate::{
    cli::{
        config::Settings,
        names::Names,
        open,
        screen::{Screen, Shape},
        signals,
    },
    history::{Sight, Viewer},
};

/// `muster events tail`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Tail {
    #[command(flatten)]
    shape: Shape,
    #[command(flatten)]
    filter: Filter,
    /// Begin with the first event of the log, or with --after, instead of with the next one
    #[arg(long)]
    from_start: bool,
}

impl Tail {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        let deployment = open::existing(settings).await?;
        let mut query = self.filter.query(&deployment).await?;
        if query.after.is_none() && !self.from_start {
            query.after = Some(deployment.ledger.store().head().await?.position);
        }
        let shutdown = CancellationToken::new();
        signals::cancel_on_signal(&shutdown)?;
        let viewer: Arc<dyn Viewer> = Arc::new(Sight::ALL);
        let mut tail = history(&deployment).tail(query, viewer, shutdown).await?;
        while let Some(events) = tail.next_page().await? {
            if self.shape.json {
                events.iter().try_for_each(|event| screen.json_line(event))?;
            } else {
                // Looked up anew for each page: names change while somebody watches.
                super::lines(&events, &mut Names::of(&deployment.ledger), screen).await?;
            }
            screen.flush()?;
        }
        Ok(())
    }
}
