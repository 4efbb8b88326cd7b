//! Refusals of calls, with the trailers by which clients tell them apart.

use std::{net::SocketAddr, str::FromStr};

use tonic::{
    Code, Status,
    metadata::{Ascii, MetadataMap, MetadataValue},
};

use crate::log::Expected;

/// The largest append, in bytes, unless a real server is set up otherwise.
pub(super) const MAX_APPEND: usize = 1024 * 1024;

pub(super) fn access_denied() -> Status {
    refusal(Code::PermissionDenied, "Access Denied", &[("exception", "access-denied")])
}

pub(super) fn not_leader(leader: SocketAddr) -> Status {
    refusal(
        Code::NotFound,
        "Leader info available",
        &[
            ("exception", "not-leader"),
            ("leader-endpoint-host", &leader.ip().to_string()),
            ("leader-endpoint-port", &leader.port().to_string()),
        ],
    )
}

pub(super) fn not_ready() -> Status {
    Status::unavailable("Server Is Not Ready")
}

pub(super) fn timeout() -> Status {
    Status::aborted("Operation timed out: the write was not committed in time")
}

pub(super) fn stream_deleted(stream: &str) -> Status {
    let message = format!("Event stream '{stream}' is deleted.");
    refusal(Code::FailedPrecondition, &message, &[("exception", "stream-deleted"), ("stream-name", stream)])
}

/// Of a deletion; an append answers it in its response.
pub(super) fn wrong_expected_version(stream: &str, expected: Expected, current: Option<u64>) -> Status {
    let (expected, actual) =
        (expected.number(), current.map_or(-1, |current| Expected::Revision(current).number()));
    let message = format!(
        "Delete failed due to WrongExpectedVersion. Stream: {stream}, Expected version: {expected}, Actual version: {actual}"
    );
    refusal(
        Code::FailedPrecondition,
        &message,
        &[
            ("exception", "wrong-expected-version"),
            ("stream-name", stream),
            ("expected-version", &expected.to_string()),
            ("actual-version", &actual.to_string()),
        ],
    )
}

pub(super) fn missing_metadata(property: &str) -> Status {
    let message = format!("Required Metadata Property '{property}' is missing");
    refusal(
        Code::InvalidArgument,
        &message,
        &[
            ("exception", "missing-required-metadata-property"),
            ("required-metadata-properties", "type,content-type"),
        ],
    )
}

pub(super) fn too_large() -> Status {
    let message = format!("Maximum Append Size of {MAX_APPEND} Exceeded.");
    refusal(
        Code::InvalidArgument,
        &message,
        &[("exception", "maximum-append-size-exceeded"), ("maximum-append-size", &MAX_APPEND.to_string())],
    )
}

pub(super) fn invalid_position(result: &str) -> Status {
    Status::unknown(format!("Unexpected {result}: InvalidPosition"))
}

/// A request that breaks the protocol. The real server answers some of these with an unknown error.
pub(super) fn malformed(what: &str) -> Status {
    Status::invalid_argument(format!("the request has {what}"))
}

fn refusal(code: Code, message: &str, trailers: &[(&'static str, &str)]) -> Status {
    let mut metadata = MetadataMap::new();
    for (name, value) in trailers {
        // A stream's name may hold what a header may not; the message has it as well.
        if let Ok(value) = MetadataValue::<Ascii>::from_str(value) {
            metadata.insert(*name, value);
        }
    }
    Status::with_metadata(code, message, metadata)
}
