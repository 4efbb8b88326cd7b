//! What a batch answers: success, or a status with the details by which clients tell refusals apart.

use std::time::{Duration, SystemTime};

use prost::Message;
use prost_types::Any;

use super::{convert, refusals::MAX_APPEND};
use crate::log::{Expected, Written};
use crate::protocol::{
    event_store::client::{
        AccessDenied, AllStreamPosition, BadRequest, MaximumAppendSizeExceeded, StreamDeleted, Timeout,
        WrongExpectedVersion,
        streams::{
            BatchAppendResp,
            batch_append_req::options::DeadlineOption,
            batch_append_resp::{
                self, Success,
                success::{CurrentRevisionOption, PositionOption},
            },
        },
        wrong_expected_version::{CurrentStreamRevisionOption, ExpectedStreamPositionOption},
    },
    google::rpc::{Code, Status},
};

pub(super) fn success(written: Written) -> BatchAppendResp {
    let revision =
        written.revision.map_or(CurrentRevisionOption::NoStream(()), CurrentRevisionOption::CurrentRevision);
    let position = written.position.map_or(PositionOption::NoPosition(()), |position| {
        PositionOption::Position(AllStreamPosition { commit_position: position, prepare_position: position })
    });
    let success = Success { current_revision_option: Some(revision), position_option: Some(position) };
    BatchAppendResp { result: Some(batch_append_resp::Result::Success(success)), ..Default::default() }
}

pub(super) fn wrong(expected: Expected, current: Option<u64>) -> BatchAppendResp {
    let current = current.map_or(
        CurrentStreamRevisionOption::CurrentNoStream(()),
        CurrentStreamRevisionOption::CurrentStreamRevision,
    );
    let expected = match expected {
        Expected::Any => ExpectedStreamPositionOption::ExpectedAny(()),
        Expected::Exists => ExpectedStreamPositionOption::ExpectedStreamExists(()),
        Expected::NoStream => ExpectedStreamPositionOption::ExpectedNoStream(()),
        Expected::Revision(revision) => ExpectedStreamPositionOption::ExpectedStreamPosition(revision),
    };
    let details = WrongExpectedVersion {
        current_stream_revision_option: Some(current),
        expected_stream_position_option: Some(expected),
    };
    error(Code::AlreadyExists, "WrongExpectedVersion", &details)
}

pub(super) fn stream_deleted(stream: &str) -> BatchAppendResp {
    let details = StreamDeleted { stream_identifier: Some(convert::identifier(stream)) };
    error(Code::NotFound, "StreamDeleted", &details)
}

pub(super) fn access_denied() -> BatchAppendResp {
    error(Code::PermissionDenied, "AccessDenied", &AccessDenied {})
}

pub(super) fn timeout() -> BatchAppendResp {
    error(Code::DeadlineExceeded, "Timeout", &Timeout {})
}

pub(super) fn too_large() -> BatchAppendResp {
    let max_append_size = u32::try_from(MAX_APPEND).unwrap_or(u32::MAX);
    let details = MaximumAppendSizeExceeded { max_append_size };
    error(Code::InvalidArgument, "MaximumAppendSizeExceeded", &details)
}

pub(super) fn bad_request(reason: &str) -> BatchAppendResp {
    error(Code::InvalidArgument, "BadRequest", &BadRequest { message: reason.into() })
}

/// The real server leaves the code out of this one, which reads as that of success.
pub(super) fn not_ready() -> BatchAppendResp {
    let details = Any { type_url: "type.googleapis.com/google.protobuf.Empty".into(), value: Vec::new() };
    status(Code::Ok, "Server Is Not Ready", details)
}

/// Whether a deadline is over before anything was done. One as a duration is how long the server may take.
pub(super) fn is_over(deadline: Option<&DeadlineOption>) -> bool {
    match deadline {
        Some(DeadlineOption::Deadline(duration)) => duration.seconds <= 0 && duration.nanos <= 0,
        Some(DeadlineOption::Deadline21100(time)) => {
            #[expect(
                clippy::disallowed_methods,
                reason = "the client's deadline is a time of the real clock"
            )]
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
            u64::try_from(time.seconds).unwrap_or(0) < now.as_secs()
        }
        None => false,
    }
}

fn error(code: Code, name: &str, details: &impl Message) -> BatchAppendResp {
    let type_url = format!("type.googleapis.com/event_store.client.{name}");
    status(code, name, Any { type_url, value: details.encode_to_vec() })
}

fn status(code: Code, message: &str, details: Any) -> BatchAppendResp {
    let status = Status { code: code.into(), message: message.into(), details: Some(details) };
    BatchAppendResp { result: Some(batch_append_resp::Result::Error(status)), ..Default::default() }
}
