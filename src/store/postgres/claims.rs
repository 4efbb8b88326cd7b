//! Claims in their table: those that a batch touches are read at once, changed in memory, and written at once.
//!
//! That is exact, because a batch holds the order lock from before it reads until its commit.

use std::collections::{BTreeMap, BTreeSet};

use muster_events::{
    claims::{BrokenBecause, BrokenClaim, Claim, ClaimChange, ClaimKind},
    time::Timestamp,
};
use sqlx::{PgConnection, PgPool, Row, postgres::PgRow};

use super::{errors::StoreResult, rows};
use crate::store::{AppendError, HeldClaim, StoreError};

/// Microseconds of one day.
const DAY_MICROS: i64 = 86_400_000_000;

const SELECT_TOUCHED: &str = "SELECT kind, scope, key, holder, held_until, count FROM log.claims \
     WHERE (kind, scope, key) IN (SELECT * FROM UNNEST($1::text[], $2::text[], $3::text[])) \
     UNION SELECT kind, scope, key, holder, held_until, count FROM log.claims \
     WHERE (kind, scope) IN (SELECT * FROM UNNEST($4::text[], $5::text[]))";
const UPSERT: &str = "INSERT INTO log.claims (kind, scope, key, holder, held_until, count) \
     SELECT * FROM UNNEST($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::integer[]) \
     ON CONFLICT (kind, scope, key) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until, \
     count = excluded.count";
const DELETE: &str = "DELETE FROM log.claims WHERE (kind, scope, key) IN \
     (SELECT * FROM UNNEST($1::text[], $2::text[], $3::text[]))";
const DELETE_OLD_COUNTERS: &str = "DELETE FROM log.claims WHERE (kind, scope, key) IN (SELECT kind, scope, key \
     FROM log.claims WHERE kind = 'counter' AND held_until <= $1 LIMIT $2)";
const SELECT_CLAIM: &str = "SELECT kind, scope, key, holder, held_until, count FROM log.claims \
     WHERE kind = $1 AND scope = $2 AND key = $3";
const SELECT_OF_KIND: &str = "SELECT kind, scope, key, holder, held_until, count FROM log.claims \
     WHERE kind = $1 AND (scope, key) > ($2, $3) ORDER BY scope, key LIMIT $4";
const SELECT_ALL_OF_KIND: &str = "SELECT kind, scope, key, holder, held_until, count FROM log.claims \
     WHERE kind = $1 ORDER BY scope, key LIMIT $2";
const SELECT_WITH_KEY: &str = "SELECT kind, scope, key, holder, held_until, count FROM log.claims \
     WHERE kind = $1 AND key = $2 ORDER BY scope LIMIT $3";

/// How a claim stands.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Held {
    holder: String,
    until: Option<Timestamp>,
    count: u32,
}

/// The claims that a batch touches. What is not in here was not there when the batch read.
#[derive(Debug, Default)]
pub(super) struct Claims {
    held: BTreeMap<Claim, Held>,
    changed: BTreeSet<Claim>,
    /// How each claim stood before the append that is being done, in the order of its changes.
    undo: Vec<(Claim, Option<Held>)>,
}

impl Claims {
    /// Reads what `changes` touch; asks nothing when they touch nothing.
    pub(super) async fn load(
        connection: &mut PgConnection,
        changes: &[&ClaimChange],
        now: Timestamp,
    ) -> StoreResult<Self> {
        let (mut single, mut groups) = (BTreeSet::new(), BTreeSet::new());
        for change in changes {
            match change {
                ClaimChange::Take { claim, .. }
                | ClaimChange::Release { claim, .. }
                | ClaimChange::Hold { claim, .. } => {
                    single.insert(claim.clone());
                }
                ClaimChange::Join { claim } | ClaimChange::Leave { claim } => {
                    groups.insert((claim.kind, claim.scope.clone()));
                }
                ClaimChange::Disband { kind, scope } => {
                    groups.insert((*kind, scope.clone()));
                }
                ClaimChange::Count { scope, name, .. } => {
                    single.insert(Claim::counter(scope, name, now.day()));
                }
            }
        }
        let mut claims = Self::default();
        if single.is_empty() && groups.is_empty() {
            return Ok(claims);
        }
        let (kinds, scopes, keys) = columns(&single);
        let group_kinds: Vec<_> = groups.iter().map(|(kind, _)| kind.name()).collect();
        let group_scopes: Vec<_> = groups.iter().map(|(_, scope)| scope.as_str()).collect();
        let query = sqlx::query(SELECT_TOUCHED).bind(kinds).bind(scopes).bind(keys);
        for row in query.bind(group_kinds).bind(group_scopes).fetch_all(connection).await? {
            let HeldClaim { claim, holder, held_until, count } = held(&row)?;
            claims.held.insert(claim, Held { holder, until: held_until, count });
        }
        Ok(claims)
    }

