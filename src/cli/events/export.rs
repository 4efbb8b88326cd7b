//! `muster events export`.

use std::sync::Arc;

use anyhow::Result;
use indicatif::ProgressDrawTarget;

use super::{filter::Filter, history};
use crate::{
    cli::{config::Settings, open, progress, screen::Screen},
    history::{Format, Sight, Viewer},
    store::LogQuery,
};

/// `muster events export`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Export {
    #[command(flatten)]
    filter: Filter,
    /// ndjson, one JSON object a line, or csv
    #[arg(long, default_value_t = Format::Ndjson)]
    format: Format,
}

impl Export {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        let deployment = open::existing(settings).await?;
        let query = LogQuery { limit: usize::MAX, ..self.filter.query(&deployment).await? };
        let viewer: Arc<dyn Viewer> = Arc::new(Sight::ALL);
        let mut export = history(&deployment).export(query, viewer).await?;
        let bar = progress::bar(usize::try_from(export.up_to().0).unwrap_or(usize::MAX), "events");
        if screen.is_terminal() {
            // The events themselves are to be seen then.
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        screen.raw(self.format.header().as_bytes())?;
        while let Some(events) = export.next_page().await? {
            screen.raw(self.format.lines(&events)?.as_bytes())?;
            if let Some(last) = events.last() {
                bar.set_position(last.position.0);
            }
        }
        bar.finish_and_clear();
        Ok(())
    }
}
