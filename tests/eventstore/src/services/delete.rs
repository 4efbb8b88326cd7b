//! Soft deletion and tombstone.

use tonic::Status;

use super::{
    Node,
    carry_out::{Disturbed, Order},
    convert, refusals,
};
use crate::protocol::event_store::client::streams::{
    DeleteReq, DeleteResp, TombstoneReq, TombstoneResp, delete_req, delete_resp, tombstone_req,
    tombstone_resp,
};
use crate::{
    connection::Line,
    faults::Write,
    log::{Expected, Log, Refused},
};

impl Node {
    pub(super) async fn delete_stream(
        &self,
        request: DeleteReq,
        line: Option<Line>,
    ) -> Result<DeleteResp, Status> {
        use delete_req::options::ExpectedStreamRevision as Revision;
        let options = request.options.ok_or_else(|| refusals::malformed("no options"))?;
        let stream = convert::stream_name(options.stream_identifier)?;
        let expected = match options.expected_stream_revision {
            Some(Revision::Revision(revision)) => Expected::Revision(revision),
            Some(Revision::NoStream(())) => Expected::NoStream,
            Some(Revision::Any(())) => Expected::Any,
            Some(Revision::StreamExists(())) => Expected::Exists,
            None => return Err(refusals::malformed("no expected revision")),
        };
        let position = self.end_stream(&stream, expected, line, Log::delete).await?;
        let position = delete_resp::Position { commit_position: position, prepare_position: position };
        Ok(DeleteResp { position_option: Some(delete_resp::PositionOption::Position(position)) })
    }

    pub(super) async fn tombstone_stream(
        &self,
        request: TombstoneReq,
        line: Option<Line>,
    ) -> Result<TombstoneResp, Status> {
        use tombstone_req::options::ExpectedStreamRevision as Revision;
        let options = request.options.ok_or_else(|| refusals::malformed("no options"))?;
        let stream = convert::stream_name(options.stream_identifier)?;
        let expected = match options.expected_stream_revision {
            Some(Revision::Revision(revision)) => Expected::Revision(revision),
            Some(Revision::NoStream(())) => Expected::NoStream,
            Some(Revision::Any(())) => Expected::Any,
            Some(Revision::StreamExists(())) => Expected::Exists,
            None => return Err(refusals::malformed("no expected revision")),
        };
        let position = self.end_stream(&stream, expected, line, Log::tombstone).await?;
        let position = tombstone_resp::Position { commit_position: position, prepare_position: position };
        Ok(TombstoneResp { position_option: Some(tombstone_resp::PositionOption::Position(position)) })
    }

    async fn end_stream(
        &self,
        stream: &str,
        expected: Expected,
        line: Option<Line>,
        end: fn(&Log, &str, Expected) -> Result<u64, Refused>,
    ) -> Result<u64, Status> {
        let wrong = |current| refusals::wrong_expected_version(stream, expected, current);
        if stream == "$all" {
            return Err(refusals::access_denied());
        }
        let order = Order { write: Write::Delete, stream: stream.into(), events: 0, line };
        let target = stream.to_owned();
        match self.carry_out(order, move |log| end(log, &target, expected)).await {
            Ok(Ok(position)) => Ok(position),
            Ok(Err(Refused::Deleted)) => Err(refusals::stream_deleted(stream)),
            Ok(Err(Refused::WrongExpectedVersion { current })) => Err(wrong(current)),
            Err(Disturbed::WrongExpectedVersion) => Err(wrong(self.log.revision(stream))),
            // Of a deletion there is only one size.
            Err(Disturbed::TooLarge) => Err(refusals::too_large()),
            Err(Disturbed::Timeout) => Err(refusals::timeout()),
            Err(Disturbed::Unavailable | Disturbed::Dropped) => Err(refusals::not_ready()),
        }
    }
}
