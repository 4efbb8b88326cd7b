use std::{error::Error as _, time::Duration};

use async_trait::async_trait;
use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor,
    address::Envelope,
    transport::smtp::{AsyncSmtpTransportBuilder, Error, PoolConfig},
};
use muster_events::letter::LetterId;
use tokio::time::timeout;

use super::{MailTransport, NotSent, TransportError};

/// How long a connection is kept without use.
const IDLE: Duration = Duration::from_secs(30);
/// How long each step of a connection may take.
const STEP: Duration = Duration::from_secs(20);

/// A mail server.
#[derive(Debug)]
pub(super) struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    connections: usize,
    send_time: Duration,
}

impl Smtp {
    pub(super) fn new(url: &str, connections: u32, send_time: Duration) -> Result<Self, TransportError> {
        let pool = PoolConfig::new().max_size(connections).idle_timeout(IDLE);
        let transport = builder(url)?.timeout(Some(STEP)).pool_config(pool).build();
        Ok(Self { transport, connections: usize::try_from(connections).unwrap_or(1).max(1), send_time })
    }
}

#[async_trait]
impl MailTransport for Smtp {
    async fn send(&self, _id: LetterId, envelope: &Envelope, message: &[u8]) -> Result<(), NotSent> {
        match timeout(self.send_time, self.transport.send_raw(envelope, message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(NotSent { code: error.status().map(u16::from), text: whole(&error) }),
            Err(_) => {
                let seconds = self.send_time.as_secs();
                Err(NotSent { code: None, text: format!("the mail server took longer than {seconds} s") })
            }
        }
    }

    async fn reachable(&self) -> Result<(), String> {
        match timeout(STEP, self.transport.test_connection()).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err("the mail server does not answer".into()),
            Ok(Err(error)) => Err(whole(&error)),
            Err(_) => Err("the mail server does not answer in time".into()),
        }
    }

    fn at_once(&self) -> usize {
        self.connections
    }
}

pub(super) fn builder(url: &str) -> Result<AsyncSmtpTransportBuilder, TransportError> {
    AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
        .map_err(|error| TransportError(format!("the mail server cannot be used: {}", whole(&error))))
}

/// An error with its causes, in one line.
fn whole(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text.replace(['\r', '\n'], " ")
}
