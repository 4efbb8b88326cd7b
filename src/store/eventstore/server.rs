//! The server, as far as it is used: streams are read, and appended to at an expected revision.

use std::{
    future::Future,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use eventstore::{
    Client, CurrentRevision, Error, EventData, ExpectedRevision, ReadStreamOptions, RecordedEvent,
    StreamMetadata, StreamMetadataBuilder, StreamPosition,
};
use serde::Serialize;
use tokio::{
    runtime::{Builder, Handle, Runtime},
    time::{sleep, timeout},
};
use uuid::Uuid;

use super::{address::EventStoreUrl, streams::Streams};
use crate::{
    clock::{Clock as _, SystemClock, event_id, stopwatch},
    store::StoreError,
};

/// How long it is tried to get an answer.
const PATIENCE: Duration = Duration::from_secs(8);
/// How long one try may take.
const TRY: Duration = Duration::from_secs(4);
/// How long to wait before the second one; before each further one twice as long, up to a limit.
const PAUSE: Duration = Duration::from_millis(25);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// What became of an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Appended {
    /// It is there.
    Yes,
    /// The stream is not where it was expected, and nothing was appended.
    Conflict,
    /// The stream was ended for ever, and nothing was appended.
    Closed,
}

/// The identity of something that is noted.
pub(super) fn new_id() -> Uuid {
    event_id(SystemClock.now())
}

/// An event that is to be appended, with its identity.
#[derive(Clone)]
pub(super) struct NewEvent {
    pub(super) id: Uuid,
    data: EventData,
}

impl NewEvent {
    pub(super) fn new(id: Uuid, data: EventData) -> Self {
        Self { id, data }
    }

    /// Of `value` as JSON.
    pub(super) fn json(event_type: &str, id: Uuid, value: &impl Serialize) -> Result<Self, StoreError> {
        let data = EventData::json(event_type, value).map_err(|error| {
            StoreError::Unavailable(format!("an event {event_type} cannot be written as JSON: {error}"))
        })?;
        Ok(Self { id, data })
    }
}

/// A connection to a server or a cluster, made anew when it was lost.
pub(super) struct Server {
    pub(super) url: EventStoreUrl,
    /// What its streams are called.
    pub(super) streams: Streams,
    client: Mutex<Option<Client>>,
    /// How often a connection was lost.
    losses: AtomicU64,
    /// Its own, because the writer of the log waits for it without one. None while this is dropped.
    runtime: Option<Runtime>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Server({})", self.url)
    }
}

impl Drop for Server {
    /// Whoever drops this may be on a thread that must not wait.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Server {
    /// Not connected yet.
    pub(super) fn new(url: EventStoreUrl) -> Result<Self, StoreError> {
        let mut runtime = Builder::new_multi_thread();
        runtime.worker_threads(1).thread_name("event-store").enable_all();
        let runtime = runtime.build().map_err(|error| {
            StoreError::Unavailable(format!("the thread that talks to the event store cannot start: {error}"))
        })?;
        let streams = Streams::with_prefix(&url.prefix);
        Ok(Self { url, streams, client: Mutex::default(), losses: AtomicU64::new(0), runtime: Some(runtime) })
    }

    /// Where its work is done.
    pub(super) fn handle(&self) -> Result<Handle, StoreError> {
        let runtime = self.runtime.as_ref().map(|runtime| runtime.handle().clone());
        runtime.ok_or_else(|| StoreError::Unavailable("the event store was let go".into()))
    }

    /// Waits for work, on a thread that may block.
    pub(super) fn wait<T>(&self, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        self.handle()?.block_on(work)
    }

    /// The present client; a new one after [`Server::forget`].
    pub(super) fn client(&self) -> Result<Client, StoreError> {
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = &*client {
            return Ok(client.clone());
        }
        let made = Client::with_runtime_handle(self.handle()?, self.url.settings.clone());
        let made = made.map_err(|error| self.unavailable(&error))?;
        Ok(client.insert(made).clone())
    }

