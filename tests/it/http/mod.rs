//! Real HTTP against a real server.

mod audit_logs;
mod bad_input;
mod conditions;
mod events;
mod get_member;
mod list_members;
mod operation;
mod organization;
mod permissions;
mod problem;
mod published;
mod remove_member;
mod roles_race;
mod shutdown;
mod stale;
mod teams;
mod tenants;
mod tokens;
mod update_member;
