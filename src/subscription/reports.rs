//! What the runner tells operators: how far views lag behind commits, and which streams it sets aside.

use std::time::Duration;

use muster_events::{
    stream::{Position, StreamId},
    time::Timestamp,
};
use muster_projections::{
    projection::LogEntry,
    views::{Generation, ParkedStream, State, Verification},
};

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

/// Counts what a rebuild has folded, and says how far it is.
pub(super) fn rebuild(
    projections: impl Iterator<Item = &'static str>,
    events: u64,
    position: Position,
    head: Position,
) {
    for projection in projections {
        metrics::counter!("muster_rebuild_events_total", "projection" => projection).increment(events);
        progress(projection, position, head);
    }
}

/// Shows how far the rebuilds are that other processes do.
pub fn rebuilds(generations: &[Generation], head: Position) {
    let is_begun = |of: &&Generation| matches!(of.state, State::Building | State::Following);
    for generation in generations.iter().filter(is_begun) {
        progress(&generation.projection, generation.position, head);
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a double; positions are far below its precision")]
fn progress(projection: &str, position: Position, head: Position) {
    let name = projection.to_owned();
    metrics::gauge!("muster_rebuild_position", "projection" => name.clone()).set(position.0 as f64);
    metrics::gauge!("muster_rebuild_target", "projection" => name).set(head.0 as f64);
}

/// Shows how the read models stand.
#[expect(clippy::cast_precision_loss, reason = "a gauge is a double; positions are far below its precision")]
pub fn standing(status: &Status) {
    for view in &status.projections {
        let (name, parked) = (view.name, view.parked as f64);
        metrics::gauge!("muster_projection_position", "projection" => name).set(view.checkpoint.0 as f64);
        metrics::gauge!("muster_projection_parked_streams", "projection" => name).set(parked);
    }
}

/// Shows what the last comparisons with the log have found.
#[expect(clippy::cast_precision_loss, reason = "a gauge is a double; positions are far below its precision")]
pub fn verifications(found: &[Verification]) {
    for Verification { projection, position, differences, .. } in found {
        let differing = metrics::gauge!("muster_projection_differences", "projection" => projection.clone());
        differing.set(*differences as f64);
        metrics::gauge!("muster_projection_verified_position", "projection" => projection.clone())
            .set(position.0 as f64);
    }
}
