//! Organizations with their settings, features and SSO provider. Users appear by id only.

pub mod project;
pub mod query;
pub mod search;
mod table;

pub use project::PROJECTION;
pub use query::{ListedOrganization, OrganizationRow};
pub use search::{Filter, FoundOrganization, Of};
pub use table::{ORGANIZATION_FEATURES, ORGANIZATION_FLAGS, ORGANIZATION_OPTIONS, ORGANIZATIONS};
