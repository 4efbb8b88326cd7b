//! Where letters go: to a mail server, or into files.

mod files;
mod smtp;

use std::{path::PathBuf, time::Duration};

use async_trait::async_trait;
use lettre::address::Envelope;
use muster_events::letter::LetterId;
use thiserror::Error;

use files::Files;
use smtp::Smtp;

/// Where letters go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transport {
    /// To a mail server: `smtp://user:password@host:port?tls=required` (STARTTLS), `smtps://host` (TLS from the beginning),
    /// `smtp://host:port` (no TLS). At most `connections` are open at once.
    Smtp {
        /// The server, with the credentials. Not to be shown.
        url: String,
        /// The most connections at once.
        connections: u32,
    },
    /// Into this directory, a file each.
    Files(PathBuf),
}

/// A transport that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct TransportError(pub String);

/// Why a letter was not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotSent {
    /// Nothing can be handed over at the moment, for this reason: no letter is to blame.
    Unusable(String),
    /// This letter was not taken.
    Refused {
        /// The reply code of the server, where it replied.
        code: Option<u16>,
        /// What it said, or what happened.
        text: String,
        /// Whether trying again is of no use: with a code from 500 on the server says so (RFC 5321 4.2.1).
        permanent: bool,
    },
}

/// What takes letters.
#[async_trait]
pub trait MailTransport: std::fmt::Debug + Send + Sync {
    /// Hands the message of a letter over; it is not lost any more when this returns.
    async fn send(&self, id: LetterId, envelope: &Envelope, message: &[u8]) -> Result<(), NotSent>;

    /// How many may be handed over at once.
    fn at_once(&self) -> usize;
}

impl Transport {
    /// Fails when it cannot be used as it is written; nothing is opened.
    pub fn check(&self) -> Result<(), TransportError> {
        match self {
            Self::Smtp { url, .. } => smtp::check(url),
            Self::Files(_) => Ok(()),
        }
    }

    /// Opens it. Nothing is sent yet. A mail server may take `patience` for each step.
    pub fn open(&self, patience: Duration) -> Result<Box<dyn MailTransport>, TransportError> {
        Ok(match self {
            Self::Smtp { url, connections } => Box::new(Smtp::new(url, *connections, patience)?),
            Self::Files(directory) => Box::new(Files::new(directory.clone())?),
        })
    }
}
