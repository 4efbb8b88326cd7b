//! Organization: its name, settings, features and SSO provider.

mod avatar;
mod decide;
mod deletion;
mod event;
mod feature;
mod name;
mod setting;
mod slug;
mod state;
mod update;

pub use avatar::{Avatar, AvatarImage, AvatarKind, AvatarUpdate};
pub use deletion::SLUG_HELD_DAYS;
pub use event::{NewOrganization, OrganizationCommand, OrganizationEvent, PICTURED};
pub use feature::Feature;
pub use name::check_name;
pub use setting::{
    Access, Availability, DefaultValue, InvalidValue, SAMPLE_RATE_NEEDS_AUTOMATIC_MODE, Setting, SettingKind,
    ValueType, settings,
};
pub use slug::{check_slug, slug_of_name};
pub use state::{Organization, SsoProvider};
pub use update::{OrganizationContext, OrganizationUpdate};

/// The stored name of this kind of aggregate.
pub const TYPE: &str = "organization";

#[cfg(test)]
mod tests;
