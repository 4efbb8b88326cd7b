//! Catch-up subscriptions: what is there, that it was all, and from then on what comes.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use uuid::Uuid;

use super::{Node, convert, filter::Filter, refusals, streams::Answers};
use crate::protocol::event_store::client::streams::{
    ReadResp,
    read_resp::{CaughtUp, Checkpoint, Content, SubscriptionConfirmation},
};
use crate::{
    faults::Counted,
    log::{Event, Log, Missing, Start},
};

/// Events that are read at once, and answers that may wait for a slow client.
const PAGE: usize = 50;

pub(super) struct Subscription {
    log: Log,
    count: watch::Receiver<usize>,
    cut: CancellationToken,
    counted: Counted,
    id_as_text: bool,
}

/// Where the answers go. Fails when nobody takes them any more.
struct Sender {
    answers: mpsc::Sender<Result<ReadResp, Status>>,
    id_as_text: bool,
}

/// Why a subscription ends.
enum Ended {
    /// The client is gone.
    Gone,
    Failed(Status),
}

impl Subscription {
    pub(super) fn new(node: &Node, id_as_text: bool) -> Self {
        Self {
            log: node.log.clone(),
            count: node.log.count(),
            cut: node.faults.open_subscriptions().token(),
            counted: node.faults.count_subscription(),
            id_as_text,
        }
    }

    /// Events after a revision.
    pub(super) fn on_stream(self, name: String, start: Start) -> Answers<ReadResp> {
        let next = match start {
            Start::First => 0,
            Start::At(revision) => revision.saturating_add(1),
            Start::End => self.log.revision(&name).map_or(0, |last| last + 1),
        };
        let log = self.log.clone();
        self.run(
            |sender, mut count| async move { follow_stream(&log, &sender, &mut count, &name, next).await },
        )
    }

    /// Events after a position.
    pub(super) fn on_all(self, start: Start, filter: Option<Filter>) -> Result<Answers<ReadResp>, Status> {
        let last = self.log.last_position();
        let after = match start {
            Start::First => None,
            Start::End => last,
            Start::At(position) if Some(position) < last && !self.log.is_position(position) => {
                let result = if filter.is_some() { "FilteredReadAllResult" } else { "ReadAllResult" };
                return Err(refusals::invalid_position(result));
            }
            Start::At(position) => Some(position),
        };
        let interval = filter.as_ref().map(Filter::interval).transpose()?;
        let log = self.log.clone();
        let follow = FollowAll { filter, interval, considered: 0, after, checkpoint: None };
        Ok(self.run(|sender, mut count| async move { follow.run(&log, &sender, &mut count).await }))
    }

    fn run<F>(self, follow: impl FnOnce(Sender, watch::Receiver<usize>) -> F) -> Answers<ReadResp>
    where
        F: Future<Output = Result<(), Ended>> + Send + 'static,
    {
        let (answers, receiver) = mpsc::channel(PAGE);
        let sender = Sender { answers: answers.clone(), id_as_text: self.id_as_text };
        let follow = follow(sender, self.count);
        let (cut, counted) = (self.cut, self.counted);
        tokio::spawn(async move {
            let end = tokio::select! {
                () = cut.cancelled() => Some(refusals::not_ready()),
                () = answers.closed() => None,
                end = follow => match end {
                    Err(Ended::Failed(status)) => Some(status),
                    Ok(()) | Err(Ended::Gone) => None,
                },
            };
            drop(counted);
            if let Some(status) = end {
                // Nobody listens any more when this does not arrive.
                let _ = answers.send(Err(status)).await;
            }
        });
        Box::pin(ReceiverStream::new(receiver))
    }
}

async fn follow_stream(
    log: &Log,
    sender: &Sender,
    count: &mut watch::Receiver<usize>,
    name: &str,
    mut next: u64,
) -> Result<(), Ended> {
    sender.confirm(log).await?;
    let mut caught_up = false;
    loop {
        count.mark_unchanged();
        match log.read_stream(name, Start::At(next), false, PAGE as u64) {
            Err(Missing::Deleted) => return Err(Ended::Failed(refusals::stream_deleted(name))),
            Ok(page) if !page.events.is_empty() => {
                for event in &page.events {
                    sender.event(event).await?;
                    next = event.revision + 1;
                }
                continue;
            }
            Ok(_) | Err(Missing::NotFound) => {}
        }
        if !caught_up {
            sender.content(Content::CaughtUp(CaughtUp {})).await?;
            caught_up = true;
        }
        count.changed().await.map_err(|_| Ended::Gone)?;
    }
}

/// How far a subscription to `$all` has come.
struct FollowAll {
    filter: Option<Filter>,
    interval: Option<u64>,
    /// Events since the last checkpoint, wanted or not.
    considered: u64,
    after: Option<u64>,
    checkpoint: Option<u64>,
}

impl FollowAll {
    async fn run(
        mut self,
        log: &Log,
        sender: &Sender,
        count: &mut watch::Receiver<usize>,
    ) -> Result<(), Ended> {
        sender.confirm(log).await?;
        // Whoever begins at the end has nothing to catch up with, and gets no checkpoint for it.
        let mut caught_up = self.after >= log.last_position();
        if caught_up {
            sender.content(Content::CaughtUp(CaughtUp {})).await?;
        }
        loop {
            count.mark_unchanged();
            let events = log.after(self.after, PAGE);
            for event in &events {
                self.consider(event, sender).await?;
            }
            if !events.is_empty() {
                continue;
            }
            if !caught_up {
                self.tell_checkpoint(sender).await?;
                sender.content(Content::CaughtUp(CaughtUp {})).await?;
                caught_up = true;
            }
            count.changed().await.map_err(|_| Ended::Gone)?;
        }
    }

    async fn consider(&mut self, event: &Arc<Event>, sender: &Sender) -> Result<(), Ended> {
        self.after = Some(event.position);
        self.considered += 1;
        if self.filter.as_ref().is_none_or(|filter| filter.wants(event)) {
            sender.event(event).await?;
        }
        if self.interval.is_some_and(|interval| self.considered >= interval) {
            self.tell_checkpoint(sender).await?;
        }
        Ok(())
    }

    /// Only those who filter need it, and none needs the same twice.
    async fn tell_checkpoint(&mut self, sender: &Sender) -> Result<(), Ended> {
        self.considered = 0;
        let Some(position) = self.after.filter(|_| self.interval.is_some()) else { return Ok(()) };
        if self.checkpoint < Some(position) {
            self.checkpoint = Some(position);
            let checkpoint = Checkpoint { commit_position: position, prepare_position: position };
            sender.content(Content::Checkpoint(checkpoint)).await?;
        }
        Ok(())
    }
}

impl Sender {
    async fn confirm(&self, log: &Log) -> Result<(), Ended> {
        // Two of one position have one id; nothing is found by it.
        let id = Uuid::from_u64_pair(0x2402, log.last_position().unwrap_or_default());
        let confirmation = SubscriptionConfirmation { subscription_id: id.to_string() };
        self.content(Content::Confirmation(confirmation)).await
    }

    async fn event(&self, event: &Arc<Event>) -> Result<(), Ended> {
        self.send(convert::read_event(event, self.id_as_text)).await
    }

    async fn content(&self, content: Content) -> Result<(), Ended> {
        self.send(convert::content(content)).await
    }

    async fn send(&self, answer: ReadResp) -> Result<(), Ended> {
        self.answers.send(Ok(answer)).await.map_err(|_| Ended::Gone)
    }
}
