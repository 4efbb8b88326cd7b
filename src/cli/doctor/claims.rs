//! Claims recomputed from the log, and compared with those that the store holds.

use std::collections::BTreeMap;

use anyhow::Result;
use compact_str::CompactString;
use muster_events::{
    claims::{Claim, ClaimChange, ClaimKind},
    stream::Position,
    time::Timestamp,
};

use super::{
    report::{Check, Findings},
    walk::Walk,
};
use crate::{
    cli::screen::count,
    store::{HeldClaim, Store},
};

/// Claims that are read at once.
const PAGE: usize = 1_000;
/// How often a claim is looked at that does not fit, because the log may move between two looks.
const LOOKS: usize = 50;
/// Microseconds of one day.
const DAY: i64 = 86_400_000_000;

/// How a claim is held.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Hold {
    holder: CompactString,
    until: Option<Timestamp>,
    count: u32,
}

/// The claims that the log leads to.
#[derive(Debug, Default)]
pub(super) struct Claims {
    held: BTreeMap<Claim, Hold>,
    /// Events that the store should have refused.
    pub(super) impossible: Findings,
}

impl Claims {
    /// Does what an event at `position` does, as the store does it.
    pub(super) fn change(&mut self, change: ClaimChange, at: Timestamp, position: Position) {
        match change {
            ClaimChange::Take { claim, holder } => self.take(claim, holder, None, at, position),
            ClaimChange::Hold { claim, holder, days } => {
                self.take(claim, holder, Some(at.plus_days(days)), at, position);
            }
            ClaimChange::Release { claim, holder } => {
                if self.held.get(&claim).is_some_and(|hold| hold.holder == holder) {
                    self.held.remove(&claim);
                }
            }
            ClaimChange::Join { claim } => {
                let hold = Hold { holder: claim.key.clone(), until: None, count: 1 };
                self.held.entry(claim).or_insert(hold);
            }
            ClaimChange::Leave { claim } => self.leave(&claim, position),
            ClaimChange::Disband { kind, scope } => {
                self.held.retain(|claim, _| claim.kind != kind || claim.scope != scope);
            }
            ClaimChange::Count { scope, name, at_most } => {
                let claim = Claim::counter(&scope, &name, at.day());
                let until = Timestamp::from_micros((at.day() + 1).saturating_mul(DAY)).ok();
                let hold = self.held.entry(claim).or_insert(Hold {
                    holder: CompactString::default(),
                    until,
                    count: 0,
                });
                hold.count += 1;
                if hold.count > at_most {
                    self.impossible.add(format!(
                        "The event at position {position} exceeds the limit of {at_most} for {name}; the log has been \
                         written to by another program."
                    ));
                }
            }
        }
    }

    fn take(
        &mut self,
        claim: Claim,
        holder: CompactString,
        until: Option<Timestamp>,
        at: Timestamp,
        position: Position,
    ) {
        if let Some(hold) = self.held.get(&claim)
            && hold.holder != holder
            && hold.until.is_none_or(|until| until > at)
        {
            self.impossible.add(format!(
                "The event at position {position} takes {}, which {} holds; the log has been written to by another \
                 program.",
                named(&claim),
                hold.holder,
            ));
        }
        let count = self.held.get(&claim).map_or(1, |hold| hold.count);
        self.held.insert(claim, Hold { holder, until, count });
    }

    fn leave(&mut self, claim: &Claim, position: Position) {
        let before = Claim { key: CompactString::default(), ..claim.clone() };
        let group = self
            .held
            .range(&before..)
            .take_while(|(other, _)| other.kind == claim.kind && other.scope == claim.scope);
        let others = group.filter(|(other, _)| *other != claim).count();
        if self.held.contains_key(claim) && others == 0 {
            self.impossible.add(format!(
                "The event at position {position} leaves nobody in the group of {}; the log has been written to by \
                 another program.",
                named(claim),
            ));
        } else {
            self.held.remove(claim);
        }
    }

    fn differs(&self, claim: &Claim, found: Option<&HeldClaim>, now: Timestamp) -> bool {
        if claim.counts_attempts() {
            return false;
        }
        let is_over = |until: Option<Timestamp>| {
            claim.kind == ClaimKind::Counter && until.is_none_or(|until| until <= now)
        };
        // Counters of days that are over are deleted at some time; which are gone already says nothing.
        let expected = self.held.get(claim).filter(|hold| !is_over(hold.until));
        let found = found.filter(|held| !is_over(held.held_until));
        match (expected, found) {
            (None, None) => false,
            (Some(expected), Some(found)) => *expected != Hold::from(found),
            _ => true,
        }
    }

    fn finding(&self, claim: &Claim, found: Option<&HeldClaim>) -> String {
        let words = |hold: Option<&Hold>| match hold {
            None => "nobody holds it".to_owned(),
            Some(Hold { holder, until: None, count: 1 }) => format!("{holder} holds it"),
            Some(Hold { holder, until: None, count }) => format!("{holder} holds it {count} times"),
            Some(Hold { until: Some(until), count, .. }) if claim.kind == ClaimKind::Counter => {
                format!("it stands at {count} until {until}")
            }
            Some(Hold { holder, until: Some(until), .. }) => format!("{holder} holds it until {until}"),
        };
        let (expected, found) = (words(self.held.get(claim)), words(found.map(Hold::from).as_ref()));
        format!("Of {}, the log says: {expected}, but {found}", named(claim))
    }
}

impl From<&HeldClaim> for Hold {
    fn from(held: &HeldClaim) -> Self {
        Self { holder: held.holder.as_str().into(), until: held.held_until, count: held.count }
    }
}

