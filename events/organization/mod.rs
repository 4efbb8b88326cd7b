//! Organization: its name, settings, features and SSO provider.

mod decide;
mod event;
mod feature;
mod name;
mod setting;
mod slug;
mod state;

pub use event::{NewOrganization, OrganizationCommand, OrganizationEvent};
pub use feature::Feature;
pub(crate) use name::check_name;
pub use setting::{
    Access, Availability, DefaultValue, InvalidValue, SAMPLE_RATE_NEEDS_AUTOMATIC_MODE, Setting, SettingKind,
    ValueType, settings,
};
pub use slug::check_slug;
pub use state::{Organization, SsoProvider};

/// The stored name of this kind of aggregate.
pub const TYPE: &str = "organization";

#[cfg(test)]
mod tests;
