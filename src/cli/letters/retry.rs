//! `muster letters retry`.

use anyhow::{Result, bail};
use muster_events::letter::{Letter, LetterId, LetterStatus};
use muster_projections::{
    letters::query::{self, Filter},
    read::Page,
};

use crate::{
    cli::{
        config::Settings,
        exit::Usage,
        open,
        screen::{Screen, count},
        words,
    },
    deployment::Deployment,
    ledger::{CommandMeta, Turn, operations::ReleaseLetter},
};

/// Letters that are looked up at once.
const PAGE: u32 = 1_000;

/// `muster letters retry`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Retry {
    /// The ids of parked letters, as `muster letters parked` shows them
    #[arg(value_name = "ID")]
    ids: Vec<LetterId>,
    /// All parked letters
    #[arg(long, conflicts_with = "ids")]
    all: bool,
}

impl Retry {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        if self.ids.is_empty() && !self.all {
            return Err(Usage("ID: name parked letters, or all of them with --all".into()).into());
        }
        let deployment = open::for_reading(settings).await?;
        let ledger = &deployment.ledger;
        let mut ids = self.ids;
        if self.all {
            ids = parked(&deployment).await?;
        }
        // All are looked at first: either all that are named are tried again, or none.
        for id in &ids {
            let found = ledger.state::<Letter>(&(*id).into()).await.map_err(words::failure)?;
            if found.state.letter.is_none() {
                bail!(
                    "ID: there is no letter {id}; `muster letters parked` shows those that can be sent again"
                );
            }
        }
        let mut released = 0;
        for id in ids {
            let outcome =
                ledger.execute(&ReleaseLetter { id }, &CommandMeta::system(), Turn::unkeyed()).await;
            released += usize::from(words::was_changed(outcome)?);
        }
        screen.line(match released {
            0 => "No letter was parked; nothing has changed.".into(),
            released => format!("{} will be sent again by the server.", count(released, "letter")),
        })?;
        Ok(())
    }
}

async fn parked(deployment: &Deployment) -> Result<Vec<LetterId>> {
    let filter = Filter { status: Some(LetterStatus::Parked), organization: None };
    let (mut ids, mut page) = (vec![], Page { offset: 0, limit: PAGE });
    loop {
        let listed = query::list(&deployment.views, filter, page).await?;
        ids.extend(listed.rows.iter().map(|letter| letter.id));
        if !listed.more {
            return Ok(ids);
        }
        page.offset += PAGE;
    }
}
