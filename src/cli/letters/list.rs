//! `muster letters list` and `muster letters parked`.

use anyhow::Result;
use muster_events::letter::{Letter, LetterStatus};
use muster_projections::letters::query::{self, Filter, LetterRow};
use serde_json::json;

use crate::{
    cli::{
        config::Settings,
        exit::Usage,
        names::{Names, unsealed},
        open, org,
        screen::{Part, Rows, Screen, Shape, count, seconds},
    },
    deployment::Deployment,
};

/// `muster letters list`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct List {
    /// Only those that stand so: queued, sent, dropped or parked
    #[arg(long, value_name = "STATUS")]
    status: Option<String>,
    /// Only those about this organization: slug or id
    #[arg(long, value_name = "ORGANIZATION")]
    organization: Option<String>,
    #[command(flatten)]
    part: Part,
    #[command(flatten)]
    shape: Shape,
}

/// `muster letters parked`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Parked {
    #[command(flatten)]
    part: Part,
    #[command(flatten)]
    shape: Shape,
}

impl List {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        let status = self.status.as_deref().map(|name| {
            let unknown = || Usage(format!("--status: \"{name}\" is none of queued, sent, dropped, parked"));
            LetterStatus::by_name(name).ok_or_else(unknown)
        });
        let status = status.transpose()?;
        let deployment = open::for_reading(settings).await?;
        let organization = match &self.organization {
            Some(named) => Some(org::find(&deployment.ledger, named, "--organization").await?),
            None => None,
        };
        let none = "There are no such letters.";
        print(&deployment, Filter { status, organization }, self.part, self.shape, none, screen).await
    }
}

impl Parked {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        let deployment = open::for_reading(settings).await?;
        let filter = Filter { status: Some(LetterStatus::Parked), organization: None };
        print(&deployment, filter, self.part, self.shape, "No letter is parked.", screen).await
    }
}

async fn print(
    deployment: &Deployment,
    filter: Filter,
    part: Part,
    shape: Shape,
    none: &str,
    screen: &mut Screen,
) -> Result<()> {
    let listed = query::list(&deployment.views, filter, part.page()).await?;
    let mut names = Names::of(&deployment.ledger);
    let (mut all, mut rows) = (vec![], Rows::under(["id", "kind", "to", "organization", "queued", "state"]));
    for letter in &listed.rows {
        let to = recipient(deployment, letter).await;
        if shape.json {
            all.push(json!({
                "id": letter.id.to_string(), "kind": letter.kind, "to": to, "status": letter.status,
                "organization": letter.organization, "attempts": letter.attempts, "code": letter.code,
                "droppedBecause": letter.dropped_why, "dateQueued": letter.queued_at,
                "dateChanged": letter.changed_at, "nextAttempt": letter.next_attempt_at,
            }));
            continue;
        }
        let organization = names.organization(letter.organization).await;
        let queued = seconds(letter.queued_at);
        rows.add([letter.id.to_string(), letter.kind.to_string(), to, organization, queued, state(letter)]);
    }
    if shape.json {
        screen.json(&all)?;
        return Ok(());
    }
    part.print(&rows, listed.more, none, screen)?;
    Ok(())
}

async fn recipient(deployment: &Deployment, letter: &LetterRow) -> String {
    match deployment.ledger.state::<Letter>(&letter.id.into()).await {
        Ok(found) => match &found.state.letter {
            Some(letter) => unsealed(deployment.ledger.keys(), &letter.email).await,
            None => String::new(),
        },
        Err(_) => "[unreadable]".into(),
    }
}

/// How a letter stands, in a few words.
fn state(letter: &LetterRow) -> String {
    let code = letter.code.map(|code| format!(" ({code})")).unwrap_or_default();
    match (letter.status, letter.next_attempt_at, letter.dropped_why) {
        (LetterStatus::Queued, Some(next), _) if letter.attempts > 0 => {
            format!("attempt {} failed{code}, next at {}", letter.attempts, seconds(next))
        }
        (LetterStatus::Queued, ..) => "waits".into(),
        (LetterStatus::Parked, ..) => {
            let attempts = usize::try_from(letter.attempts).unwrap_or(usize::MAX);
            format!("parked after {}{code}", count(attempts, "attempt"))
        }
        (LetterStatus::Dropped, _, Some(why)) => format!("not sent: {}", why.words()),
        (status, ..) => status.name().into(),
    }
}
