//! `organizations/{organization}/`: one endpoint per file.

pub(super) mod get;
