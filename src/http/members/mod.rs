//! `organizations/{organization}/members/`: one endpoint per file.

pub(super) mod get;
pub(super) mod list;
pub(super) mod remove;
pub(super) mod transfer;
pub(super) mod update;

mod answer;
mod search;
mod update_body;
