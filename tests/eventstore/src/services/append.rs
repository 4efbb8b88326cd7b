//! The append of one call.

use tonic::{Status, Streaming};

use super::{
    Node,
    carry_out::{Disturbed, Order},
    convert, refusals,
};
use crate::protocol::event_store::client::streams::{
    AppendReq, AppendResp,
    append_req::{Content, Options, options::ExpectedStreamRevision},
    append_resp::{
        self, Position, Success, WrongExpectedVersion,
        success::{CurrentRevisionOption as Revision, PositionOption},
        wrong_expected_version::{
            CurrentRevisionOption, CurrentRevisionOption2060, ExpectedRevisionOption,
            ExpectedRevisionOption2060,
        },
    },
};
use crate::{
    connection::Line,
    faults::Write,
    log::{Expected, Log, Proposed, Refused, Written},
};

impl Node {
    pub(super) async fn append_one(
        &self,
        mut messages: Streaming<AppendReq>,
        line: Option<Line>,
    ) -> Result<AppendResp, Status> {
        let Some(Content::Options(options)) = messages.message().await?.and_then(|message| message.content)
        else {
            return Err(refusals::malformed("no options at its beginning"));
        };
        let (stream, expected) = target(options)?;
        let events = proposals(&mut messages).await?;
        let order = Order { write: Write::Append, stream: stream.clone(), events: events.len(), line };
        let target = stream.clone();
        let act = move |log: &Log| log.append(&target, expected, events);
        let result = match self.carry_out(order, act).await {
            Ok(Ok(written)) => success(written),
            Ok(Err(Refused::Deleted)) => return Err(refusals::stream_deleted(&stream)),
            Ok(Err(Refused::WrongExpectedVersion { current })) => wrong(expected, current),
            Err(Disturbed::WrongExpectedVersion) => wrong(expected, self.log.revision(&stream)),
            Err(Disturbed::TooLarge) => return Err(refusals::too_large()),
            Err(Disturbed::Timeout) => return Err(refusals::timeout()),
            Err(Disturbed::Unavailable | Disturbed::Dropped) => return Err(refusals::not_ready()),
        };
        Ok(AppendResp { result: Some(result) })
    }
}

fn target(options: Options) -> Result<(String, Expected), Status> {
    let stream = convert::stream_name(options.stream_identifier)?;
    if stream == "$all" {
        return Err(refusals::access_denied());
    }
    let expected = match options.expected_stream_revision {
        Some(ExpectedStreamRevision::Revision(revision)) => Expected::Revision(revision),
        Some(ExpectedStreamRevision::NoStream(())) => Expected::NoStream,
        Some(ExpectedStreamRevision::Any(())) => Expected::Any,
        Some(ExpectedStreamRevision::StreamExists(())) => Expected::Exists,
        None => return Err(refusals::malformed("no expected revision")),
    };
    Ok((stream, expected))
}

async fn proposals(messages: &mut Streaming<AppendReq>) -> Result<Vec<Proposed>, Status> {
    let mut events = Vec::new();
    let mut size = 0;
    while let Some(message) = messages.message().await? {
        let Some(Content::ProposedMessage(proposed)) = message.content else {
            return Err(refusals::malformed("something else than an event after its options"));
        };
        let id = convert::event_id(proposed.id.as_ref())?;
        let event = convert::proposed(id, &proposed.metadata, proposed.custom_metadata, proposed.data)
            .map_err(refusals::missing_metadata)?;
        size += event.size();
        if size > refusals::MAX_APPEND {
            return Err(refusals::too_large());
        }
        events.push(event);
    }
    Ok(events)
}

fn success(written: Written) -> append_resp::Result {
    let revision = written.revision.map_or(Revision::NoStream(()), Revision::CurrentRevision);
    let position = written.position.map_or(PositionOption::NoPosition(()), |position| {
        PositionOption::Position(Position { commit_position: position, prepare_position: position })
    });
    append_resp::Result::Success(Success {
        current_revision_option: Some(revision),
        position_option: Some(position),
    })
}

/// Answered twice, as clients before and after version 20.6.1 look for it.
fn wrong(expected: Expected, current: Option<u64>) -> append_resp::Result {
    use ExpectedRevisionOption as Now;
    use ExpectedRevisionOption2060 as Before;
    let (before, now) = match expected {
        Expected::Any => (Before::Any2060(()), Now::ExpectedAny(())),
        Expected::Exists => (Before::StreamExists2060(()), Now::ExpectedStreamExists(())),
        Expected::NoStream => (Before::ExpectedRevision2060(u64::MAX), Now::ExpectedNoStream(())),
        Expected::Revision(revision) => {
            (Before::ExpectedRevision2060(revision), Now::ExpectedRevision(revision))
        }
    };
    let current_before = current
        .map_or(CurrentRevisionOption2060::NoStream2060(()), CurrentRevisionOption2060::CurrentRevision2060);
    let current =
        current.map_or(CurrentRevisionOption::CurrentNoStream(()), CurrentRevisionOption::CurrentRevision);
    append_resp::Result::WrongExpectedVersion(WrongExpectedVersion {
        current_revision_option_20_6_0: Some(current_before),
        expected_revision_option_20_6_0: Some(before),
        current_revision_option: Some(current),
        expected_revision_option: Some(now),
    })
}
