//! Real HTTP against a real server.

mod access_requests;
mod bad_input;
mod conditions;
mod events;
mod get_member;
mod list_members;
mod operation;
mod organization;
mod problem;
mod remove_member;
mod roles_race;
mod shutdown;
mod stale;
mod team_changes;
mod team_membership;
mod team_races;
mod teams;
mod tenants;
mod tokens;
mod update_member;