    /// Does the changes of one append that is recorded at `now`, all or none.
    pub(super) fn change_all(&mut self, changes: &[ClaimChange], now: Timestamp) -> Result<(), BrokenClaim> {
        self.undo.clear();
        let done = changes.iter().try_for_each(|change| self.change(change, now));
        if done.is_err() {
            while let Some((claim, before)) = self.undo.pop() {
                match before {
                    Some(before) => self.held.insert(claim, before),
                    None => self.held.remove(&claim),
                };
            }
        }
        done
    }

    fn change(&mut self, change: &ClaimChange, now: Timestamp) -> Result<(), BrokenClaim> {
        match change {
            ClaimChange::Take { claim, holder } => self.take(claim, holder, None, now),
            ClaimChange::Hold { claim, holder, days } => {
                self.take(claim, holder, Some(now.plus_days(*days)), now)
            }
            ClaimChange::Release { claim, holder } => {
                if self.held.get(claim).is_some_and(|held| held.holder == holder.as_str()) {
                    self.set(claim, None);
                }
                Ok(())
            }
            ClaimChange::Join { claim } => {
                if !self.held.contains_key(claim) {
                    self.set(claim, Some(Held { holder: claim.key.to_string(), until: None, count: 1 }));
                }
                Ok(())
            }
            ClaimChange::Leave { claim } => self.leave(claim),
            ClaimChange::Disband { kind, scope } => {
                let of_group = |claim: &&Claim| claim.kind == *kind && claim.scope == *scope;
                let group: Vec<_> = self.held.keys().filter(of_group).cloned().collect();
                for claim in &group {
                    self.set(claim, None);
                }
                Ok(())
            }
            ClaimChange::Count { scope, name, at_most } => {
                self.count(&Claim::counter(scope, name, now.day()), *at_most, now)
            }
        }
    }

    fn set(&mut self, claim: &Claim, held: Option<Held>) {
        let before = match held {
            Some(held) => self.held.insert(claim.clone(), held),
            None => self.held.remove(claim),
        };
        self.undo.push((claim.clone(), before));
        self.changed.insert(claim.clone());
    }

    fn take(
        &mut self,
        claim: &Claim,
        holder: &str,
        until: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), BrokenClaim> {
        let before = self.held.get(claim);
        if let Some(before) = before {
            let free = before.holder == holder || before.until.is_some_and(|until| until <= now);
            if !free {
                let why = BrokenBecause::HeldBy(before.holder.as_str().into());
                return Err(BrokenClaim { claim: claim.clone(), why });
            }
        }
        let count = before.map_or(1, |before| before.count);
        self.set(claim, Some(Held { holder: holder.into(), until, count }));
        Ok(())
    }

    fn leave(&mut self, claim: &Claim) -> Result<(), BrokenClaim> {
        if !self.held.contains_key(claim) {
            return Ok(());
        }
        let others =
            |other: &&Claim| other.kind == claim.kind && other.scope == claim.scope && other.key != claim.key;
        if self.held.keys().any(|other| others(&other)) {
            self.set(claim, None);
            Ok(())
        } else {
            Err(BrokenClaim { claim: claim.clone(), why: BrokenBecause::LastInGroup })
        }
    }

    fn count(&mut self, counter: &Claim, at_most: u32, now: Timestamp) -> Result<(), BrokenClaim> {
        let so_far = self.held.get(counter).map_or(0, |held| held.count);
        if so_far >= at_most {
            return Err(BrokenClaim { claim: counter.clone(), why: BrokenBecause::Exhausted });
        }
        let day_ends = (now.day() + 1).saturating_mul(DAY_MICROS);
        let until = Timestamp::from_micros(day_ends).ok();
        self.set(counter, Some(Held { holder: String::new(), until, count: so_far + 1 }));
        Ok(())
    }

