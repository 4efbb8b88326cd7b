//! `organizations/{organization}/teams/`: one endpoint per file.

pub(super) mod list;
