//! What every store asks of a stretch that it takes over from another log.

use muster_events::stream::Position;
use serde::Deserialize;

use super::{StoreError, StoredEvent};

/// Who acted, as far as filters ask. By its own shape, because a foreign program's metadata may say more or other things.
#[derive(Debug, Deserialize)]
pub(crate) struct Who {
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    actor: Who,
}

/// Who acted, from the metadata as it is stored.
pub(crate) fn actor(event: &StoredEvent) -> Result<Who, StoreError> {
    let metadata: Result<Metadata, _> = serde_json::from_str(&event.metadata);
    metadata.map(|metadata| metadata.actor).map_err(|error| {
        StoreError::Damaged(format!(
            "the event at position {} does not say who acted: {error}",
            event.position
        ))
    })
}

/// Refuses a stretch that does not go on, without a hole, where a log ends.
pub(crate) fn follows(head: Position, stretch: &[StoredEvent]) -> Result<(), StoreError> {
    let mut next = head;
    for event in stretch {
        next = next.next();
        if event.position != next {
            let found = event.position;
            return Err(StoreError::Unavailable(format!(
                "position {next} is to be taken over next, and {found} was given: another process writes this log"
            )));
        }
    }
    Ok(())
}

/// Refuses to replace the claims of a log that another process has written to, or called a ledger, since they were folded.
pub(crate) fn is_nobodys(folded: Position, head: Position, hash_key: Option<&str>) -> Result<(), StoreError> {
    if folded == head && hash_key.is_none() {
        return Ok(());
    }
    Err(StoreError::Unavailable(format!(
        "the claims of a log that ends at position {folded} are to be put in place, and it ends at {head}: another process \
         uses it"
    )))
}
