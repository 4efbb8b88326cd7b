//! `muster doctor`: looks at everything that can be wrong, and says what to mend.
//!
//! It works beside a running server. One walk along the log ([`walk`]) recomputes what the store ([`claims`]) holds besides
//! it; another one makes the rows of the read models ([`views`]). In memory are one batch of events, and the claims or
//! the rows.

mod claims;
mod report;
mod views;
mod walk;

use anyhow::{Result, bail};
use muster_events::letter::LetterStatus;
use muster_projections::{
    letters::query::{self, Filter},
    read::Page,
};

use self::{
    report::{Findings, Report},
    walk::Walk,
};
use super::{
    config::Settings,
    open, progress,
    screen::{Screen, Shape, count},
};
use crate::{deployment::Deployment, ledger::Ledger, sealing::KeyRing};

/// `muster doctor`.
#[derive(Debug, clap::Args)]
pub(super) struct Doctor {
    #[command(flatten)]
    shape: Shape,
}

impl Doctor {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        let deployment = open::existing(settings).await?;
        let report = examine(&deployment).await?;
        if self.shape.json {
            screen.json(&report)?;
        } else {
            report.print(screen)?;
        }
        match report.wrong() {
            0 => Ok(()),
            wrong => bail!("the doctor found {}", count(wrong, "fault")),
        }
    }
}

async fn examine(deployment: &Deployment) -> Result<Report> {
    let ledger = &deployment.ledger;
    let store = &**ledger.store();
    let head = store.head().await?.position;
    let bar = progress::bar(usize::try_from(head.0).unwrap_or(usize::MAX), "events");
    let mut walk = Walk::new(deployment, bar.clone());
    walk.advance_to(head).await?;
    // Taken here: what follows goes on along a log that grows.
    let (position, digest) = (walk.position, walk.digest.to_string());
    let own = store.check().await?;
    let claims = claims::check(&mut walk, store, ledger.clock().now()).await?;
    let read_models = views::check(deployment).await?;
    let mut checks = walk.checks(own);
    let keys = keys(ledger.keys()).await?;
    checks.extend([claims, read_models, letters(deployment).await?, keys, erasures(ledger).await?]);
    bar.finish_and_clear();
    let ok = checks.iter().all(|check| check.ok);
    Ok(Report { ok, incarnation: store.incarnation().to_string(), position, digest, checks })
}

/// Names the letters that could not be sent.
async fn letters(deployment: &Deployment) -> Result<report::Check> {
    let backlog = query::backlog(&deployment.views).await?;
    let filter = Filter { status: Some(LetterStatus::Parked), organization: None };
    let page = Page { offset: 0, limit: 1_000 };
    let mut findings = Findings::default();
    for letter in query::list(&deployment.views, filter, page).await?.rows {
        let (id, kind) = (letter.id, letter.kind);
        findings.add(format!("letter {id} ({kind}) is parked: `muster letters show {id}` says why"));
    }
    let waiting = count(usize::try_from(backlog.queued).unwrap_or(usize::MAX), "letter");
    Ok(findings.into_check("letters", format!("{waiting} waiting")))
}

/// Looks for keys of persons who were erased: a process ended in between, or they were put back from a backup.
async fn erasures(ledger: &Ledger) -> Result<report::Check> {
    let mut findings = Findings::default();
    let erased = ledger.erasures().await?;
    for erased in ledger.incomplete_erasures(&erased).await? {
        let (stream, position) = (&erased.stream, erased.position);
        findings.add(format!(
            "The {stream} was erased at position {position}, but a key is still there: `muster serve` destroys it when it \
             starts, `muster user erase` at once."
        ));
    }
    Ok(findings.into_check("erasures", "no key of somebody who was erased is left"))
}

/// Opens every key once. That the master key is the right one was found when the keys were opened.
async fn keys(keys: &KeyRing) -> Result<report::Check> {
    let found = keys.check().await?;
    let mut findings = Findings::default();
    findings.extend(found.faults);
    let living = count(usize::try_from(found.living).unwrap_or(usize::MAX), "key");
    Ok(findings.into_check("keys", format!("{living} of persons open, {} erased", found.erased)))
}
