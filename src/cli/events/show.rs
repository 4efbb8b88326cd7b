//! `muster events show`.

use anyhow::{Result, anyhow};

use super::history;
use crate::{
    cli::{
        config::Settings,
        exit::Usage,
        names::Names,
        open,
        screen::{Rows, Screen, Shape},
    },
    history::{LogPosition, Sight},
};

/// `muster events show`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Show {
    /// The position of the event, as `muster events list` or the header `Muster-Position` shows it
    position: String,
    #[command(flatten)]
    shape: Shape,
}

impl Show {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        let deployment = open::existing(settings).await?;
        let incarnation = deployment.ledger.store().incarnation();
        let at = LogPosition::parse(&self.position, incarnation)
            .map_err(|error| Usage(format!("POSITION: {error}")))?;
        let event = history(&deployment).event(at.position, Sight::ALL).await?;
        let head = deployment.ledger.store().head().await?.position;
        let event = event.ok_or_else(|| {
            anyhow!("there is no event at position {}; the last one is {head}", at.position)
        })?;
        if self.shape.json {
            screen.json(&event)?;
            return Ok(());
        }
        let mut names = Names::of(&deployment.ledger);
        let told = super::told::cells(&event, &mut names).await;
        let (who, whom) = (names.actor(&event).await, names.subject(&event).await);
        let mut rows = Rows::under(["field", "value"]);
        let mut add = |field: &str, value: String| {
            if !value.is_empty() {
                rows.add([field.to_owned(), value]);
            }
        };
        add("position", event.position.to_string());
        add("type", format!("{}, schema version {}", event.event_type, event.schema_version));
        add("recorded at", event.recorded_at.to_string());
        add("who", format!("{who} ({})", event.actor()));
        add(
            "whom",
            format!("{whom} ({} {}, event {})", event.aggregate_type, event.aggregate_id, event.sequence),
        );
        add("what", told.what);
        add("before", told.before);
        add("after", told.after);
        add("organization", event.organization.map_or_else(String::new, |id| id.to_string()));
        add("event id", event.event_id.to_string());
        add("leaf", event.leaf.clone());
        screen.table(&rows)?;
        screen.heading("Payload")?;
        screen.json(&event.payload)?;
        screen.heading("Metadata")?;
        screen.json(&event.metadata)?;
        Ok(())
    }
}
