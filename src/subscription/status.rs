//! How the read models stand, as the runner publishes it.

use std::sync::Arc;

use muster_events::{
    id::OrganizationId,
    member,
    stream::{Position, StreamId},
    time::Timestamp,
    user,
};
use muster_projections::{
    projection::Projection,
    views::{Generation, ParkedStream},
};

use crate::store::Incarnation;

/// How the read models stand.
#[derive(Debug, Clone, Default)]
pub struct Status {
    /// The log whose positions are meant; none before the views were looked at for the first time.
    pub log: Option<Incarnation>,
    /// The position that every projection has reached whose rows are of this version; none before the views were looked at for the first time.
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
    /// The version of this program.
    pub version: u32,
    /// The version that the rows which are read were made by: an older one until those of this one are built.
    pub rows_of: u32,
    /// The position of the last event that it has taken or set aside.
    pub checkpoint: Position,
    /// How many streams it has set aside.
    pub parked: usize,
}

impl ProjectionStatus {
    /// Whether rows are read that an older version made. They are not kept up to date by this program.
    pub fn is_outdated(&self) -> bool {
        self.rows_of < self.version
    }
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
    /// one), when a stream of theirs is set aside or their rows are of an older version; none when nothing is missing.
    pub fn stale_for(&self, organization: Option<OrganizationId>, projections: &[&str]) -> Option<Position> {
        self.stale_where(organization, projections, |_| true)
    }

    /// The same of rows that no other members and accounts go into than `persons`.
    pub fn stale_for_persons(
        &self,
        organization: Option<OrganizationId>,
        projections: &[&str],
        persons: &[StreamId],
    ) -> Option<Position> {
        let is_person =
            |stream: &StreamId| [member::TYPE, user::TYPE].contains(&stream.aggregate_type.as_str());
        self.stale_where(organization, projections, |stream| !is_person(stream) || persons.contains(stream))
    }

    fn stale_where(
        &self,
        organization: Option<OrganizationId>,
        projections: &[&str],
        goes_in: impl Fn(&StreamId) -> bool,
    ) -> Option<Position> {
        // A stream without an organization, such as an account's, concerns every organization.
        let concerns = |parked: &&ParkedStream| {
            organization.is_none() || parked.organization.is_none_or(|of| Some(of) == organization)
        };
        let is_asked = |parked: &&ParkedStream| projections.contains(&parked.projection.as_str());
        let parked = self.parked.iter().filter(is_asked).filter(concerns);
        let parked = parked.filter(|parked| goes_in(&parked.stream));
        let parked = parked.map(|parked| Position(parked.first_position.0.saturating_sub(1)));
        let outdated =
            self.projections.iter().filter(|view| view.is_outdated() && projections.contains(&view.name));
        parked.chain(outdated.map(|view| view.checkpoint)).min()
    }

    /// The status where `living` are the generations that are read, which have reached nothing where they are of another
    /// log; `otherwise` is what has been reached when none of them is of this version.
    pub(super) fn at(
        log: Incarnation,
        projections: &[&'static Projection],
        living: &[Generation],
        parked: Arc<[ParkedStream]>,
        otherwise: Position,
    ) -> Self {
        let incarnation = log.to_string();
        let status = |projection: &&'static Projection| {
            let living = living.iter().find(|living| living.projection == projection.name);
            ProjectionStatus {
                name: projection.name,
                version: projection.version,
                rows_of: living.map_or(projection.version, |living| living.version),
                checkpoint: living
                    .filter(|living| living.incarnation == incarnation)
                    .map_or(Position::ZERO, |living| living.position),
                parked: parked.iter().filter(|parked| parked.projection == projection.name).count(),
            }
        };
        let projections: Vec<_> = projections.iter().map(status).collect();
        let current = projections.iter().filter(|projection| !projection.is_outdated());
        let applied = Some(current.map(|projection| projection.checkpoint).min().unwrap_or(otherwise));
        Self { log: Some(log), applied, projections, parked, trouble: None }
    }
}
