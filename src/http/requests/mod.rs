//! `organizations/{organization}/invite-requests/` and `join-request/`: one endpoint per file.

pub(super) mod get;
pub(super) mod join;
pub(super) mod list;
pub(super) mod propose;
pub(super) mod reject;
pub(super) mod update;

mod answer;
mod body;
