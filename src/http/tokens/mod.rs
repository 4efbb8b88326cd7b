//! Bearer tokens: everybody's own, and all of them for superusers.

pub(super) mod issue;
pub(super) mod list;
pub(super) mod revoke;