    /// Writes what has changed; asks nothing when nothing has.
    pub(super) async fn store(&self, connection: &mut PgConnection) -> StoreResult<()> {
        let (there, gone): (BTreeSet<_>, BTreeSet<_>) =
            self.changed.iter().cloned().partition(|claim| self.held.contains_key(claim));
        if !gone.is_empty() {
            let (kinds, scopes, keys) = columns(&gone);
            let delete = sqlx::query(DELETE).bind(kinds).bind(scopes).bind(keys);
            delete.execute(&mut *connection).await?;
        }
        if !there.is_empty() {
            let (kinds, scopes, keys) = columns(&there);
            let held: Vec<_> = there.iter().filter_map(|claim| self.held.get(claim)).collect();
            let holders: Vec<_> = held.iter().map(|held| held.holder.as_str()).collect();
            let untils: Vec<_> = held.iter().map(|held| held.until.map(Timestamp::as_micros)).collect();
            let counts: Vec<_> =
                held.iter().map(|held| i32::try_from(held.count).unwrap_or(i32::MAX)).collect();
            let upsert = sqlx::query(UPSERT).bind(kinds).bind(scopes).bind(keys);
            upsert.bind(holders).bind(untils).bind(counts).execute(connection).await?;
        }
        Ok(())
    }
}

fn columns(claims: &BTreeSet<Claim>) -> (Vec<&'static str>, Vec<&str>, Vec<&str>) {
    let kinds = claims.iter().map(|claim| claim.kind.name()).collect();
    let scopes = claims.iter().map(|claim| claim.scope.as_str()).collect();
    let keys = claims.iter().map(|claim| claim.key.as_str()).collect();
    (kinds, scopes, keys)
}

impl From<BrokenClaim> for AppendError {
    fn from(broken: BrokenClaim) -> Self {
        Self::Claimed(broken)
    }
}

/// Deletes counters of days that are over, at most `at_most`.
pub(super) async fn purge(connection: &mut PgConnection, now: Timestamp, at_most: usize) -> StoreResult<()> {
    let delete = sqlx::query(DELETE_OLD_COUNTERS).bind(now.as_micros()).bind(rows::limit(at_most));
    delete.execute(connection).await?;
    Ok(())
}

/// Who holds `claim` at `now`.
pub(super) async fn holder(pool: &PgPool, claim: &Claim, now: Timestamp) -> StoreResult<Option<HeldClaim>> {
    let Claim { kind, scope, key } = claim;
    // Postgres takes no NUL, not even in a question; so nobody holds what has one.
    if key.contains('\0') {
        return Ok(None);
    }
    let query = sqlx::query(SELECT_CLAIM).bind(kind.name()).bind(scope.as_str()).bind(key.as_str());
    let found = query.fetch_optional(pool).await?.map(|row| held(&row)).transpose()?;
    Ok(found.filter(|held| held.held_until.is_none_or(|until| until > now)))
}

/// All claims after `after` in the order of [`Claim`].
pub(super) async fn list(
    pool: &PgPool,
    after: Option<&Claim>,
    at_most: usize,
) -> StoreResult<Vec<HeldClaim>> {
    let mut found = Vec::new();
    for kind in ClaimKind::ALL {
        let left = rows::limit(at_most - found.len());
        if left == 0 {
            break;
        }
        let query = match after {
            Some(after) if after.kind > kind => continue,
            Some(Claim { kind: of, scope, key }) if *of == kind => {
                let query = sqlx::query(SELECT_OF_KIND).bind(kind.name());
                query.bind(scope.as_str()).bind(key.as_str()).bind(left)
            }
            _ => sqlx::query(SELECT_ALL_OF_KIND).bind(kind.name()).bind(left),
        };
        for row in query.fetch_all(pool).await? {
            found.push(held(&row)?);
        }
    }
    Ok(found)
}

/// The claims of one kind with this key.
pub(super) async fn with_key(
    pool: &PgPool,
    kind: ClaimKind,
    key: &str,
    at_most: usize,
) -> StoreResult<Vec<HeldClaim>> {
    let query = sqlx::query(SELECT_WITH_KEY).bind(kind.name()).bind(key).bind(rows::limit(at_most));
    query.fetch_all(pool).await?.iter().map(held).collect()
}

fn held(row: &PgRow) -> StoreResult<HeldClaim> {
    let kind: &str = row.try_get("kind")?;
    let kind = ClaimKind::by_name(kind)
        .ok_or_else(|| StoreError::Damaged(format!("there is a claim of an unknown kind, {kind}")))?;
    let until: Option<i64> = row.try_get("held_until")?;
    let count: i32 = row.try_get("count")?;
    Ok(HeldClaim {
        claim: Claim {
            kind,
            scope: row.try_get::<&str, _>("scope")?.into(),
            key: row.try_get::<&str, _>("key")?.into(),
        },
        holder: row.try_get("holder")?,
        held_until: until.map(|_| rows::time(row, "held_until")).transpose()?,
        count: u32::try_from(count).unwrap_or_default(),
    })
}
