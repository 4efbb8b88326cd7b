//! What only superusers do to an organization.

mod body;

pub(super) mod update;
