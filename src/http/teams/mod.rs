//! `organizations/{organization}/teams/`, `teams/{organization}/{team}/` and below: one endpoint per file.

pub(super) mod answer;
mod body;
pub(super) mod create;
mod enter;
pub(super) mod get;
pub(super) mod list;
pub(super) mod members;
pub(super) mod remove;
pub(super) mod update;
pub(super) mod user_teams;
