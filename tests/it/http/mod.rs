//! Real HTTP against a real server.

mod accept;
mod accept_race;
mod bad_input;
mod conditions;
mod events;
mod get_member;
mod invite;
mod invite_limits;
mod list_members;
mod operation;
mod organization;
mod problem;
mod reinvite;
mod remove_member;
mod roles_race;
mod shutdown;
mod stale;
mod teams;
mod tenants;
mod tokens;
mod update_member;
