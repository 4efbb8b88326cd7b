//! One walk along the whole log: every event is looked at once, a batch in memory at a time.

use anyhow::Result;
use indicatif::ProgressBar;
use muster_events::{claims::claims_of, event::DecodeError, recorded::RecordedEvent, stream::Position};
use serde_json::Value;

use super::{
    claims::Claims,
    report::{Check, Findings},
};
use crate::{
    cli::screen::count,
    deployment::{Deployment, Place},
    ledger::Ledger,
    store::{
        StoredEvent,
        leaf::{RunningDigest, leaf_of},
    },
};

/// Events in memory at once.
const BATCH: usize = 1_000;

/// What is known of the log up to a position.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    ledger: &'a Ledger,
    bar: ProgressBar,
    /// Where the log is kept.
    pub(super) place: Place,
    /// Up to here, everything was looked at.
    pub(super) position: Position,
    /// The running digest of the leaves up to there.
    pub(super) digest: RunningDigest,
    /// The claims that they lead to.
    pub(super) claims: Claims,
    events: usize,
    /// Events of aggregates that are none of ours.
    of_others: usize,
    log: Findings,
    leaves: Findings,
    contents: Findings,
    sealed: Findings,
}

impl<'a> Walk<'a> {
    /// At the beginning of the log.
    pub(super) fn new(deployment: &'a Deployment, bar: ProgressBar) -> Self {
        Self {
            ledger: &deployment.ledger,
            bar,
            place: deployment.place.clone(),
            position: Position::ZERO,
            digest: RunningDigest::default(),
            claims: Claims::default(),
            events: 0,
            of_others: 0,
            log: Findings::default(),
            leaves: Findings::default(),
            contents: Findings::default(),
            sealed: Findings::default(),
        }
    }

    /// Goes on to `position`; nothing when the walk is further already.
    pub(super) async fn advance_to(&mut self, position: Position) -> Result<()> {
        while self.position < position {
            let wanted = usize::try_from(position.0 - self.position.0).unwrap_or(BATCH).min(BATCH);
            let mut events = self.ledger.store().read_all(self.position, wanted).await?;
            events.retain(|event| event.position <= position);
            if events.is_empty() {
                self.log.add(format!(
                    "The log ends at position {} though its head was {position}: {}.",
                    self.position,
                    self.place.restore_log()
                ));
                return Ok(());
            }
            self.unseal(&events).await?;
            for event in &events {
                self.look_at(event);
            }
            self.bar.set_position(self.position.0);
        }
        Ok(())
    }

    fn look_at(&mut self, event: &StoredEvent) {
        let position = event.position;
        if self.ledger.store().capabilities().gapless && position != self.position.next() {
            self.log.add(format!(
                "Behind position {} comes {position}, with nothing between: {}.",
                self.position,
                self.place.restore_log()
            ));
        }
        self.position = position;
        self.events += 1;
        self.digest.add(&event.leaf);
        if leaf_of(event) != event.leaf {
            self.leaves.add(format!(
                "The event at position {position} is not what was recorded there: {}, and find out who altered it.",
                self.place.restore_log()
            ));
        }
        match event.recorded() {
            Ok(recorded) => self.fold(event, &recorded),
            // Others may append to a log in a database, and theirs are for them to read.
            Err(DecodeError::UnknownAggregate(_)) if matches!(self.place, Place::Database(_)) => {
                self.of_others += 1;
            }
            Err(error) => self.contents.add(format!(
                "The event at position {position} cannot be read ({error}): use the version of muster that wrote it, or \
                 a newer one."
            )),
        }
    }

    fn fold(&mut self, stored: &StoredEvent, recorded: &RecordedEvent) {
        for change in claims_of(&stored.stream, stored.organization, &recorded.event) {
            self.claims.change(change, stored.recorded_at, stored.position);
        }
    }

    /// Opens every sealed value: its key must be there, or be erased, and the value must be what was sealed.
    async fn unseal(&mut self, events: &[StoredEvent]) -> Result<()> {
        let mut all: Vec<_> = events.iter().flat_map(documents).collect();
        if self.ledger.keys().unseal_json(&mut all).await?.is_empty() {
            return Ok(());
        }
        // Which of them it is, is worth a second look only when something is wrong.
        for event in events {
            for fault in self.ledger.keys().unseal_json(&mut documents(event)).await? {
                self.sealed.add(format!(
                    "A value of the event at position {} cannot be opened: {fault}.",
                    event.position
                ));
            }
        }
        Ok(())
    }

    /// What the walk found, apart from what others compare with it. `store` is what the store found by itself.
    pub(super) fn checks(&mut self, store: Vec<String>) -> Vec<Check> {
        let mut log = std::mem::take(&mut self.log);
        log.extend(store);
        let events = count(self.events, "event");
        let last = self.position;
        let contents = match self.of_others {
            0 => format!("{events}, each can be read"),
            of_others => format!("{events}, each can be read or is one of {of_others} of other programs"),
        };
        vec![
            log.into_check("log", format!("{events}, positions 1 to {last}, each stream in order")),
            std::mem::take(&mut self.leaves)
                .into_check("leaves", format!("{events}, each as it was recorded")),
            std::mem::take(&mut self.contents).into_check("contents", contents),
            std::mem::take(&mut self.sealed)
                .into_check("sealed", "every sealed value opens, or its key was erased".to_owned()),
        ]
    }
}

fn documents(event: &StoredEvent) -> [Value; 2] {
    [&event.payload, &event.metadata].map(|text| serde_json::from_str(text).unwrap_or_default())
}
