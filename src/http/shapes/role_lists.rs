//! The lists of roles in a member's details as the text that they are written as: they are most of the answer, and the same
//! for all who may give the same roles.

use std::sync::{Arc, Mutex, PoisonError};

use muster_events::roles::{RoleId, Roles};
use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use super::role::{org_roles, team_roles};

/// More than there are sets of roles that somebody may give; whoever has vanished roles defined may have more.
const MOST: usize = 64;

/// A list as JSON.
#[derive(Debug, Clone)]
pub(in crate::http) struct Written(Arc<RawValue>);

impl Written {
    fn new(list: &impl Serialize) -> Self {
        Self(to_raw_value(list).expect("texts and truth values can always be written").into())
    }
}

impl Serialize for Written {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.as_ref().serialize(serializer)
    }
}

/// The lists that were written of the roles that somebody looked at last, which as a rule are those in force.
#[derive(Debug, Default)]
pub(in crate::http) struct RoleLists(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    of: Option<Arc<Roles>>,
    org: Vec<((Vec<RoleId>, bool), Written)>,
    team: Vec<((Option<RoleId>, bool), Written)>,
}

impl RoleLists {
    /// What [`org_roles`] gives.
    pub(in crate::http) fn org_roles(
        &self,
        roles: &Arc<Roles>,
        allowed: &[RoleId],
        team_roles_feature: bool,
    ) -> Written {
        self.look(roles, |kept| {
            let is_it = |of: &(Vec<RoleId>, bool)| of.0.as_slice() == allowed && of.1 == team_roles_feature;
            found_or(&mut kept.org, is_it, || {
                let written = Written::new(&org_roles(roles, allowed, team_roles_feature));
                ((allowed.to_vec(), team_roles_feature), written)
            })
        })
    }

    /// What [`team_roles`] gives.
    pub(in crate::http) fn team_roles(
        &self,
        roles: &Arc<Roles>,
        own_role: Option<&RoleId>,
        superuser: bool,
    ) -> Written {
        self.look(roles, |kept| {
            let is_it = |of: &(Option<RoleId>, bool)| of.0.as_ref() == own_role && of.1 == superuser;
            found_or(&mut kept.team, is_it, || {
                let written = Written::new(&team_roles(roles, own_role, superuser));
                ((own_role.cloned(), superuser), written)
            })
        })
    }

    fn look<T>(&self, roles: &Arc<Roles>, look: impl FnOnce(&mut Kept) -> T) -> T {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !kept.of.as_ref().is_some_and(|of| Arc::ptr_eq(of, roles)) {
            *kept = Kept { of: Some(Arc::clone(roles)), ..Kept::default() };
        }
        look(&mut kept)
    }
}

fn found_or<K>(
    kept: &mut Vec<(K, Written)>,
    is_it: impl Fn(&K) -> bool,
    write: impl FnOnce() -> (K, Written),
) -> Written {
    if let Some((_, written)) = kept.iter().find(|(of, _)| is_it(of)) {
        return written.clone();
    }
    if kept.len() >= MOST {
        kept.clear();
    }
    let (of, written) = write();
    kept.push((of, written.clone()));
    written
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use muster_events::roles::{RoleId, Roles, RolesDefinition};
    use serde_json::to_string;

    use super::{MOST, RoleLists, org_roles, team_roles};

    #[test]
    fn a_list_is_written_once_for_all_who_see_the_same() {
        let (lists, roles) = (RoleLists::default(), Arc::new(Roles::bundled()));
        let role = |name: &str| RoleId::new(name).unwrap();
        for allowed in [vec![], vec![role("member")], vec![role("member"), role("manager")]] {
            for feature in [false, true] {
                let first = lists.org_roles(&roles, &allowed, feature);
                let again = lists.org_roles(&roles, &allowed, feature);
                assert!(Arc::ptr_eq(&first.0, &again.0));
                let expected = to_string(&org_roles(&roles, &allowed, feature)).unwrap();
                assert_eq!(to_string(&first).unwrap(), expected);
            }
        }
        for own in [None, Some(role("member")), Some(role("owner"))] {
            for superuser in [false, true] {
                let written = lists.team_roles(&roles, own.as_ref(), superuser);
                let expected = to_string(&team_roles(&roles, own.as_ref(), superuser)).unwrap();
                assert_eq!(to_string(&written).unwrap(), expected);
            }
        }
    }

    #[test]
    fn other_roles_have_other_lists() {
        let (lists, roles) = (RoleLists::default(), Arc::new(Roles::bundled()));
        let allowed = [RoleId::new("member").unwrap()];
        let first = lists.org_roles(&roles, &allowed, true);
        let text = include_str!("../../../events/roles.toml").replace("\"Member\"", "\"Guest\"");
        let changed = RolesDefinition::from_toml(&text).unwrap();
        let changed = lists.org_roles(&Arc::new(changed.into()), &allowed, true);
        assert!(to_string(&changed).unwrap().contains("Guest"));
        assert!(!to_string(&first).unwrap().contains("Guest"));
    }

    #[test]
    fn only_so_many_are_kept() {
        let (lists, roles) = (RoleLists::default(), Arc::new(Roles::bundled()));
        for number in 0..MOST * 2 {
            lists.team_roles(&roles, Some(&RoleId::new(&format!("role-{number}")).unwrap()), false);
            assert!(lists.0.lock().unwrap().team.len() <= MOST);
        }
    }
}
