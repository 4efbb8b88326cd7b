//! The keys in a Postgres database, in schema `keys`.
//!
//! An erasure or a rotation overwrites keys and then writes their tables anew, so that no table's file holds the old
//! bytes when it returns. What Postgres itself cannot promise: its write-ahead log, archives of that, base backups and
//! replicas keep what they hold until they are recycled or deleted. The bytes there are wrapped by the master key: a
//! rotation, and the destruction of the old master key, ends them all at once.

mod errors;
mod schema;
mod statements;
mod take_over;

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use compact_str::CompactString;
use muster_events::{
    id::{MemberId, UserId},
    time::Timestamp,
};
use sqlx::{PgPool, PgTransaction, pool::PoolConnection, postgres::Postgres};

use super::{
    Founding, KeyRow, KeyStore, Link, NewKey, Rotation, SealingError, Snapshot, StoredKey, Subject,
    WrappedKey,
};
use crate::database::Database;

/// Connections at the most: unwrapped keys are kept in memory, so few requests need one.
const CONNECTIONS: u32 = 4;

/// Keeps the keys in a Postgres database. Cheap to clone; other processes may use it at the same time. A connection
/// that was lost is made again by whoever needs one next.
#[derive(Clone)]
pub struct PostgresKeyStore {
    place: Arc<str>,
    pool: PgPool,
}

impl fmt::Debug for PostgresKeyStore {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "PostgresKeyStore({})", self.place)
    }
}

impl PostgresKeyStore {
    /// Opens the schema, which is made when there is none; its database must be there.
    pub async fn open(database: &Database) -> Result<Self, SealingError> {
        schema::open(database).await?;
        let store = Self { place: database.place().into(), pool: database.pool(CONNECTIONS) };
        // What a process left that was killed in the middle of an erasure. When somebody reads, the next one does it.
        if statements::is_to_be_scrubbed(&mut *store.connection().await?).await? {
            store.scrub().await?;
        }
        Ok(store)
    }

    /// The version of the schema; none where there is none. Makes nothing.
    pub async fn schema_version(database: &Database) -> Result<Option<usize>, SealingError> {
        schema::version(database).await
    }

    async fn connection(&self) -> Result<PoolConnection<Postgres>, SealingError> {
        Ok(self.pool.acquire().await?)
    }

    /// A transaction of one who adds keys. Rolled back when it is dropped.
    async fn adding(&self) -> Result<PgTransaction<'static>, SealingError> {
        let mut transaction = self.pool.begin().await?;
        statements::lock_shared(&mut transaction).await?;
        Ok(transaction)
    }

    /// A transaction of one who changes keys that are there.
    async fn changing(&self) -> Result<PgTransaction<'static>, SealingError> {
        let mut transaction = self.pool.begin().await?;
        statements::lock(&mut transaction).await?;
        Ok(transaction)
    }

    /// Whether the files are without the bytes of destroyed keys now.
    async fn scrub(&self) -> Result<bool, SealingError> {
        let mut transaction = self.changing().await?;
        if !statements::scrub(&mut transaction).await? {
            return Ok(false);
        }
        transaction.commit().await?;
        Ok(true)
    }

    /// Ends a transaction that overwrote keys, and does what it takes until they are in no table's file.
    async fn destroy(&self, transaction: PgTransaction<'static>) -> Result<(), SealingError> {
        transaction.commit().await?;
        if self.scrub().await? {
            return Ok(());
        }
        let text =
            "the keys are destroyed, but another session still reads what was there before: do it again";
        Err(SealingError::Unavailable(text.into()))
    }
}

#[async_trait]
impl KeyStore for PostgresKeyStore {
    async fn founding(&self) -> Result<Option<Founding>, SealingError> {
        Ok(statements::founding(&mut *self.connection().await?).await?)
    }

    async fn found(&self, new: Founding) -> Result<Founding, SealingError> {
        let mut transaction = self.changing().await?;
        let founding = statements::found(&mut transaction, new).await?;
        transaction.commit().await?;
        Ok(founding)
    }

    async fn erasures(&self) -> Result<u64, SealingError> {
        Ok(statements::erasures(&mut *self.connection().await?).await?)
    }

    async fn keys(&self, ids: Vec<CompactString>) -> Result<Snapshot<Vec<StoredKey>>, SealingError> {
        Ok(statements::keys(&mut *self.connection().await?, &ids).await?)
    }

    async fn key_of(&self, subject: Subject) -> Result<Snapshot<Option<WrappedKey>>, SealingError> {
        Ok(statements::key_of(&mut *self.connection().await?, &subject.to_string()).await?)
    }

    async fn create(&self, new: NewKey) -> Result<Snapshot<WrappedKey>, SealingError> {
        let mut transaction = self.adding().await?;
        let created = statements::create(&mut transaction, new).await?;
        transaction.commit().await?;
        Ok(created)
    }

    async fn link(&self, invitee: MemberId, user: UserId) -> Result<(), SealingError> {
        let (invitee, user) = (Subject::Invitee(invitee).to_string(), Subject::User(user).to_string());
        let mut transaction = self.adding().await?;
        statements::link(&mut transaction, &invitee, &user).await?;
        Ok(transaction.commit().await?)
    }

    async fn erase(&self, subject: Subject, at: Timestamp) -> Result<u64, SealingError> {
        let mut transaction = self.changing().await?;
        let erased = statements::erase(&mut transaction, &subject.to_string(), at).await?;
        self.destroy(transaction).await?;
        Ok(erased)
    }

    async fn rotate(&self, rotation: Rotation) -> Result<(), SealingError> {
        let mut transaction = self.changing().await?;
        statements::rotate(&mut transaction, rotation).await?;
        self.destroy(transaction).await
    }

    async fn scan(&self, after: i64, limit: u32) -> Result<Vec<KeyRow>, SealingError> {
        Ok(statements::keys_after(&mut *self.connection().await?, after, limit).await?)
    }

    async fn links(&self, after: Option<Link>, limit: u32) -> Result<Vec<Link>, SealingError> {
        Ok(take_over::links(&mut *self.connection().await?, after.as_ref(), limit).await?)
    }

    async fn take_over(&self, rows: Vec<KeyRow>, links: Vec<Link>) -> Result<(), SealingError> {
        let mut transaction = self.changing().await?;
        take_over::keys(&mut transaction, &rows).await?;
        take_over::add_links(&mut transaction, &links).await?;
        if statements::is_to_be_scrubbed(&mut transaction).await? {
            return self.destroy(transaction).await;
        }
        Ok(transaction.commit().await?)
    }
}
