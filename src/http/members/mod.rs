//! `organizations/{organization}/members/`: one endpoint per file.

pub(super) mod get;
pub(super) mod list;
pub(super) mod remove;
pub(super) mod update;

pub(super) mod answer;
mod update_body;
