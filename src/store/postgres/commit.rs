//! How a batch becomes durable: in one statement where this process seems to be alone, else under the lock, step by step.

use std::{sync::Arc, time::Duration};

use muster_events::{stream::StreamId, time::Timestamp};
use sqlx::PgConnection;
use tokio::time::sleep;

use super::{
    batch::{Batch, Known},
    claims::{self, Claims},
    errors::{StoreResult, is_lost},
    keys,
    phase::Phase,
    statements::{self, Written},
    writer::Writer,
};
use crate::{
    clock::stopwatch,
    store::{Append, StoreError, appending::Outcome, heads::Sequences},
};

/// Expired rows that are deleted at once from each table, and how long after the last time, in microseconds.
const PURGED: usize = 4_096;
const PURGE_EVERY: i64 = 10_000_000;

/// For how long it is looked whether an append was done when its answer was lost, and how often.
const LOOKING: Duration = Duration::from_secs(5);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// What became of each append of a batch. None for what repeats a key of this batch.
type Outcomes = Vec<Option<Outcome>>;

impl Writer {
    /// Either all of it is durable and followers have been told, or nothing of it happened.
    pub(super) async fn commit(&mut self, appends: &[&Append]) -> StoreResult<Outcomes> {
        match self.commit_at_once(appends).await? {
            Some(outcomes) => Ok(outcomes),
            None => self.commit_under_lock(appends).await,
        }
    }

    /// Decides by what is remembered of the log as this process left it, and appends in one statement, which does
    /// nothing when the log has moved on. None when it has, or when more has to be known: then nothing happened.
    async fn commit_at_once(&mut self, appends: &[&Append]) -> StoreResult<Option<Outcomes>> {
        let Some(head) = self.left_at.take() else { return Ok(None) };
        let recorded_at = self.clock.now().max(head.recorded_at);
        let mut known = Known::default();
        if self.purge_is_due(recorded_at)
            || appends.iter().any(|append| !append.claims.is_empty())
            || !self.remembered(appends, &mut known.heads).is_empty()
        {
            return Ok(None);
        }
        let Some(mut connection) = self.connection.take() else { return Ok(None) };
        let mut phase = Phase::begin();
        let mut batch = Batch::new(known, self.progress.identity.incarnation(), head, recorded_at);
        let outcomes = batch.apply_all(appends);
        phase.ends("decide");
        if outcomes.iter().flatten().any(Result::is_err) {
            // What is remembered may be behind what it was decided by.
            self.connection = Some(connection);
            return Ok(None);
        }
        let progress = Arc::clone(&self.progress);
        let _until_told = progress.committing().await;
        let written = match statements::append(&mut connection, &batch).await {
            Ok(written) => written == Written::Yes,
            Err(error) if is_lost(&error) => self.look_whether_done(&mut connection, &batch, &error).await?,
            Err(error) => return Err(error.into()),
        };
        phase.ends("append");
        self.connection = Some(connection);
        if !written {
            return Ok(None);
        }
        self.tell(&batch, &outcomes);
        phase.ends("tell");
        Ok(Some(outcomes))
    }

    /// Takes the lock, reads what is missing, decides and appends.
    async fn commit_under_lock(&mut self, appends: &[&Append]) -> StoreResult<Outcomes> {
        let mut look_for_keys = false;
        loop {
            let mut connection = match self.connection.take() {
                Some(connection) => connection,
                None => self.connect().await?,
            };
            let mut phase = Phase::begin();
            let head = self.lock_and_follow(&mut connection).await?;
            phase.ends("lock");
            let recorded_at = self.clock.now().max(head.recorded_at);
            let known = self.know(&mut connection, appends, recorded_at, look_for_keys).await?;
            let mut batch = Batch::new(known, self.progress.identity.incarnation(), head, recorded_at);
            let outcomes = batch.apply_all(appends);
            // How a repeated request ended the first time goes before what stands in its way now.
            let refused = appends
                .iter()
                .zip(&outcomes)
                .any(|(append, outcome)| append.key.is_some() && matches!(outcome, Some(Err(_))));
            phase.ends("decide");
            if (look_for_keys || !refused)
                && self.write(&mut connection, &batch, &outcomes, &mut phase).await?
            {
                self.connection = Some(connection);
                return Ok(outcomes);
            }
            statements::rollback(&mut connection).await?;
            self.connection = Some(connection);
            look_for_keys = true;
        }
    }

