//! Whether the mirror is what the log says.

use muster_events::stream::Position;

use super::{EventStoreStore, commits::Commits};
use crate::store::{
    Store as _, StoreError,
    source::{RecordedEvent, Records},
};

/// Records that are compared at once.
const PAGE: usize = 200;

impl EventStoreStore {
    /// Compares the events of the mirror with the records of the log; one sentence for the first difference.
    pub(super) async fn compare(&self) -> Result<Vec<String>, StoreError> {
        let count = self.fresh().await?;
        let (mut seen, mut position) = (Records(0), Position::ZERO);
        while seen < count {
            let records = Commits::read(&self.server, seen, PAGE).await?;
            if records.is_empty() {
                return Ok(vec![format!("The log ends after {} records, and had {}.", seen.0, count.0)]);
            }
            let events = records.iter().flat_map(|record| &record.events);
            let said = events.map(RecordedEvent::stored).collect::<Result<Vec<_>, _>>()?;
            let here = self.mirror.read_all(position, said.len()).await?;
            for (number, said) in said.iter().enumerate() {
                position = position.next();
                let is_same = here.get(number).is_some_and(|here| {
                    (here.position, here.leaf, &here.payload, &here.metadata)
                        == (said.position, said.leaf, &said.payload, &said.metadata)
                });
                if said.position != position || !is_same {
                    return Ok(vec![format!(
                        "The mirror of the log differs from it at position {position}: stop muster and delete the mirror, it \
                         is made again."
                    )]);
                }
            }
            seen = Records(seen.0 + records.len() as u64);
        }
        Ok(vec![])
    }
}
