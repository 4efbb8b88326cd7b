//! How the read models stand, as the runner publishes it.

use std::sync::Arc;

use muster_events::{id::OrganizationId, stream::Position, time::Timestamp};
use muster_projections::{projection::Projection, views::Checkpoint, views::ParkedStream};

/// How the read models stand.
#[derive(Debug, Clone, Default)]
pub struct Status {
    /// The position that every projection has reached; none before the views were looked at for the first time.
    pub applied: Option<Position>,
    /// Each projection.
    pub projections: Vec<ProjectionStatus>,
    /// The streams that are set aside.
    pub parked: Arc<[ParkedStream]>,
    /// What keeps the runner from going on, while it tries again.
    pub trouble: Option<Trouble>,
}

/// How one projection stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectionStatus {
    /// Its name.
    pub name: &'static str,
    /// Its version.
    pub version: u32,
    /// The position of the last event that it has taken or set aside.
    pub checkpoint: Position,
    /// How many streams it has set aside.
    pub parked: usize,
}

/// What keeps the runner from going on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What was said the last time.
    pub error: String,
    /// When it was said for the first time.
    pub since: Timestamp,
    /// How often it was tried since.
    pub attempts: u32,
}

impl Status {
    /// Whether every projection has reached `position`.
    pub fn has_reached(&self, position: Position) -> bool {
        self.applied.is_some_and(|applied| applied >= position)
    }

    /// The position up to which these projections are complete in what concerns an organization (or all, without
    /// one), when a stream of theirs is set aside; none when nothing is missing.
    pub fn stale_for(&self, organization: Option<OrganizationId>, projections: &[&str]) -> Option<Position> {
        // A stream without an organization, such as an account's, concerns every organization.
        let concerns = |parked: &&ParkedStream| {
            organization.is_none() || parked.organization.is_none_or(|of| Some(of) == organization)
        };
        let is_asked = |parked: &&ParkedStream| projections.contains(&parked.projection.as_str());
        let first =
            self.parked.iter().filter(is_asked).filter(concerns).map(|parked| parked.first_position).min();
        first.map(|first| Position(first.0.saturating_sub(1)))
    }

    /// The status where the projections stand at `checkpoints`.
    pub(super) fn at(
        projections: &[&'static Projection],
        checkpoints: &[Checkpoint],
        parked: Arc<[ParkedStream]>,
    ) -> Self {
        let status = |projection: &&'static Projection| ProjectionStatus {
            name: projection.name,
            version: projection.version,
            checkpoint: checkpoints
                .iter()
                .find(|checkpoint| checkpoint.projection == projection.name)
                .map_or(Position::ZERO, |checkpoint| checkpoint.position),
            parked: parked.iter().filter(|parked| parked.projection == projection.name).count(),
        };
        let projections: Vec<_> = projections.iter().map(status).collect();
        let applied = projections.iter().map(|projection| projection.checkpoint).min();
        Self { applied, projections, parked, trouble: None }
    }
}
