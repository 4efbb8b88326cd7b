//! `organizations/{organization}/access-requests/` and below: one endpoint per file.

pub(super) mod answer;
pub(super) mod list;
