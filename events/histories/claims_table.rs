//! The table of claims as a store keeps it, in memory.

use std::collections::BTreeMap;

use compact_str::CompactString;

use crate::{
    claims::{BrokenBecause, BrokenClaim, Claim, ClaimChange, ClaimKind},
    id::OrganizationId,
    specification::acme,
    time::Timestamp,
};

#[derive(Debug, Clone, PartialEq, Eq)]
struct Held {
    holder: CompactString,
    /// Free for all from then on.
    until: Option<Timestamp>,
}

/// Who holds what, who is in which group, what was counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ClaimsTable {
    held: BTreeMap<Claim, Held>,
    counted: BTreeMap<Claim, u32>,
}

fn broken(claim: &Claim, why: BrokenBecause) -> BrokenClaim {
    BrokenClaim { claim: claim.clone(), why }
}

impl ClaimsTable {
    /// All changes of one append, or none.
    pub(super) fn apply(&mut self, changes: &[ClaimChange], at: Timestamp) -> Result<(), BrokenClaim> {
        let mut after = self.clone();
        changes.iter().try_for_each(|change| after.change(change, at))?;
        *self = after;
        Ok(())
    }

    fn change(&mut self, change: &ClaimChange, at: Timestamp) -> Result<(), BrokenClaim> {
        match change {
            ClaimChange::Take { claim, holder } => self.take(claim, holder, None, at)?,
            ClaimChange::Hold { claim, holder, days } => {
                self.take(claim, holder, Some(at.plus_days(*days)), at)?;
            }
            ClaimChange::Release { claim, holder } => {
                if self.held.get(claim).is_some_and(|held| held.holder == *holder) {
                    self.held.remove(claim);
                }
            }
            ClaimChange::Join { claim } => self.take(claim, &claim.key.clone(), None, at)?,
            ClaimChange::Leave { claim } => {
                if self.held.remove(claim).is_some() && self.group(claim.kind, &claim.scope).next().is_none()
                {
                    return Err(broken(claim, BrokenBecause::LastInGroup));
                }
            }
            ClaimChange::Disband { kind, scope } => {
                self.held.retain(|claim, _| claim.kind != *kind || claim.scope != *scope);
            }
            ClaimChange::Count { scope, name, at_most } => {
                let counter = Claim::counter(scope, name, at.day());
                let count = self.counted.entry(counter.clone()).or_default();
                *count += 1;
                if *count > *at_most {
                    return Err(broken(&counter, BrokenBecause::Exhausted));
                }
            }
        }
        Ok(())
    }

    fn take(
        &mut self,
        claim: &Claim,
        holder: &CompactString,
        until: Option<Timestamp>,
        at: Timestamp,
    ) -> Result<(), BrokenClaim> {
        let other = self
            .held
            .get(claim)
            .filter(|held| held.holder != *holder && held.until.is_none_or(|until| until > at));
        if let Some(other) = other {
            return Err(broken(claim, BrokenBecause::HeldBy(other.holder.clone())));
        }
        self.held.insert(claim.clone(), Held { holder: holder.clone(), until });
        Ok(())
    }

    fn group<'a>(&'a self, kind: ClaimKind, scope: &'a str) -> impl Iterator<Item = &'a Claim> {
        self.held.keys().filter(move |claim| claim.kind == kind && claim.scope == scope)
    }

    /// Everybody in the counted group of the organization's owners.
    pub(super) fn owners(&self, organization: OrganizationId) -> Vec<CompactString> {
        self.group(ClaimKind::Owner, &organization.to_string()).map(|claim| claim.key.clone()).collect()
    }

    /// What somebody holds within the organization.
    pub(super) fn held_by(&self, organization: OrganizationId, holder: &str) -> Vec<&Claim> {
        let scope = organization.to_string();
        self.held
            .iter()
            .filter(|(claim, held)| claim.scope == scope && held.holder == holder)
            .map(|(claim, _)| claim)
            .collect()
    }
}

#[test]
fn an_append_changes_all_of_its_claims_or_none() {
    let at = Timestamp::default();
    let take = |slug: &str, holder: &str| ClaimChange::Take {
        claim: Claim::organization_slug(slug),
        holder: holder.into(),
    };
    let mut table = ClaimsTable::default();
    table.apply(&[take("acme", "1")], at).unwrap();
    let before = table.clone();
    let why = BrokenBecause::HeldBy("1".into());
    let refused = Err(BrokenClaim { claim: Claim::organization_slug("acme"), why });
    assert_eq!(table.apply(&[take("globex", "2"), take("acme", "2")], at), refused);
    assert_eq!(table, before);
    table.apply(&[take("acme", "1")], at).expect("who holds it may take it again");
}

#[test]
fn a_held_claim_is_free_after_its_days_and_its_holders_before() {
    let at = Timestamp::default();
    let claim = Claim::organization_slug("acme");
    let take = |holder: &str| [ClaimChange::Take { claim: claim.clone(), holder: holder.into() }];
    let mut table = ClaimsTable::default();
    let hold = ClaimChange::Hold { claim: claim.clone(), holder: "1".into(), days: 30 };
    table.apply(&take("1"), at).unwrap();
    table.apply(&[hold], at).unwrap();
    assert!(table.apply(&take("2"), at.plus_days(29)).is_err());
    assert!(table.clone().apply(&take("1"), at.plus_days(29)).is_ok());
    assert!(table.apply(&take("2"), at.plus_days(30)).is_ok());
}

#[test]
fn a_counter_has_a_maximum_of_the_day() {
    let at = Timestamp::default();
    let count = [ClaimChange::Count { scope: "1".into(), name: "invitations".into(), at_most: 2 }];
    let mut table = ClaimsTable::default();
    table.apply(&count, at).unwrap();
    table.apply(&count, at).unwrap();
    assert_eq!(table.apply(&count, at).unwrap_err().why, BrokenBecause::Exhausted);
    table.apply(&count, at.plus_days(1)).unwrap();
}

#[test]
fn a_group_that_is_disbanded_needs_nobody_any_more() {
    let organization = acme();
    let at = Timestamp::default();
    let claim = Claim::owner(organization, "1");
    let mut table = ClaimsTable::default();
    table.apply(&[ClaimChange::Join { claim: claim.clone() }], at).unwrap();
    assert!(table.apply(&[ClaimChange::Leave { claim: claim.clone() }], at).is_err());
    table.apply(&[ClaimChange::Disband { kind: ClaimKind::Owner, scope: claim.scope.clone() }], at).unwrap();
    assert_eq!(table.owners(organization), [""; 0]);
    table.apply(&[ClaimChange::Leave { claim }], at).expect("who is not in the group leaves nothing");
}
