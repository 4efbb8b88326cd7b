//! Random commands. Few ids, roles and addresses, so that the commands meet each other.

mod member;
mod others;

use std::sync::Arc;

use proptest::{prelude::*, sample::select};

pub(super) use self::{
    member::of_a_member,
    others::{of_a_team, of_a_token, of_a_user, of_an_organization, of_the_roles},
};
use crate::{
    roles::{RoleId, Roles},
    specification::{role, roles_with_billing},
};

const ORG_ROLES: &[&str] = &["billing", "member", "admin", "manager", "owner", "emperor"];
const TEAM_ROLES: &[&str] = &["contributor", "admin", "captain"];
const ADDRESSES: &[&str] = &["mia@acme.example", "MIA@acme.example", "m@home.example", "olga@acme.example"];

/// The roles of these histories: the bundled ones and one without teams.
pub(super) fn roles() -> Arc<Roles> {
    thread_local!(static ROLES: Arc<Roles> = roles_with_billing());
    ROLES.with(Arc::clone)
}

fn org_role() -> impl Strategy<Value = RoleId> {
    select(ORG_ROLES).prop_map(role)
}
