//! Names of the headers that this product defines or adopts, each once.

use axum::http::HeaderName;

/// Where the log stood after the command, or where a read has reached.
pub(super) const POSITION: HeaderName = HeaderName::from_static("muster-position");

/// Up to which position the answer is complete, when it is older than the log.
pub(super) const STALE: HeaderName = HeaderName::from_static("muster-stale");

/// The key that makes a retry safe.
pub(super) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Whether this answer repeats that of an earlier request with the same key.
pub(super) const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The request, in answers, events and logs.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
