//! Which log this is: its incarnation, and what makes it another one.
//!
//! A log that was restored elsewhere or to an earlier point may hold other events at positions that somebody has seen.
//! The cluster that it was last seen on, with its timeline, stands in the database itself: whoever finds himself on
//! another one draws a new incarnation, under the order lock, and everything that remembers the old one begins anew.

use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::PgConnection;

use super::{connection::Server, errors::StoreResult, schema, statements};
use crate::store::{Incarnation, StoreError};

/// The incarnation that this process knows.
#[derive(Debug)]
pub(super) struct Identity(AtomicU32);

impl Identity {
    /// That of the database behind `connection`, which is given another one first when it was restored.
    pub(super) async fn of(connection: &mut PgConnection, server: &Server) -> StoreResult<Self> {
        Ok(Self(AtomicU32::new(present(connection, server).await?.0)))
    }

    /// Which one this process knows.
    pub(super) fn incarnation(&self) -> Incarnation {
        Incarnation(self.0.load(Ordering::SeqCst))
    }

    /// Looks again, on a new connection: the incarnation, when it is no longer the one that this process knows. What it
    /// remembers of the log is then to be forgotten, and after that [`Identity::becomes`] to be called.
    pub(super) async fn another(
        &self,
        connection: &mut PgConnection,
        server: &Server,
    ) -> StoreResult<Option<Incarnation>> {
        let present = present(connection, server).await?;
        Ok((present != self.incarnation()).then_some(present))
    }

    /// The log ends before what was seen of it, so it is another one: draws an incarnation, unless another process was
    /// faster. To be called with the order lock; commits.
    pub(super) async fn renew(&self, connection: &mut PgConnection) -> StoreResult<Incarnation> {
        let (mut incarnation, cluster) = schema::deployment(connection).await?;
        if incarnation == self.incarnation() {
            incarnation = schema::renew_incarnation(connection, &cluster).await?;
        }
        statements::commit(connection).await?;
        Ok(incarnation)
    }

    /// From now on it is this one: nothing that was remembered of another is there any more.
    pub(super) fn becomes(&self, incarnation: Incarnation) {
        self.0.store(incarnation.0, Ordering::SeqCst);
    }
}

async fn present(connection: &mut PgConnection, server: &Server) -> StoreResult<Incarnation> {
    let (incarnation, cluster) = schema::deployment(connection).await?;
    if cluster == server.cluster {
        return Ok(incarnation);
    }
    statements::begin_and_lock(connection).await??;
    // Another process may have been faster.
    let (mut incarnation, cluster) = schema::deployment(connection).await?;
    if cluster != server.cluster {
        tracing::warn!(
            before = cluster,
            now = server.cluster,
            "the log is on another cluster or timeline than before: it gets a new incarnation"
        );
        incarnation = schema::renew_incarnation(connection, &server.cluster).await?;
    }
    statements::commit(connection).await.map_err(|error| StoreError::Unavailable(error.to_string()))?;
    Ok(incarnation)
}
