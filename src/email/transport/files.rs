use std::{io, path::PathBuf};

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
        let made = std::fs::create_dir_all(&directory);
        made.map_err(|error| {
            TransportError(format!("letters cannot be written to {}: {error}", directory.display()))
        })?;
        Ok(Self { directory })
    }

    /// Written whole under another name, on the disk, then given its name.
    async fn write(&self, id: LetterId, message: &[u8]) -> io::Result<()> {
        let name = format!("{id}.eml");
        let (partial, whole) = (self.directory.join(format!(".{name}")), self.directory.join(name));
        let mut file = fs::File::create(&partial).await?;
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
        self.write(id, message).await.map_err(|error| NotSent { code: None, text: error.to_string() })
    }

    async fn reachable(&self) -> Result<(), String> {
        match fs::metadata(&self.directory).await {
            Ok(_) => Ok(()),
            Err(error) => Err(format!("{}: {error}", self.directory.display())),
        }
    }

    fn at_once(&self) -> usize {
        1
    }
}
