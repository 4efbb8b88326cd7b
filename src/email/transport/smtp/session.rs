//! One connection to a mail server, step by step (RFC 5321): whose matter a step is that fails, the server's or the
//! letter's, is known only here.

use std::{error::Error as _, future::Future, time::Duration};

use lettre::{
    address::Envelope,
    transport::smtp::{
        Error,
        authentication::DEFAULT_MECHANISMS,
        client::AsyncSmtpConnection,
        commands::{Data, Mail, Rcpt},
        extension::{Extension, MailBodyParameter, MailParameter},
        response::Severity,
    },
};
use tokio::time::timeout;

use super::{
    super::NotSent,
    server::{Encrypted, Server},
};

/// How much longer than another step the server may take to say that it has taken a message: what it has not said by
/// then may arrive all the same, and is sent again (RFC 5321 4.5.3.2.6).
const END_OF_DATA: u32 = 5;

/// The service closes the connection, whatever was asked (RFC 5321 4.2.1).
const CLOSING: u16 = 421;
/// The server wants to know who asks, or does not believe it (RFC 4954 6).
const WHO_ASKS: [u16; 5] = [454, 530, 534, 535, 538];

/// A connection that is ready for a letter.
pub(super) struct Session {
    connection: Box<AsyncSmtpConnection>,
    patience: Duration,
}

/// Why a step failed.
struct Failed {
    code: Option<u16>,
    text: String,
}

impl Session {
    /// Connects, encrypts and says who this is. `patience` is how long each step may take.
    pub(super) async fn open(server: &Server, patience: Duration) -> Result<Self, String> {
        Self::opened(server, patience).await.map_err(|failed| failed.text)
    }

    async fn opened(server: &Server, patience: Duration) -> Result<Self, Failed> {
        let at_once = match &server.encrypted {
            Encrypted::FromTheBeginning(parameters) => Some(parameters.clone()),
            _ => None,
        };
        let address = (server.host.as_str(), server.port);
        let connected =
            AsyncSmtpConnection::connect_tokio1(address, Some(patience), &server.name, at_once, None);
        let mut connection = Box::new(step(patience, connected).await?);
        match &server.encrypted {
            Encrypted::ByCommand(parameters) => {
                step(patience, connection.starttls(parameters.clone(), &server.name)).await?;
            }
            Encrypted::IfOffered(parameters) if connection.can_starttls() => {
                step(patience, connection.starttls(parameters.clone(), &server.name)).await?;
            }
            _ => {}
        }
        if let Some(credentials) = &server.credentials {
            step(patience, connection.auth(DEFAULT_MECHANISMS, credentials)).await?;
        }
        Ok(Self { connection, patience })
    }

    /// Announces a letter from this sender. What fails here concerns no letter in particular: the connection is gone, or
    /// the server does not take letters from this sender.
    pub(super) async fn begin(&mut self, envelope: &Envelope) -> Result<(), String> {
        let mut parameters = vec![MailParameter::Body(MailBodyParameter::EightBitMime)];
        if !self.connection.server_info().supports_feature(Extension::EightBitMime) {
            parameters.clear();
        }
        if beyond_ascii(envelope) && self.takes_any_address() {
            parameters.push(MailParameter::SmtpUtfEight);
        }
        let command = Mail::new(envelope.from().cloned(), parameters);
        step(self.patience, self.connection.command(command)).await.map(|_| ()).map_err(|failed| failed.text)
    }

    fn takes_any_address(&self) -> bool {
        self.connection.server_info().supports_feature(Extension::SmtpUtfEight)
    }

    /// Hands over the letter that was announced. After an error the connection is not to be used any more: an answer
    /// that comes late would be taken for that to the next letter.
    pub(super) async fn hand_over(&mut self, envelope: &Envelope, message: &[u8]) -> Result<(), NotSent> {
        if beyond_ascii(envelope) && !self.takes_any_address() {
            let text = "the mail server takes no addresses with letters beyond ASCII (SMTPUTF8)".to_owned();
            return Err(NotSent::Refused { code: None, text, permanent: true });
        }
        for recipient in envelope.to() {
            let command = Rcpt::new(recipient.clone(), vec![]);
            step(self.patience, self.connection.command(command)).await.map_err(NotSent::from)?;
        }
        step(self.patience, self.connection.command(Data)).await.map_err(NotSent::from)?;
        let message = self.connection.message(message);
        let response = step(self.patience * END_OF_DATA, message).await.map_err(NotSent::from)?;
        if response.code().severity == Severity::PositiveCompletion {
            return Ok(());
        }
        let text = format!("the mail server did not say whether it took the letter, but {}", response.code());
        Err(NotSent::Refused { code: None, text, permanent: false })
    }
}

fn beyond_ascii(envelope: &Envelope) -> bool {
    envelope.to().iter().chain(envelope.from()).any(|address| !AsRef::<str>::as_ref(address).is_ascii())
}

impl From<Failed> for NotSent {
    fn from(Failed { code, text }: Failed) -> Self {
        match code {
            Some(code) if code == CLOSING || WHO_ASKS.contains(&code) => Self::Unusable(text),
            code => Self::Refused { code, text, permanent: code.is_some_and(|code| code >= 500) },
        }
    }
}

async fn step<T>(patience: Duration, asked: impl Future<Output = Result<T, Error>>) -> Result<T, Failed> {
    match timeout(patience, asked).await {
        Ok(Ok(answered)) => Ok(answered),
        Ok(Err(error)) => Err(Failed { code: error.status().map(u16::from), text: whole(&error) }),
        Err(_) => {
            let text = format!("the mail server did not answer within {} s", patience.as_secs_f64());
            Err(Failed { code: None, text })
        }
    }
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
