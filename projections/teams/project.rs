//! The table of the teams, and what an event does to it.

use muster_events::{
    event::Event,
    team::{self, TeamEvent, TeamFlag},
};

use crate::{
    change::{Cell, Change},
    projection::{LogEntry, Projection},
    table::{
        Column,
        ColumnType::{Bool, Integer, Text},
        Table, Value,
    },
};

/// One row a team; one that is being deleted is not active.
pub static TEAMS: Table = Table {
    name: "teams",
    key: &[Column::new("id", Integer)],
    columns: &[
        Column::new("organization_id", Integer),
        Column::new("slug", Text),
        Column::new("name", Text),
        Column::new("active", Bool),
        Column::new("idp_provisioned", Bool),
        Column::new("created_at", Integer),
        Column::new("sequence", Integer),
    ],
    indexes: &[&["organization_id", "slug"]],
};

/// The teams.
pub static PROJECTION: Projection =
    Projection { name: "teams", version: 2, aggregates: &[team::TYPE], tables: &[&TEAMS], project };

fn project(entry: &LogEntry, event: &Event) -> Vec<Change> {
    match event {
        Event::Team(event) => vec![of_team(entry, event)],
        Event::Member(_)
        | Event::Organization(_)
        | Event::User(_)
        | Event::Token(_)
        | Event::Roles(_)
        | Event::Letter(_) => {
            vec![]
        }
    }
}

fn of_team(entry: &LogEntry, event: &TeamEvent) -> Change {
    let id = Value::id_of(&entry.stream);
    let sequence: Cell = ("sequence", entry.sequence.into());
    match event {
        TeamEvent::TeamCreated { organization, slug, name } => {
            let cells = [
                ("organization_id", (*organization).into()),
                ("slug", slug.as_str().into()),
                ("name", name.as_str().into()),
                ("active", true.into()),
                ("idp_provisioned", false.into()),
                ("created_at", entry.recorded_at.into()),
                sequence,
            ];
            Change::put(&TEAMS, [id], cells)
        }
        TeamEvent::TeamRenamed { to, .. } => {
            Change::set(&TEAMS, [id], [("name", to.as_str().into()), sequence])
        }
        TeamEvent::TeamSlugChanged { to, .. } => {
            Change::set(&TEAMS, [id], [("slug", to.as_str().into()), sequence])
        }
        TeamEvent::TeamDeleted { .. } => Change::delete(&TEAMS, [id]),
        TeamEvent::TeamFlagged { flag: TeamFlag::IdpProvisioned, to } => {
            Change::set(&TEAMS, [id], [("idp_provisioned", (*to).into()), sequence])
        }
        TeamEvent::TeamFlagged { flag: TeamFlag::BeingDeleted, to } => {
            Change::set(&TEAMS, [id], [("active", (!to).into()), sequence])
        }
    }
}
