//! `organizations/{organization}/members/{member}/teams/{team}/`: one endpoint per file.

mod answer;
pub(super) mod get;
pub(super) mod join;
pub(super) mod leave;
pub(super) mod update;
