//! The history endpoints: of an organization, of one member, of an account, of the whole deployment.

pub(super) mod administration;
pub(super) mod list;

mod viewer;
