//! A directory that is removed in the end.

use std::{
    env,
    fs::{self, DirBuilder},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::clock;

/// A directory of our own among the temporary files, readable by this user only.
#[derive(Debug)]
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub(super) fn new() -> Result<Self> {
        let name = format!("muster-demo-{}", hex::encode(clock::random_bytes::<6>()));
        let path = env::temp_dir().join(name);
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        let cannot = || format!("{} cannot be made: name a data directory with --data", path.display());
        builder.create(&path).with_context(cannot)?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, path = %self.0.display(), "the temporary ledger could not be removed");
        }
    }
}