    /// One whose connection failed does not come back by itself.
    pub(super) fn forget(&self) {
        self.losses.fetch_add(1, Ordering::AcqRel);
        self.client.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// How often a connection was lost: as long as that is the same, the server was not put back to an earlier state.
    pub(super) fn losses(&self) -> u64 {
        self.losses.load(Ordering::Acquire)
    }

    pub(super) fn unavailable(&self, error: &dyn std::fmt::Display) -> StoreError {
        StoreError::Unavailable(format!("{}: {error}", self.url))
    }

    /// Appends events right behind the first `after` of a stream, all or none. What became of them is known when this
    /// returns: a try whose answer was lost is repeated with the same identities, which the server knows again.
    pub(super) async fn append(
        &self,
        stream: &str,
        after: u64,
        new: &[NewEvent],
    ) -> Result<Appended, StoreError> {
        let events: Vec<_> = new.iter().map(|new| new.data.clone().id(new.id)).collect();
        let mut tries = Tries::begin();
        let expected = match after {
            0 => ExpectedRevision::NoStream,
            after => ExpectedRevision::Exact(after - 1),
        };
        let options = self.url.appending().expected_revision(expected);
        loop {
            let client = self.client()?;
            let error = match timeout(TRY, client.append_to_stream(stream, &options, events.clone())).await {
                Ok(Ok(_)) => return Ok(Appended::Yes),
                Ok(Err(error)) if is_too_large(&error) => {
                    // An earlier try may have been carried out by a server that took more.
                    if self.are_there(stream, after, new).await? {
                        return Ok(Appended::Yes);
                    }
                    return Err(StoreError::TooLarge(format!(
                        "{}: {error} (see its MaxAppendSize)",
                        self.url
                    )));
                }
                Ok(Err(Error::WrongExpectedVersion { current, .. })) => {
                    return self.whose(stream, after, new, current).await;
                }
                Ok(Err(Error::ResourceDeleted)) => return Ok(Appended::Closed),
                Ok(Err(error)) => error,
                Err(_) => Error::DeadlineExceeded,
            };
            self.after(&error, &mut tries).await?;
        }
    }

    /// Whether what stands where events were to be appended are those events: an earlier try was carried out.
    async fn whose(
        &self,
        stream: &str,
        after: u64,
        new: &[NewEvent],
        current: CurrentRevision,
    ) -> Result<Appended, StoreError> {
        let end = after + new.len() as u64;
        if !matches!(current, CurrentRevision::Current(last) if last + 1 >= end) {
            return Ok(Appended::Conflict);
        }
        let are_ours = self.are_there(stream, after, new).await?;
        Ok(if are_ours { Appended::Yes } else { Appended::Conflict })
    }

    /// Whether these events stand right behind the first `after`.
    async fn are_there(&self, stream: &str, after: u64, new: &[NewEvent]) -> Result<bool, StoreError> {
        let found = self.read(stream, after, new.len()).await?;
        Ok(found.iter().map(|event| event.id).eq(new.iter().map(|new| new.id)))
    }

    /// Lets the server forget all but the last events of a stream.
    pub(super) async fn keep_last(&self, stream: &str, events: u64) -> Result<(), StoreError> {
        let metadata = StreamMetadataBuilder::new().max_count(events).build();
        let set = self.client()?.set_stream_metadata(stream, &self.url.appending(), &metadata).await;
        set.map(drop).map_err(|error| self.unavailable(&error))
    }

    /// The events behind the first `after` of a stream, in order, at most `limit`; of one that is not there, none.
    pub(super) async fn read(
        &self,
        stream: &str,
        after: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        Ok(self.read_there(stream, after, limit).await?.unwrap_or_default())
    }

    /// The same of a stream that is there; nothing of one that is not, or was deleted.
    pub(super) async fn read_there(
        &self,
        stream: &str,
        after: u64,
        limit: usize,
    ) -> Result<Option<Vec<RecordedEvent>>, StoreError> {
        let options = self.url.reading().max_count(limit);
        self.read_with(stream, &options.position(StreamPosition::Position(after))).await
    }

    /// The last event of a stream.
    pub(super) async fn last(&self, stream: &str) -> Result<Option<RecordedEvent>, StoreError> {
        let options = self.url.reading().position(StreamPosition::End).max_count(1);
        Ok(self.read_with(stream, &options).await?.unwrap_or_default().pop())
    }

    /// Whether the server hides the first events of a stream: all of them, where it was deleted.
    pub(super) async fn is_truncated(&self, stream: &str) -> Result<bool, StoreError> {
        let Some(noted) = self.last(&format!("$${stream}")).await? else { return Ok(false) };
        let metadata: StreamMetadata = noted.as_json().map_err(|error| {
            StoreError::Damaged(format!("the metadata of {stream} cannot be read: {error}"))
        })?;
        Ok(metadata.truncate_before.is_some_and(|first| first > 0))
    }

    async fn read_with(
        &self,
        stream: &str,
        options: &ReadStreamOptions,
    ) -> Result<Option<Vec<RecordedEvent>>, StoreError> {
        let mut tries = Tries::begin();
        loop {
            let client = self.client()?;
            let error = match collect(&client, stream, options).await {
                Ok(found) => return Ok(Some(found)),
                Err(Error::ResourceNotFound) => return Ok(None),
                Err(error) => error,
            };
            self.after(&error, &mut tries).await?;
        }
    }

    /// Lets a failed try be repeated, unless that would not help.
    async fn after(&self, error: &Error, tries: &mut Tries) -> Result<(), StoreError> {
        if let Some(text) = final_word(error) {
            return Err(StoreError::Unavailable(format!("{}: {text}", self.url)));
        }
        // This one has found its new leader by itself.
        if !matches!(error, Error::NotLeaderException(_)) {
            self.forget();
        }
        if tries.since.elapsed() >= PATIENCE {
            return Err(self.unavailable(error));
        }
        tracing::debug!(%error, "the event store is asked again");
        sleep(tries.pause).await;
        tries.pause = (tries.pause * 2).min(LONGEST_PAUSE);
        Ok(())
    }
}

/// How it is tried.
struct Tries {
    since: Instant,
    /// Before the next one.
    pause: Duration,
}

impl Tries {
    fn begin() -> Self {
        Self { since: stopwatch(), pause: PAUSE }
    }
}

async fn collect(
    client: &Client,
    stream: &str,
    options: &ReadStreamOptions,
) -> Result<Vec<RecordedEvent>, Error> {
    let late = |_| Error::DeadlineExceeded;
    let mut events = timeout(TRY, client.read_stream(stream, options)).await.map_err(late)??;
    let mut found = vec![];
    // A page of large ones may take long; that none comes may not.
    while let Some(event) = timeout(TRY, events.next()).await.map_err(late)?? {
        found.extend(event.event);
    }
    Ok(found)
}

/// What to tell of an error that would be the same the next time.
fn final_word(error: &Error) -> Option<String> {
    match error {
        Error::AccessDenied => Some("access is denied: give user and password in --event-store".into()),
        Error::ResourceDeleted => Some("a stream of the log was deleted: restore it from its backup".into()),
        _ => None,
    }
}

/// Whether that is why an append was refused. The client knows it by the words only.
fn is_too_large(error: &Error) -> bool {
    matches!(error, Error::Grpc { message, .. } if message.starts_with("Maximum Append Size"))
}
