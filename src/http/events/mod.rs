//! The history endpoints: of an organization, and of one member.

pub(super) mod list;

mod viewer;
