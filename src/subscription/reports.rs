//! What the runner tells operators: how far views lag behind commits, and which streams it sets aside.

use std::time::Duration;

use muster_events::{stream::StreamId, time::Timestamp};
use muster_projections::{projection::LogEntry, views::ParkedStream};

use super::Status;

/// Records the time from commit to visible, per view. What was recorded before `started` was not waiting for this
/// process: it would tell how old the log is.
pub(super) fn lag(now: Timestamp, started: Timestamp, before: &Status, entries: &[LogEntry]) {
    for projection in &before.projections {
        let lag = metrics::histogram!("muster_projection_lag_seconds", "projection" => projection.name);
        for entry in entries {
            if entry.position > projection.checkpoint && entry.recorded_at >= started {
                let micros = u64::try_from(now.as_micros() - entry.recorded_at.as_micros()).unwrap_or(0);
                lag.record(Duration::from_micros(micros));
            }
        }
    }
}

/// Logs each stream that is set aside now and was not before. Both lists are in the order of projection and stream.
pub(super) fn parked(before: &[ParkedStream], now: &[ParkedStream]) {
    if before.len() >= now.len() {
        return;
    }
    let key =
        |parked: &ParkedStream| -> (String, StreamId) { (parked.projection.clone(), parked.stream.clone()) };
    for new in now.iter().filter(|parked| before.binary_search_by_key(&key(parked), key).is_err()) {
        let ParkedStream { projection, stream, first_position, error, .. } = new;
        tracing::error!(projection, %stream, position = first_position.0, error, "stream is parked");
    }
}
