//! `muster projections parked`.

use std::sync::Arc;

use anyhow::{Result, bail};
use muster_events::stream::Sequence;
use muster_projections::views::{ParkedStream, Retried, Views};
use serde_json::json;

use crate::{
    cli::{
        config::Settings,
        open,
        screen::{Rows, Screen, Shape, count},
    },
    deployment::Deployment,
    store::StoredEvent,
    subscription,
};

/// Most events of a stream that are shown.
const SHOWN: usize = 1_000;

/// `muster projections parked`.
#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Parked {
    /// List the streams that are set aside
    List(List),
    /// Show why a stream was set aside, and the events that wait
    Show(Show),
    /// Take streams up again, after what was wrong has been mended
    Retry(Retry),
}

/// `muster projections parked list`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    shape: Shape,
}

/// Which streams.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Which {
    /// The name of a read model; all of them when none is named
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// A stream, as `muster projections parked list` shows it; all of them when none is named
    #[arg(value_name = "STREAM")]
    stream: Option<String>,
}

/// `muster projections parked show`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Show {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    shape: Shape,
}

/// `muster projections parked retry`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Retry {
    #[command(flatten)]
    which: Which,
}

impl Parked {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        match self {
            Self::List(list) => list.run(settings, screen).await,
            Self::Show(show) => show.run(settings, screen).await,
            Self::Retry(retry) => retry.run(settings, screen).await,
        }
    }
}

impl Which {
    async fn find(&self, views: &Views) -> Result<Vec<ParkedStream>> {
        if let Some(name) = &self.name {
            super::named(name)?;
        }
        let mut parked = views.parked().await?;
        parked.retain(|parked| {
            self.name.as_ref().is_none_or(|name| *name == parked.projection)
                && self.stream.as_ref().is_none_or(|stream| *stream == parked.stream.to_string())
        });
        Ok(parked)
    }
}

impl List {
    async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        let deployment = open::for_reading(settings).await?;
        let parked = deployment.views.parked().await?;
        if self.shape.json {
            return Ok(screen.json(&parked.iter().map(to_json).collect::<Vec<_>>())?);
        }
        if parked.is_empty() {
            return Ok(screen.line("No stream is set aside.")?);
        }
        let mut rows = Rows::under(["read model", "stream", "from position", "events", "because"])
            .numbers(["from position", "events"]);
        for ParkedStream { projection, stream, first_position, events, error, .. } in &parked {
            let position = first_position.to_string();
            rows.add([projection.clone(), stream.to_string(), position, events.to_string(), error.clone()]);
        }
        Ok(screen.table(&rows)?)
    }
}

fn to_json(parked: &ParkedStream) -> serde_json::Value {
    json!({
        "name": parked.projection, "generation": parked.generation, "stream": parked.stream.to_string(),
        "organization": parked.organization, "firstSequence": parked.first_sequence,
        "firstPosition": parked.first_position, "lastPosition": parked.last_position,
        "events": parked.events, "error": parked.error,
    })
}

impl Show {
    async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        let deployment = open::for_reading(settings).await?;
        let mut all = vec![];
        for parked in self.which.find(&deployment.views).await? {
            let events = events(&deployment, &parked).await?;
            if self.shape.json {
                let mut shown = to_json(&parked);
                if let Some(shown) = shown.as_object_mut() {
                    shown.insert("waiting".into(), serde_json::Value::Array(events));
                }
                all.push(shown);
                continue;
            }
            screen.heading(format!("{} in {}", parked.stream, parked.projection))?;
            screen.text(format!("{}, because: {}", waiting(parked.events), parked.error))?;
            for event in events {
                screen.text(event.to_string())?;
            }
        }
        if self.shape.json {
            screen.json(&all)?;
        }
        Ok(())
    }
}

fn waiting(events: u64) -> String {
    count(usize::try_from(events).unwrap_or(usize::MAX), "event") + " set aside"
}

/// What waits, as it is stored: sealed.
async fn events(deployment: &Deployment, parked: &ParkedStream) -> Result<Vec<serde_json::Value>> {
    let after = Sequence(parked.first_sequence.0.saturating_sub(1));
    let stored = deployment.ledger.store().read_stream(&parked.stream, after, SHOWN).await?;
    let due = stored.iter().filter(|event| event.position <= parked.last_position);
    Ok(due.map(sealed).collect())
}

fn sealed(event: &StoredEvent) -> serde_json::Value {
    let payload = serde_json::from_str(&event.payload);
    json!({
        "position": event.position, "sequence": event.sequence, "type": event.event_type,
        "schema_version": event.schema_version, "recorded_at": event.recorded_at,
        "payload": payload.unwrap_or_else(|_| serde_json::Value::from(&*event.payload)),
    })
}

impl Retry {
    async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        let deployment = open::for_reading(settings).await?;
        let parked = self.which.find(&deployment.views).await?;
        if parked.is_empty() {
            return Ok(screen.line("No such stream is set aside; nothing has changed.")?);
        }
        let mut left = 0;
        for parked in &parked {
            let ParkedStream { projection, stream, .. } = parked;
            let store = Arc::clone(deployment.ledger.store());
            let retried =
                subscription::retry(&*store, &deployment.views, super::named(projection)?, parked).await?;
            match retried {
                Retried::Taken { events } => {
                    let events = count(usize::try_from(events).unwrap_or(usize::MAX), "event");
                    screen.text(format!("{projection} has taken {stream}: {events}."))?;
                }
                Retried::Parked(still) => {
                    left += 1;
                    screen.text(format!(
                        "{projection} still cannot take {stream} at position {}: {}",
                        still.first_position, still.error
                    ))?;
                }
                Retried::Moved => {
                    screen.text(format!("{stream} is not set aside in {projection} any more."))?;
                }
            }
        }
        match left {
            0 => Ok(()),
            left => bail!("{} set aside", count(left, "stream") + if left == 1 { " stays" } else { " stay" }),
        }
    }
}