fn named(claim: &Claim) -> String {
    let Claim { kind, scope, key } = claim;
    let within = if scope.is_empty() { String::new() } else { format!(" of organization {scope}") };
    format!("the {} {key}{within}", kind.name().replace('_', " "))
}

/// Compares the claims that the store holds with those of the walk, which goes on when the log does.
pub(super) async fn check(walk: &mut Walk<'_>, store: &dyn Store, now: Timestamp) -> Result<Check> {
    let mut findings = Findings::default();
    let suspects = suspects(walk, store, now).await?;
    for claim in suspects {
        look_closely(&claim, walk, store, now, &mut findings).await?;
    }
    let impossible = std::mem::take(&mut walk.claims.impossible);
    findings.absorb(impossible);
    Ok(findings.into_check("claims", count(walk.claims.held.len(), "claim") + ", recomputed from the log"))
}

/// The claims that do not fit at first sight: wrong, or just changed.
async fn suspects(walk: &Walk<'_>, store: &dyn Store, now: Timestamp) -> Result<Vec<Claim>> {
    let mut suspects = vec![];
    let mut expected = walk.claims.held.keys().peekable();
    let mut after = None;
    loop {
        let page = store.claims(after.as_ref(), PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.claim.clone());
        for held in &page {
            while let Some(missing) = expected.next_if(|claim| **claim < held.claim) {
                suspects.push(missing.clone());
            }
            expected.next_if(|claim| **claim == held.claim);
            if walk.claims.differs(&held.claim, Some(held), now) {
                suspects.push(held.claim.clone());
            }
        }
    }
    suspects.extend(expected.cloned());
    Ok(suspects)
}

/// Looks at one claim at a moment in which the log does not move.
async fn look_closely(
    claim: &Claim,
    walk: &mut Walk<'_>,
    store: &dyn Store,
    now: Timestamp,
    findings: &mut Findings,
) -> Result<()> {
    for _ in 0..LOOKS {
        let before = store.head().await?.position;
        walk.advance_to(before).await?;
        // At the beginning of time, nothing that is held for a time is over.
        let found = store.holder(claim, Timestamp::default()).await?;
        if store.head().await?.position != before {
            continue;
        }
        if walk.claims.differs(claim, found.as_ref(), now) {
            let finding = walk.claims.finding(claim, found.as_ref());
            findings.add(format!("{finding}: {}.", walk.place.restore_log()));
        }
        return Ok(());
    }
    // Whoever is changed this often is in order as far as anyone can tell.
    Ok(())
}

#[cfg(test)]
mod tests {
    use muster_events::{
        claims::{Claim, ClaimChange},
        stream::Position,
        time::Timestamp,
    };

    use super::{Claims, HeldClaim};

    fn day(number: i64) -> Timestamp {
        Timestamp::default().plus_days(number)
    }

    fn held(claim: &Claim, holder: &str, until: Option<Timestamp>) -> HeldClaim {
        HeldClaim { claim: claim.clone(), holder: holder.into(), held_until: until, count: 1 }
    }

    #[test]
    fn a_held_slug_is_free_for_others_when_its_time_is_over() {
        let (mut claims, claim) = (Claims::default(), Claim::organization_slug("acme"));
        let hold = ClaimChange::Hold { claim: claim.clone(), holder: "1".into(), days: 30 };
        claims.change(hold, day(0), Position(1));
        assert!(!claims.differs(&claim, Some(&held(&claim, "1", Some(day(30)))), day(1)));
        let take = ClaimChange::Take { claim: claim.clone(), holder: "2".into() };
        claims.change(take, day(31), Position(2));
        assert!(!claims.differs(&claim, Some(&held(&claim, "2", None)), day(31)));
        assert!(claims.impossible.is_empty());
        let take = ClaimChange::Take { claim, holder: "3".into() };
        claims.change(take, day(32), Position(3));
        assert!(!claims.impossible.is_empty(), "somebody else holds it");
    }

    #[test]
    fn the_last_of_a_group_cannot_leave() {
        let mut claims = Claims::default();
        let organization = muster_events::id::OrganizationId::new(7).unwrap();
        let owner = |member: &str| Claim::owner(organization, member);
        for member in ["1", "2"] {
            claims.change(ClaimChange::Join { claim: owner(member) }, day(0), Position(1));
        }
        claims.change(ClaimChange::Leave { claim: owner("1") }, day(0), Position(2));
        assert!(claims.impossible.is_empty());
        assert!(claims.differs(&owner("1"), Some(&held(&owner("1"), "1", None)), day(0)));
        claims.change(ClaimChange::Leave { claim: owner("2") }, day(0), Position(3));
        assert!(!claims.impossible.is_empty());
    }

    #[test]
    fn counters_of_days_that_are_over_say_nothing() {
        let mut claims = Claims::default();
        let count = || ClaimChange::Count { scope: "7".into(), name: "invitations".into(), at_most: 10 };
        claims.change(count(), day(3), Position(1));
        claims.change(count(), day(3), Position(2));
        let claim = Claim::counter("7", "invitations", 3);
        assert!(claims.differs(&claim, None, day(3)), "today it counts");
        let counted = HeldClaim { count: 2, ..held(&claim, "", Some(day(4))) };
        assert!(!claims.differs(&claim, Some(&counted), day(3)));
        assert!(!claims.differs(&claim, None, day(4)), "tomorrow it does not");
    }

    #[test]
    fn of_attempts_the_log_says_nothing() {
        let claim = Claim::attempts("knocking", 3);
        assert!(!Claims::default().differs(&claim, Some(&held(&claim, "", Some(day(4)))), day(3)));
    }
}
