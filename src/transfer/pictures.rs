//! Pictures on their way.

use crate::blobs::{BlobError, BlobStore};

/// Names that are listed at once.
const PAGE: u32 = 500;

/// Puts all pictures of `from` that are not there yet into `to`; how many that were.
pub(super) async fn put(from: &dyn BlobStore, to: &dyn BlobStore) -> Result<u64, BlobError> {
    let (mut put, mut after) = (0, String::new());
    loop {
        let names = from.names(&after, PAGE).await?;
        let Some(last) = names.last() else { return Ok(put) };
        after.clone_from(last);
        for name in names {
            if to.get(&name).await?.is_some() {
                continue;
            }
            // None when it was replaced meanwhile; the one that takes its place is named elsewhere.
            if let Some(blob) = from.get(&name).await? {
                to.put(blob).await?;
                put += 1;
            }
        }
    }
}
