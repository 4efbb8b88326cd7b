//! Real HTTP against a real server.

mod avatar;
mod bad_input;
mod conditions;
mod events;
mod get_member;
mod invite_requests;
mod join_requests;
mod list_members;
mod operation;
mod organization;
mod organizations;
mod problem;
mod remove_member;
mod remove_organization;
mod roles_race;
mod shutdown;
mod stale;
mod teams;
mod tenants;
mod tokens;
mod update_member;
mod update_organization;
