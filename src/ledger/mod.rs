//! The only write path: a command with its context in, recorded events out.
//!
//! An [`Operation`] looks at aggregates through a [`Unit`] and lets them decide. The ledger seals what is
//! personal, computes the claims, and appends everything at once, together with the idempotency row. When
//! something that the decision rests on has moved, it is decided again, a bounded number of times.

mod cache;
mod erasure;
mod execute;
mod following;
mod framework;
mod identify;
mod invitation;
mod keyed;
mod sealed;
mod unit;

pub mod operations;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use compact_str::CompactString;
use muster_events::{
    claims::Claim,
    id::{MemberId, OrganizationId, TeamId, TokenId, UserId},
    refusal::Refusal,
    stream::StreamId,
};
use thiserror::Error;

pub use cache::{AnyState, Cached, Versioned};
pub use erasure::Receipt;
pub use execute::{Changed, CommandMeta, ExecuteError, Executed};
pub use identify::{Caller, CallerKind};
pub use keyed::{Outcome, Repeated, RequestKey, Turn};
pub use unit::Unit;

use crate::{
    clock::{Clock, Ids, stopwatch},
    sealing::{KeyRing, SealingError},
    store::{Store, StoreError},
};

/// For how long a head of the log counts as confirmed; the bound within which a revocation in another process
/// is seen here.
pub const CONFIRMED_FOR: Duration = Duration::from_millis(250);

/// Something that can be asked of the ledger.
#[async_trait]
pub trait Operation: fmt::Debug + Send + Sync {
    /// What comes back when it is done.
    type Answer: Send;

    /// One attempt. Run again from the start when something it looked at has moved.
    async fn attempt(&self, unit: &mut Unit<'_>) -> Result<Self::Answer, Failure>;

    /// Id of the resource that a repeated request is answered with.
    fn resource(&self, _answer: &Self::Answer) -> Option<String> {
        None
    }

    /// The status that a repeated request is answered with, where success has several; by default that of the key.
    fn status(&self, _answer: &Self::Answer) -> Option<u16> {
        None
    }
}

/// Why an attempt came to nothing.
#[derive(Debug, Error)]
pub enum Failure {
    /// The domain said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The token is not, or no longer, one that may ask.
    #[error("the token cannot be used")]
    Unauthenticated,
    /// Other commands on the same aggregates leave no gap.
    #[error("too many commands at once on the same things; try again")]
    Busy,
    /// The log is not available.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Keys are not available.
    #[error(transparent)]
    Sealing(#[from] SealingError),
}

/// The write side of one deployment, in this process.
#[derive(Debug)]
pub struct Ledger {
    store: Arc<dyn Store>,
    keys: KeyRing,
    clock: Arc<dyn Clock>,
    ids: Ids,
    cache: Arc<cache::Cache>,
    under_way: keyed::UnderWay,
    started: std::time::Instant,
    /// Milliseconds after `started` until which the head counts as confirmed.
    confirmed_until: AtomicU64,
}

impl Ledger {
    /// Opens the write side of `store`. A new log gets the bundled roles as its first event.
    pub async fn open(
        store: Arc<dyn Store>,
        keys: KeyRing,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ExecuteError> {
        let cache = Arc::new(cache::Cache::new());
        let follower: Arc<dyn crate::store::Follower> = Arc::<cache::Cache>::clone(&cache);
        store.follow(follower);
        let ledger = Self {
            store,
            keys,
            clock,
            ids: Ids::default(),
            cache,
            under_way: keyed::UnderWay::default(),
            started: stopwatch(),
            confirmed_until: AtomicU64::new(0),
        };
        ledger.execute(&operations::DefineBundledRoles, &CommandMeta::system(), Turn::unkeyed()).await?;
        Ok(ledger)
    }

    /// A unit to look at aggregates with; nothing is appended from it.
    pub fn look(&self) -> Unit<'_> {
        Unit::new(self, self.clock.now())
    }

    /// The log.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The keys.
    pub fn keys(&self) -> &KeyRing {
        &self.keys
    }

    /// The clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The state of an aggregate, as of the last commit that this process knows of.
    pub async fn state<A: Cached>(&self, stream: &StreamId) -> Result<Versioned<A>, Failure> {
        self.cache.state(&*self.store, stream).await
    }

    /// Which aggregate holds `claim`, by its id.
    pub async fn holder(&self, claim: &Claim) -> Result<Option<CompactString>, Failure> {
        self.cache.holder(&*self.store, claim, self.clock.now()).await
    }

    /// Makes sure that what other processes wrote more than [`CONFIRMED_FOR`] ago is known here.
    pub async fn confirm(&self) -> Result<(), Failure> {
        let elapsed = || u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let began = elapsed();
        if began < self.confirmed_until.load(Ordering::Acquire) {
            return Ok(());
        }
        self.store.confirm_head().await?;
        let bound = u64::try_from(CONFIRMED_FOR.as_millis()).unwrap_or(u64::MAX);
        self.confirmed_until.fetch_max(began + bound, Ordering::AcqRel);
        Ok(())
    }
}

macro_rules! new_ids {
    ($($(#[$doc:meta])* $name:ident -> $id:ty;)*) => {
        impl Ledger {
            $($(#[$doc])*
            pub fn $name(&self) -> $id {
                <$id>::new(self.ids.draw(self.clock.now())).expect("ids are drawn within their bounds")
            })*
        }
    };
}

new_ids! {
    /// A new organization's id.
    new_organization_id -> OrganizationId;
    /// A new team's id.
    new_team_id -> TeamId;
    /// A new member's id.
    new_member_id -> MemberId;
    /// A new user's id.
    new_user_id -> UserId;
    /// A new token's id.
    new_token_id -> TokenId;
}
