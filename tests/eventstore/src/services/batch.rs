//! Appends of many over one call, each answered by its correlation id.

use std::collections::HashMap;

use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::{Status, Streaming};
use uuid::Uuid;

use super::{
    Node, batch_answers as answers,
    carry_out::{Disturbed, Order},
    convert, refusals,
    streams::Answers,
};
use crate::protocol::event_store::client::{
    StreamIdentifier, Uuid as ProtocolUuid,
    streams::{
        BatchAppendReq, BatchAppendResp,
        batch_append_req::{Options, ProposedMessage, options::ExpectedStreamPosition},
    },
};
use crate::{
    connection::Line,
    faults::Write,
    log::{Expected, Log, Proposed, Refused},
};

type Sender = mpsc::UnboundedSender<Result<BatchAppendResp, Status>>;

/// One call.
struct Batch {
    node: Node,
    allowed: bool,
    leads: Result<(), Status>,
    line: Option<Line>,
    answers: Sender,
    /// Appends whose events have not all come yet.
    pending: HashMap<Uuid, Pending>,
}

#[derive(Debug)]
struct Pending {
    stream: String,
    expected: Expected,
    events: Vec<Proposed>,
    size: usize,
}

impl Node {
    pub(super) fn append_many(
        &self,
        mut messages: Streaming<BatchAppendReq>,
        allowed: bool,
        leads: Result<(), Status>,
        line: Option<Line>,
    ) -> Answers<BatchAppendResp> {
        let (answers, receiver) = mpsc::unbounded_channel();
        let mut batch = Batch { node: self.clone(), allowed, leads, line, answers, pending: HashMap::new() };
        tokio::spawn(async move {
            while let Ok(Some(message)) = messages.message().await {
                if let Err(status) = batch.take(message).await {
                    // Nobody listens any more when this does not arrive.
                    let _ = batch.answers.send(Err(status));
                    break;
                }
            }
        });
        Box::pin(UnboundedReceiverStream::new(receiver))
    }
}

impl Batch {
    /// An error ends the call.
    async fn take(&mut self, message: BatchAppendReq) -> Result<(), Status> {
        let BatchAppendReq { correlation_id, options, proposed_messages, is_final } = message;
        let correlation = convert::event_id(correlation_id.as_ref())?;
        let named = options.as_ref().and_then(|options| options.stream_identifier.clone());
        let begun = match (self.pending.remove(&correlation), options) {
            // Options that are repeated change nothing.
            (Some(pending), _) => Ok(pending),
            (None, Some(options)) => self.begin(options).map_err(|refusal| (named, refusal)),
            (None, None) => return Ok(()),
        };
        match begun.and_then(|pending| pending.with(proposed_messages)) {
            Ok(pending) if is_final => {
                self.leads.clone()?;
                self.append(correlation_id, pending).await?;
            }
            Ok(pending) => drop(self.pending.insert(correlation, pending)),
            Err((stream_identifier, refusal)) => {
                // Nobody listens any more when this does not arrive.
                let _ =
                    self.answers.send(Ok(BatchAppendResp { correlation_id, stream_identifier, ..refusal }));
            }
        }
        Ok(())
    }

    fn begin(&self, options: Options) -> Result<Pending, BatchAppendResp> {
        if !self.allowed {
            return Err(answers::access_denied());
        }
        if answers::is_over(options.deadline_option.as_ref()) {
            return Err(answers::timeout());
        }
        match Pending::new(options) {
            Ok(pending) if pending.stream == "$all" => Err(answers::access_denied()),
            Ok(pending) => Ok(pending),
            Err(status) => Err(answers::bad_request(status.message())),
        }
    }

    /// In the order in which they came, but for those that a test holds or slows down: they hold up nobody else.
    async fn append(&self, correlation_id: Option<ProtocolUuid>, pending: Pending) -> Result<(), Status> {
        let (node, line, answers) = (self.node.clone(), self.line.clone(), self.answers.clone());
        let disturbed = node.faults.concern(Write::Append, &pending.stream);
        let appended = async move {
            let stream_identifier = Some(convert::identifier(&pending.stream));
            let answer = append(&node, pending, line).await?;
            let _ = answers.send(Ok(BatchAppendResp { correlation_id, stream_identifier, ..answer }));
            Ok(())
        };
        if disturbed {
            let answers = self.answers.clone();
            tokio::spawn(async move {
                if let Err(status) = appended.await {
                    let _ = answers.send(Err(status));
                }
            });
            return Ok(());
        }
        appended.await
    }
}

async fn append(node: &Node, pending: Pending, line: Option<Line>) -> Result<BatchAppendResp, Status> {
    let Pending { stream, expected, events, .. } = pending;
    let order = Order { write: Write::Append, stream: stream.clone(), events: events.len(), line };
    let target = stream.clone();
    let act = move |log: &Log| log.append(&target, expected, events);
    Ok(match node.carry_out(order, act).await {
        Ok(Ok(written)) => answers::success(written),
        Ok(Err(Refused::Deleted)) => answers::stream_deleted(&stream),
        Ok(Err(Refused::WrongExpectedVersion { current })) => answers::wrong(expected, current),
        Err(Disturbed::WrongExpectedVersion) => answers::wrong(expected, node.log.revision(&stream)),
        Err(Disturbed::TooLarge) => answers::too_large(),
        Err(Disturbed::Timeout) => answers::timeout(),
        Err(Disturbed::Unavailable) => answers::not_ready(),
        Err(Disturbed::Dropped) => return Err(refusals::not_ready()),
    })
}

impl Pending {
    fn new(options: Options) -> Result<Self, Status> {
        let stream = convert::stream_name(options.stream_identifier)?;
        let expected = match options.expected_stream_position {
            Some(ExpectedStreamPosition::StreamPosition(revision)) => Expected::Revision(revision),
            Some(ExpectedStreamPosition::NoStream(())) => Expected::NoStream,
            Some(ExpectedStreamPosition::Any(())) => Expected::Any,
            Some(ExpectedStreamPosition::StreamExists(())) => Expected::Exists,
            None => return Err(refusals::malformed("no expected position")),
        };
        Ok(Self { stream, expected, events: Vec::new(), size: 0 })
    }

    /// With more events; the stream and the refusal otherwise.
    fn with(
        mut self,
        messages: Vec<ProposedMessage>,
    ) -> Result<Self, (Option<StreamIdentifier>, BatchAppendResp)> {
        let refused = |stream: &str, refusal| Err((Some(convert::identifier(stream)), refusal));
        for message in messages {
            match proposed(message) {
                Ok(event) => {
                    self.size += event.size();
                    self.events.push(event);
                }
                Err(reason) => return refused(&self.stream, answers::bad_request(&reason)),
            }
        }
        if self.size > refusals::MAX_APPEND {
            return refused(&self.stream, answers::too_large());
        }
        Ok(self)
    }
}

fn proposed(message: ProposedMessage) -> Result<Proposed, String> {
    let id = convert::event_id(message.id.as_ref()).map_err(|status| status.message().to_owned())?;
    convert::proposed(id, &message.metadata, message.custom_metadata, message.data)
        .map_err(|property| format!("The given key '{property}' was not present in the dictionary."))
}
