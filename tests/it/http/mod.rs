//! Real HTTP against a real server.

mod bad_input;
mod conditions;
mod events;
mod get_member;
mod grants;
mod list_members;
mod member_flags;
mod operation;
mod organization;
mod problem;
mod remove_member;
mod roles_race;
mod search_members;
mod shutdown;
mod stale;
mod teams;
mod tenants;
mod tokens;
mod transfer_ownership;
mod update_member;