    /// Reads what the decisions of this batch need and memory has not.
    async fn know(
        &mut self,
        connection: &mut PgConnection,
        appends: &[&Append],
        now: Timestamp,
        look_for_keys: bool,
    ) -> StoreResult<Known> {
        let mut known = Known::default();
        let unknown = self.remembered(appends, &mut known.heads);
        for (stream, sequence) in statements::stream_heads(connection, &unknown).await? {
            known.heads.insert(stream, sequence);
        }
        for stream in &unknown {
            self.heads.set(stream, known.heads.get(stream).copied().unwrap_or_default());
        }
        let changes: Vec<_> = appends.iter().flat_map(|append| &append.claims).collect();
        known.claims = Claims::load(connection, &changes, now).await?;
        if look_for_keys {
            let keys: Vec<_> = appends.iter().filter_map(|append| append.key.as_ref()).collect();
            known.keys = keys::load(connection, &keys, now).await?;
        }
        Ok(known)
    }

    /// Fills `heads` with what is remembered of the streams that `appends` name; gives the others.
    fn remembered(&mut self, appends: &[&Append], heads: &mut Sequences) -> Vec<StreamId> {
        let whole_log = StreamId::whole_log();
        let mut unknown = Vec::new();
        for append in appends {
            let written = append.writes.iter().map(|write| &write.stream);
            for stream in written.chain(append.reads.iter().map(|read| &read.stream)) {
                if *stream == whole_log || heads.contains_key(stream) {
                    continue;
                }
                let remembered = self.heads.get(stream);
                if remembered.is_none() {
                    unknown.push(stream.clone());
                }
                heads.insert(stream.clone(), remembered.unwrap_or_default());
            }
        }
        unknown
    }

    fn purge_is_due(&self, now: Timestamp) -> bool {
        now.as_micros() - self.purged.as_micros() >= PURGE_EVERY
    }

    /// Writes and commits a batch, and tells of it. False when a key of it was used before, for which nobody had looked.
    async fn write(
        &mut self,
        connection: &mut PgConnection,
        batch: &Batch<'_>,
        outcomes: &[Option<Outcome>],
        phase: &mut Phase,
    ) -> StoreResult<bool> {
        batch.known.claims.store(connection).await?;
        if batch.writes_rows() && statements::append(connection, batch).await? != Written::Yes {
            return Ok(false);
        }
        if self.purge_is_due(batch.recorded_at) {
            keys::purge(connection, batch.recorded_at, PURGED).await?;
            claims::purge(connection, batch.recorded_at, PURGED).await?;
            self.purged = batch.recorded_at;
        }
        phase.ends("write");
        let progress = Arc::clone(&self.progress);
        let _until_told = progress.committing().await;
        if let Err(error) = statements::commit(connection).await
            && !self.look_whether_done(connection, batch, &error).await?
        {
            let text = format!("the connection was lost during the commit: {error}");
            return Err(StoreError::Unavailable(text));
        }
        phase.ends("commit");
        self.tell(batch, outcomes);
        phase.ends("tell");
        Ok(true)
    }

    /// Remembers and tells what was committed.
    fn tell(&mut self, batch: &Batch<'_>, outcomes: &[Option<Outcome>]) {
        let events = u32::try_from(batch.events.positions.len()).unwrap_or(u32::MAX);
        metrics::histogram!("muster_append_events").record(f64::from(events));
        for stored in outcomes.iter().flatten().flatten().flat_map(|appended| appended.events.iter()) {
            self.heads.set(&stored.stream, stored.sequence);
        }
        self.progress.followers.tell(outcomes.iter().flatten().flatten().map(|appended| &*appended.events));
        self.followed = batch.head;
        self.left_at = Some(batch.end());
    }

    /// The connection was lost while it appended or committed. Whoever gets the lock afterwards sees whether that
    /// transaction was committed: either it has ended, or it still waits for the lock, and will find that the log has
    /// moved when what is asked for is done again before it.
    async fn look_whether_done(
        &mut self,
        connection: &mut PgConnection,
        batch: &Batch<'_>,
        error: &dyn std::error::Error,
    ) -> StoreResult<bool> {
        tracing::warn!(%error, "the connection was lost during an append; looking whether it was done");
        let began = stopwatch();
        loop {
            match self.is_done(connection, batch).await {
                // A server that is just starting answers soon.
                Err(StoreError::Unavailable(_)) if began.elapsed() < LOOKING => sleep(LOOK_AGAIN).await,
                Err(StoreError::Unavailable(why)) => {
                    let text = format!("whether the append was kept is not known, look again: {why}");
                    return Err(StoreError::Unavailable(text));
                }
                looked => return looked,
            }
        }
    }

    async fn is_done(&mut self, connection: &mut PgConnection, batch: &Batch<'_>) -> StoreResult<bool> {
        *connection = self.connect().await?;
        statements::begin_and_lock(connection).await??;
        let done = statements::is_there(connection, batch).await?;
        statements::rollback(connection).await?;
        Ok(done)
    }
}
