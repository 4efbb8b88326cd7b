//! `organizations/{organization}/members/`: one endpoint per file.

pub(super) mod get;
pub(super) mod invite;
pub(super) mod list;
pub(super) mod remove;
pub(super) mod transfer;
pub(super) mod update;

pub(super) mod answer;
mod invite_body;
mod search;
pub(super) mod update_body;
