//! The limits on requests.

use std::{num::NonZeroU32, time::Duration};

use clap::Args;
use serde::Deserialize;

use super::Usage;
use crate::http;

/// The HTTP reader needs a buffer of this size.
const SMALLEST_HEAD: usize = 8 * 1024;

/// The limits on requests, as flags and as the table `limits` of the file of `--config`.
#[derive(Debug, Clone, Copy, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[command(
    next_help_heading = "Limits (each also as a MUSTER_... variable or in the table [limits] of the file)"
)]
pub(super) struct Limits {
    /// The largest request body [default: 1 MiB]
    #[arg(long, env = "MUSTER_MAX_BODY_BYTES", value_name = "BYTES")]
    max_body_bytes: Option<usize>,
    /// The largest request head: request line and headers [default: 64 KiB]
    #[arg(long, env = "MUSTER_MAX_HEAD_BYTES", value_name = "BYTES")]
    max_head_bytes: Option<usize>,
    /// How long a request may take; streams may take longer [default: 15]
    #[arg(long, env = "MUSTER_REQUEST_SECONDS", value_name = "SECONDS")]
    request_seconds: Option<u64>,
    /// How many requests are carried out at once [default: 1024]
    #[arg(long, env = "MUSTER_MAX_REQUESTS", value_name = "NUMBER")]
    max_requests: Option<usize>,
    /// How often a second one person, or the token of an organization, may list members; 0 for as often as they like
    /// [default: 40]
    #[arg(long, env = "MUSTER_MAX_MEMBER_LISTS", value_name = "NUMBER")]
    max_member_lists: Option<u32>,
    /// How long accepted requests have to finish when the server is stopped [default: 20]
    #[arg(long, env = "MUSTER_SHUTDOWN_SECONDS", value_name = "SECONDS")]
    shutdown_seconds: Option<u64>,
}

impl Limits {
    /// These, and where one is missing, the other's.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            max_body_bytes: self.max_body_bytes.or(other.max_body_bytes),
            max_head_bytes: self.max_head_bytes.or(other.max_head_bytes),
            request_seconds: self.request_seconds.or(other.request_seconds),
            max_requests: self.max_requests.or(other.max_requests),
            max_member_lists: self.max_member_lists.or(other.max_member_lists),
            shutdown_seconds: self.shutdown_seconds.or(other.shutdown_seconds),
        }
    }

    /// What the server is told; refuses limits under which it could not answer anything.
    pub(super) fn checked(self) -> Result<http::Limits, Usage> {
        let default = http::Limits::default();
        let seconds = |given: Option<u64>, default| given.map_or(default, Duration::from_secs);
        let limits = http::Limits {
            body: self.max_body_bytes.unwrap_or(default.body),
            head: self.max_head_bytes.unwrap_or(default.head),
            time: seconds(self.request_seconds, default.time),
            concurrency: self.max_requests.unwrap_or(default.concurrency),
            member_lists: self.max_member_lists.map_or(default.member_lists, NonZeroU32::new),
            shutdown: seconds(self.shutdown_seconds, default.shutdown),
        };
        if limits.head < SMALLEST_HEAD {
            return Err(Usage(format!("--max-head-bytes: at least {SMALLEST_HEAD} are needed")));
        }
        if limits.concurrency == 0 {
            return Err(Usage("--max-requests: at least 1 is needed".into()));
        }
        if limits.time.is_zero() {
            return Err(Usage("--request-seconds: at least 1 is needed".into()));
        }
        Ok(limits)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::Limits;

    #[test]
    fn limits_that_let_nothing_through_are_refused() {
        let given = Limits { max_requests: Some(7), ..Limits::default() };
        let beneath = Limits { max_requests: Some(8), request_seconds: Some(3), ..Limits::default() };
        let limits = given.or(beneath).checked().unwrap();
        assert_eq!((limits.concurrency, limits.time.as_secs()), (7, 3));
        let lists = |max_member_lists| Limits { max_member_lists, ..given }.checked().unwrap().member_lists;
        assert_eq!([None, Some(0), Some(9)].map(lists), [NonZeroU32::new(40), None, NonZeroU32::new(9)]);
        for refused in [
            Limits { max_head_bytes: Some(100), ..given },
            Limits { max_requests: Some(0), ..given },
            Limits { request_seconds: Some(0), ..given },
        ] {
            assert!(refused.checked().unwrap_err().0.starts_with("--"));
        }
    }
}
