//! `muster letters show`.

use anyhow::{Result, bail};
use muster_events::{
    event::Event,
    letter::{Letter, LetterEvent, LetterId},
    stream::Sequence,
};
use serde_json::json;

use crate::cli::{
    config::Settings,
    names::{Names, unsealed},
    open,
    screen::{Rows, Screen, Shape, seconds},
    words,
};

/// Most events of a letter that are shown.
const EVENTS: usize = 1_000;

/// `muster letters show`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Show {
    /// The id of the letter, as `muster letters list` shows it
    id: LetterId,
    #[command(flatten)]
    shape: Shape,
}

impl Show {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        let deployment = open::existing(settings).await?;
        let (ledger, keys) = (&deployment.ledger, deployment.ledger.keys());
        let found = ledger.state::<Letter>(&self.id.into()).await.map_err(words::failure)?.state;
        let Some(letter) = &found.letter else {
            bail!("ID: there is no letter {}; `muster letters list` shows which there are", self.id);
        };
        let (to, organization) =
            (unsealed(keys, &letter.email).await, Names::of(ledger).organization(letter.organization).await);
        let (mut told, mut rows) = (vec![], Rows::under(["when", "what"]));
        for stored in ledger.store().read_stream(&self.id.into(), Sequence::ZERO, EVENTS).await? {
            let recorded = stored.recorded()?;
            let Event::Letter(event) = &recorded.event else { continue };
            let what = match event {
                LetterEvent::LetterQueued { .. } => match &recorded.metadata.causation_id {
                    Some(cause) => format!("queued because of event {cause}"),
                    None => "queued".to_owned(),
                },
                LetterEvent::LetterSent { attempt } => format!("sent at attempt {attempt}"),
                LetterEvent::LetterAttemptFailed { attempt, code, text, .. } => {
                    let code = code.map(|code| format!("{code} ")).unwrap_or_default();
                    format!("attempt {attempt} failed: {code}{}", unsealed(keys, text).await)
                }
                LetterEvent::LetterDropped { why } => format!("not sent: {}", why.words()),
                LetterEvent::LetterParked {} => "parked".to_owned(),
                LetterEvent::LetterReleased {} => "to be sent again".to_owned(),
            };
            if self.shape.json {
                told.push(json!({
                    "position": recorded.position, "date": recorded.recorded_at, "type": stored.event_type,
                    "what": what, "causedBy": recorded.metadata.causation_id,
                }));
            } else {
                rows.add([seconds(recorded.recorded_at), what]);
            }
        }
        if self.shape.json {
            screen.json(&json!({
                "id": self.id.to_string(), "kind": letter.kind, "to": to, "status": found.status,
                "organization": letter.organization, "about": letter.about, "events": told,
            }))?;
        } else {
            screen.line(format!("{} to {to}, about {organization}\n", letter.kind))?;
            screen.table(&rows)?;
        }
        Ok(())
    }
}
