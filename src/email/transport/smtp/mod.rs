//! A mail server, over a few connections that are kept.
//!
//! The connections are our own and not those of the library's pool, which gives one back whose answer nobody has waited
//! for: the answer to one letter would be taken for that to the next.

mod server;
mod session;

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use lettre::address::Envelope;
use muster_events::letter::LetterId;
use tokio::sync::Notify;

use self::{server::Server, session::Session};
use super::{MailTransport, NotSent, TransportError};
use crate::clock::stopwatch;

/// How long a connection is kept without use. Servers close them after five minutes (RFC 5321 4.5.3.2.7).
const IDLE: Duration = Duration::from_secs(30);
/// After how long a server that refused a further connection is asked for one again.
const ASK_AGAIN: Duration = Duration::from_mins(1);

/// A mail server.
pub(super) struct Smtp {
    server: Server,
    connections: usize,
    patience: Duration,
    pool: Mutex<Pool>,
    given_back: Notify,
}

/// The connections that are open.
#[derive(Default)]
struct Pool {
    /// Not in use, with when they were used last.
    idle: Vec<(Session, Instant)>,
    /// How many are in use.
    used: usize,
    /// How many the server lets this process have, and since when that is known.
    allowed: Option<(usize, Instant)>,
}

/// The place of a connection that is in use; free again when this is dropped, whatever became of the connection.
struct Place<'a>(&'a Smtp);

type Held<'a> = (Place<'a>, Session);

/// What to do for a connection.
enum Next<'a> {
    Use(Place<'a>, Session),
    Open(Place<'a>),
    Wait,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.pool().used -= 1;
        self.0.given_back.notify_waiters();
    }
}

impl std::fmt::Debug for Smtp {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Smtp").field("host", &self.server.host).finish_non_exhaustive()
    }
}

/// Fails when the URL names no server.
pub(super) fn check(url: &str) -> Result<(), TransportError> {
    Server::at(url).map(|_| ())
}

impl Smtp {
    pub(super) fn new(url: &str, connections: u32, patience: Duration) -> Result<Self, TransportError> {
        Ok(Self {
            server: Server::at(url)?,
            connections: usize::try_from(connections).unwrap_or(1).max(1),
            patience,
            pool: Mutex::default(),
            given_back: Notify::new(),
        })
    }

    /// A connection on which a letter of this sender has been announced.
    async fn begun(&self, envelope: &Envelope) -> Result<Held<'_>, String> {
        loop {
            let given_back = self.given_back.notified();
            match self.next() {
                // One that the server has closed meanwhile says so now, and another one is taken.
                Next::Use(place, mut session) => {
                    if session.begin(envelope).await.is_ok() {
                        return Ok((place, session));
                    }
                }
                Next::Open(place) => match Session::open(&self.server, self.patience).await {
                    Ok(mut session) => {
                        session.begin(envelope).await?;
                        return Ok((place, session));
                    }
                    Err(why) => {
                        drop(place);
                        self.refused(why)?;
                    }
                },
                Next::Wait => given_back.await,
            }
        }
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        // Nothing panics while it is held.
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Next<'_> {
        let mut pool = self.pool();
        pool.idle.retain(|(_, used)| used.elapsed() < IDLE);
        pool.allowed = pool.allowed.filter(|(_, since)| since.elapsed() < ASK_AGAIN);
        let allowed = pool.allowed.map_or(self.connections, |(allowed, _)| allowed);
        let idle = pool.idle.pop();
        if idle.is_none() && pool.used >= allowed {
            return Next::Wait;
        }
        pool.used += 1;
        let place = Place(self);
        match idle {
            Some((session, _)) => Next::Use(place, session),
            None => Next::Open(place),
        }
    }

    /// A server that lets this process have some connections, but no more, is used with those.
    fn refused(&self, why: String) -> Result<(), String> {
        let mut pool = self.pool();
        let open = pool.used + pool.idle.len();
        if open == 0 {
            return Err(why);
        }
        pool.allowed = Some((open, stopwatch()));
        Ok(())
    }
}

#[async_trait]
impl MailTransport for Smtp {
    async fn send(&self, _id: LetterId, envelope: &Envelope, message: &[u8]) -> Result<(), NotSent> {
        let (place, mut session) = self.begun(envelope).await.map_err(NotSent::Unusable)?;
        session.hand_over(envelope, message).await?;
        self.pool().idle.push((session, stopwatch()));
        drop(place);
        Ok(())
    }

    fn at_once(&self) -> usize {
        self.connections
    }
}
