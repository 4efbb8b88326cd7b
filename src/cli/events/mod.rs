//! `muster events`: reads of the log.

mod diff;
mod export;
mod filter;
mod list;
mod replay;
mod show;
mod tail;
mod told;

use std::io;

use anyhow::Result;
use muster_events::stream::Position;

use super::{
    config::Settings,
    exit::Usage,
    names::Names,
    screen::{Rows, Screen, seconds},
};
use crate::{
    deployment::Deployment,
    history::{History, Moment, MomentError, PastError, ShownEvent},
};

/// `muster events`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Events {
    /// List events, oldest first: who changed what, from what, to what
    List(list::List),
    /// Print events as they are appended, until Ctrl-C
    Tail(tail::Tail),
    /// Show one event with everything that is stored of it
    Show(show::Show),
    /// Write events as NDJSON or CSV, for files
    Export(export::Export),
    /// Show how organizations stood at a moment of the past
    Replay(replay::Replay),
    /// Say what changed between two moments: who joined, who left, who got which role, and by whom
    Diff(diff::Diff),
}

impl Events {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        match self {
            Self::List(list) => list.run(settings, screen).await,
            Self::Tail(tail) => tail.run(settings, screen).await,
            Self::Show(show) => show.run(settings, screen).await,
            Self::Export(export) => export.run(settings, screen).await,
            Self::Replay(replay) => replay.run(settings, screen).await,
            Self::Diff(diff) => diff.run(settings, screen).await,
        }
    }
}

/// The history of a deployment.
pub(super) fn history(deployment: &Deployment) -> History {
    History::new(deployment.ledger.store().clone(), deployment.ledger.keys().clone())
        .with_snapshots(deployment.views.clone())
}

/// The position of the moment that the value of `flag` names.
pub(super) async fn moment(deployment: &Deployment, flag: &str, text: &str) -> Result<Position> {
    let wrong = |error: MomentError| Usage(format!("{flag}: {error}"));
    let moment = Moment::parse(text, deployment.ledger.store().incarnation()).map_err(wrong)?;
    let now = deployment.ledger.clock().now();
    match history(deployment).position_at(moment, now).await {
        Ok(position) => Ok(position),
        Err(PastError::Moment(error)) => Err(wrong(error).into()),
        Err(error) => Err(error.into()),
    }
}

/// A table of events.
pub(super) async fn table(events: &[ShownEvent], names: &mut Names<'_>) -> Rows {
    let header = ["position", "when", "who", "whom", "what", "before", "after"];
    let mut rows = Rows::under(header).numbers(["position"]);
    for event in events {
        let told = told::cells(event, names).await;
        let whom = format!("{}{}", told::kind(event), names.subject(event).await);
        let (when, who) = (seconds(event.recorded_at), names.actor(event).await);
        rows.add([event.position.to_string(), when, who, whom, told.what, told.before, told.after]);
    }
    rows
}

/// One line for each event, for those who watch.
pub(super) async fn lines(
    events: &[ShownEvent],
    names: &mut Names<'_>,
    screen: &mut Screen,
) -> io::Result<()> {
    for event in events {
        let told = told::cells(event, names).await;
        let whom = format!("{}{}", told::kind(event), names.subject(event).await);
        let who = names.actor(event).await;
        let change = match (told.before.as_str(), told.after.as_str()) {
            ("", after) => after.to_owned(),
            (before, "") => format!("{before} -> nothing"),
            (before, after) => format!("{before} -> {after}"),
        };
        let (position, when) = (event.position, seconds(event.recorded_at));
        screen.text(format!("{position:>8}  {when}  {who}: {whom}, {} {change}", told.what))?;
    }
    Ok(())
}
