use std::{io, os::unix::fs::DirBuilderExt as _, path::PathBuf};

use async_trait::async_trait;
use lettre::address::Envelope;
use muster_events::letter::LetterId;
use tokio::{fs, io::AsyncWriteExt as _};

use super::{MailTransport, NotSent, TransportError};

/// A directory of `.eml` files (RFC 5322), each named after its letter: one that is written twice is one file.
#[derive(Debug)]
pub(super) struct Files {
    directory: PathBuf,
}

impl Files {
    pub(super) fn new(directory: PathBuf) -> Result<Self, TransportError> {
        // Letters hold links that open invitations: nobody else is to read them.
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory);
        made.map_err(|error| {
            TransportError(format!("letters cannot be written to {}: {error}", directory.display()))
        })?;
        Ok(Self { directory })
    }

    /// Written whole under another name, on the disk, then given its name.
    async fn write(&self, id: LetterId, message: &[u8]) -> io::Result<()> {
        let name = format!("{id}.eml");
        let (partial, whole) = (self.directory.join(format!(".{name}")), self.directory.join(name));
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&partial).await?;
        file.write_all(message).await?;
        file.sync_all().await?;
        drop(file);
        fs::rename(&partial, &whole).await?;
        fs::File::open(&self.directory).await?.sync_all().await
    }
}

#[async_trait]
impl MailTransport for Files {
    async fn send(&self, id: LetterId, _envelope: &Envelope, message: &[u8]) -> Result<(), NotSent> {
        // A disk is full, or somebody has taken the directory away: no letter is to blame for that.
        let unusable = |error| NotSent::Unusable(format!("{}: {error}", self.directory.display()));
        self.write(id, message).await.map_err(unusable)
    }

    fn at_once(&self) -> usize {
        1
    }
}
