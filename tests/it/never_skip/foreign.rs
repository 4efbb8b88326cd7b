//! Programs that write to the log past the product, as postgres-es does: slowly, not always to the end, and sometimes
//! holding up everyone.

use std::{sync::Arc, time::Duration};

use sqlx::{Connection as _, Executor as _, PgConnection, Postgres, Transaction};
use tokio::{
    sync::Semaphore,
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{LIMIT, progress::Progress};
use crate::support::Random;

/// The longest delay inside a transaction before it takes the lock.
const DELAY: Duration = Duration::from_secs(3);
/// How long one stalls that holds the lock: longer than the two seconds after which the server cuts it off.
const STALL: Duration = Duration::from_secs(3);
/// One of so many transactions stalls.
const STALLS: usize = 40;
/// One of so many is rolled back.
const ROLLBACKS: usize = 6;
/// The pause before a new connection when there is no server.
const PAUSE: Duration = Duration::from_millis(50);

const INSERT: &str = "INSERT INTO log.events (aggregate_type, aggregate_id, sequence, event_type, event_version, \
     payload, metadata) VALUES ('note', $1, $2, 'Noted', '1.0', json_build_object('mark', $3::text), '{}') \
     RETURNING position";
const LOCK: &str = "SELECT pg_advisory_xact_lock(7887337266164674156)";
const FIND: &str = "SELECT position FROM log.events WHERE aggregate_type = 'note' AND aggregate_id = $1 \
     AND sequence = $2 AND payload ->> 'mark' = $3";

/// A note that was committed, or found to be.
#[derive(Debug)]
pub(super) struct Noted {
    pub(super) mark: String,
    pub(super) position: u64,
}

/// How a transaction is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Commit,
    Rollback,
    Stall,
}

/// Starts so many writers; each gives what it knows to be in the log.
pub(super) fn start(writers: usize, url: &str, seed: u64, progress: &Arc<Progress>) -> JoinSet<Vec<Noted>> {
    // One at a time: each stall is to be cut off in time, and several that queue one behind the other add up.
    let may_stall = Arc::new(Semaphore::new(1));
    let mut all = JoinSet::new();
    for number in 0..writers {
        let writer = Writer {
            url: url.to_owned(),
            number,
            random: Random::of(seed, 1_000 + number as u64),
            noted: vec![],
            may_stall: Arc::clone(&may_stall),
        };
        all.spawn(writer.run(Arc::clone(progress)));
    }
    all
}

struct Writer {
    url: String,
    number: usize,
    random: Random,
    noted: Vec<Noted>,
    may_stall: Arc<Semaphore>,
}

impl Writer {
    async fn run(mut self, progress: Arc<Progress>) -> Vec<Noted> {
        let mut connection = self.connect().await;
        let mut turn = 0;
        while !progress.is_stopped() {
            let ending = self.ending(turn);
            let mark = format!("writer-{}-turn-{turn}", self.number);
            turn += 1;
            // An error is the server's end, or that of this connection: the next transaction has a new one.
            if self.write(&mut connection, &mark, ending, &progress).await.is_err() {
                connection = self.connect().await;
            }
        }
        self.noted
    }

    async fn connect(&self) -> PgConnection {
        let connected = timeout(LIMIT, async {
            loop {
                match PgConnection::connect(&self.url).await {
                    Ok(connection) => return connection,
                    Err(_) => sleep(PAUSE).await,
                }
            }
        });
        connected.await.expect("the server does not come back")
    }

    /// Each is seen once at the start, and then at random.
    fn ending(&mut self, turn: usize) -> Ending {
        match (turn, self.number) {
            (0, 0) => Ending::Stall,
            (0, 1) => Ending::Rollback,
            _ if self.random.below(STALLS) == 0 => Ending::Stall,
            _ if self.random.below(ROLLBACKS) == 0 => Ending::Rollback,
            _ => Ending::Commit,
        }
    }

    async fn write(
        &mut self,
        connection: &mut PgConnection,
        mark: &str,
        ending: Ending,
        progress: &Progress,
    ) -> Result<(), sqlx::Error> {
        let permit = match ending {
            Ending::Stall => Some(Arc::clone(&self.may_stall).acquire_owned().await.unwrap()),
            Ending::Commit | Ending::Rollback => None,
        };
        let mut transaction = connection.begin().await?;
        // It has begun and has looked at the log, but has no place in it yet: whoever comes now goes before it.
        transaction.execute("SELECT count(*) FROM log.events WHERE position < 10").await?;
        sleep(self.random.pause(DELAY)).await;
        let position = self.insert(&mut transaction, mark).await?;
        match ending {
            Ending::Rollback => {
                transaction.rollback().await?;
                progress.count(|counts| counts.rolled_back += 1);
                return Ok(());
            }
            Ending::Stall => {
                sleep(STALL).await;
                let committed = transaction.commit().await;
                assert!(committed.is_err(), "{mark} held the lock for {STALL:?} and was not cut off");
                drop(permit);
                progress.count(|counts| counts.cut_off += 1);
                return committed;
            }
            Ending::Commit => {}
        }
        let committed = transaction.commit().await;
        let position = match &committed {
            Ok(()) => Some(position),
            Err(_) => self.look(mark).await,
        };
        if let Some(position) = position {
            self.noted.push(Noted { mark: mark.to_owned(), position });
            progress.count(|counts| counts.committed += 1);
        }
        committed
    }

    fn stream(&self) -> String {
        format!("writer-{}", self.number)
    }

    fn sequence(&self) -> i64 {
        i64::try_from(self.noted.len()).unwrap() + 1
    }

    async fn insert(
        &self,
        transaction: &mut Transaction<'_, Postgres>,
        mark: &str,
    ) -> Result<u64, sqlx::Error> {
        let insert =
            sqlx::query_scalar::<_, i64>(INSERT).bind(self.stream()).bind(self.sequence()).bind(mark);
        Ok(insert.fetch_one(&mut **transaction).await?.cast_unsigned())
    }

    /// Whether a transaction was committed whose connection was lost on the way. With the lock of the log, so that it has
    /// ended, one way or the other.
    async fn look(&self, mark: &str) -> Option<u64> {
        let looked = timeout(LIMIT, async {
            loop {
                if let Ok(found) = self.find(mark).await {
                    return found;
                }
            }
        });
        looked.await.expect("the server does not come back").map(i64::cast_unsigned)
    }

    async fn find(&self, mark: &str) -> Result<Option<i64>, sqlx::Error> {
        let mut connection = self.connect().await;
        let mut transaction = connection.begin().await?;
        transaction.execute(LOCK).await?;
        let find = sqlx::query_scalar(FIND).bind(self.stream()).bind(self.sequence()).bind(mark);
        find.fetch_optional(&mut *transaction).await
    }
}
