//! Real HTTP against a real server.

mod administration;
mod api_tokens;
mod bad_input;
mod conditions;
mod deactivation;
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
mod teams;
mod tenants;
mod tokens;
mod update_member;
mod users;
