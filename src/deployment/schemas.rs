//! Which versions the schemas of a deployment have, before anything is opened.

use super::{DeploymentOptions, KEYS_FILE, LOG_FILE, OpenError};
use crate::{
    sealing::{PostgresKeyStore, SqliteKeyStore},
    store::{StoreError, postgres::PostgresStore, sqlite::SqliteStore},
};

/// The versions of the schemas; none of what is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schemas {
    /// Of the log.
    pub log: Option<usize>,
    /// Of the keys.
    pub keys: Option<usize>,
}

impl Schemas {
    /// Looks. Makes and changes nothing.
    pub async fn of(options: &DeploymentOptions) -> Result<Self, OpenError> {
        if !options.has_ledger().await? {
            return Err(OpenError::NoLedger(options.place()));
        }
        let data = &options.data;
        // An event store has no schema, and a mirror of it is made anew.
        let has_log = options.event_store.is_none();
        Ok(match &options.database {
            None => Self {
                log: if has_log { SqliteStore::schema_version(&data.join(LOG_FILE))? } else { None },
                keys: SqliteKeyStore::schema_version(&data.join(KEYS_FILE)).await?,
            },
            Some(database) => Self {
                log: if has_log { PostgresStore::schema_version(database).await? } else { None },
                keys: PostgresKeyStore::schema_version(database).await?,
            },
        })
    }

    /// Whether to bring them up to date ends what programs can do that know these and no later ones. Such programs must
    /// not run meanwhile, nor afterwards.
    pub fn end_older_programs(&self) -> bool {
        self.log.is_some_and(PostgresStore::ends_programs_of)
    }
}

impl DeploymentOptions {
    /// Whether other processes of this program use the database. A data directory has a lock for that.
    pub async fn is_used_by_others(&self) -> Result<bool, StoreError> {
        match &self.database {
            None => Ok(false),
            Some(database) => Ok(database.has_others().await?),
        }
    }
}
