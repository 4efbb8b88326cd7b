//! The claims that a log leads to, as every store keeps them: folded from what the events do to them, for whoever compares
//! them with those that a store holds, or fills a store from a log.

use std::{collections::BTreeMap, fmt};

use compact_str::CompactString;
use muster_events::{
    claims::{Claim, ClaimChange, ClaimKind},
    time::Timestamp,
};

use super::HeldClaim;

/// Microseconds of one day.
const DAY: i64 = 86_400_000_000;

/// How a claim is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// By which aggregate; empty for a counter.
    pub holder: CompactString,
    /// From when on it is free, where it is only held for a time.
    pub until: Option<Timestamp>,
    /// How often, for a counter; 1 otherwise.
    pub count: u32,
}

impl From<&HeldClaim> for Hold {
    fn from(held: &HeldClaim) -> Self {
        Self { holder: held.holder.as_str().into(), until: held.held_until, count: held.count }
    }
}

/// What a store refuses, and an event did all the same: another program has written to the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Impossible {
    /// It takes what somebody else holds.
    Taken {
        /// What.
        claim: Claim,
        /// Who holds it.
        by: CompactString,
    },
    /// It leaves nobody in a group.
    LastOfGroup(Claim),
    /// It goes beyond a limit.
    Exceeded {
        /// Of what.
        name: CompactString,
        /// The limit.
        at_most: u32,
    },
}

impl fmt::Display for Impossible {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken { claim, by } => write!(out, "takes {}, which {by} holds", named(claim)),
            Self::LastOfGroup(claim) => write!(out, "leaves nobody in the group of {}", named(claim)),
            Self::Exceeded { name, at_most } => write!(out, "exceeds the limit of {at_most} for {name}"),
        }
    }
}

/// A claim in words.
pub fn named(claim: &Claim) -> String {
    let Claim { kind, scope, key } = claim;
    let within = if scope.is_empty() { String::new() } else { format!(" of organization {scope}") };
    format!("the {} {key}{within}", kind.name().replace('_', " "))
}

/// Whether `claim` is the counter of a day that is over at `now`: such are deleted at some time.
pub fn is_over(claim: &Claim, until: Option<Timestamp>, now: Timestamp) -> bool {
    claim.kind == ClaimKind::Counter && until.is_none_or(|until| until <= now)
}

/// The claims that a log leads to.
#[derive(Debug, Default)]
pub struct Claimed {
    held: BTreeMap<Claim, Hold>,
}

impl Claimed {
    /// Does what an event does that is recorded at `at`, as the store does it; says what it should have refused.
    pub fn change(&mut self, change: ClaimChange, at: Timestamp) -> Option<Impossible> {
        match change {
            ClaimChange::Take { claim, holder } => self.take(claim, holder, None, at),
            ClaimChange::Hold { claim, holder, days } => {
                self.take(claim, holder, Some(at.plus_days(days)), at)
            }
            ClaimChange::Release { claim, holder } => {
                if self.held.get(&claim).is_some_and(|hold| hold.holder == holder) {
                    self.held.remove(&claim);
                }
                None
            }
            ClaimChange::Join { claim } => {
                let hold = Hold { holder: claim.key.clone(), until: None, count: 1 };
                self.held.entry(claim).or_insert(hold);
                None
            }
            ClaimChange::Leave { claim } => self.leave(claim),
            ClaimChange::Disband { kind, scope } => {
                let group: Vec<_> = self.group(kind, &scope).cloned().collect();
                for claim in group {
                    self.held.remove(&claim);
                }
                None
            }
            ClaimChange::Count { scope, name, at_most } => {
                let until = Timestamp::from_micros((at.day() + 1).saturating_mul(DAY)).ok();
                let new = Hold { holder: CompactString::default(), until, count: 0 };
                let hold = self.held.entry(Claim::counter(&scope, &name, at.day())).or_insert(new);
                hold.count += 1;
                (hold.count > at_most).then_some(Impossible::Exceeded { name, at_most })
            }
        }
    }

    fn take(
        &mut self,
        claim: Claim,
        holder: CompactString,
        until: Option<Timestamp>,
        at: Timestamp,
    ) -> Option<Impossible> {
        let before = self.held.get(&claim);
        let other = before.filter(|hold| hold.holder != holder && hold.until.is_none_or(|until| until > at));
        let impossible =
            other.map(|hold| Impossible::Taken { claim: claim.clone(), by: hold.holder.clone() });
        let count = before.map_or(1, |hold| hold.count);
        self.held.insert(claim, Hold { holder, until, count });
        impossible
    }

    fn leave(&mut self, claim: Claim) -> Option<Impossible> {
        let others = self.group(claim.kind, &claim.scope).any(|other| *other != claim);
        if self.held.contains_key(&claim) && !others {
            return Some(Impossible::LastOfGroup(claim));
        }
        self.held.remove(&claim);
        None
    }

    fn group<'a>(&'a self, kind: ClaimKind, scope: &'a str) -> impl Iterator<Item = &'a Claim> {
        let before = Claim { kind, scope: scope.into(), key: CompactString::default() };
        let from_here = self.held.range(before..).map(|(claim, _)| claim);
        from_here.take_while(move |claim| claim.kind == kind && claim.scope == scope)
    }

    /// How `claim` is held.
    pub fn get(&self, claim: &Claim) -> Option<&Hold> {
        self.held.get(claim)
    }

    /// What is held, in order.
    pub fn claims(&self) -> impl Iterator<Item = &Claim> {
        self.held.keys()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// As a store holds them at `now`: counters of days that are over are not kept.
    pub fn held_at(self, now: Timestamp) -> Vec<HeldClaim> {
        let living = self.held.into_iter().filter(|(claim, hold)| !is_over(claim, hold.until, now));
        let held = |(claim, Hold { holder, until, count })| HeldClaim {
            claim,
            holder: holder.into(),
            held_until: until,
            count,
        };
        living.map(held).collect()
    }
}

#[cfg(test)]
mod tests {
    use muster_events::{
        claims::{Claim, ClaimChange, ClaimKind},
        id::OrganizationId,
        time::Timestamp,
    };

    use super::Claimed;

    fn day(number: i64) -> Timestamp {
        Timestamp::default().plus_days(number)
    }

    #[test]
    fn a_held_slug_is_free_for_others_when_its_time_is_over() {
        let (mut claims, claim) = (Claimed::default(), Claim::organization_slug("acme"));
        let hold = ClaimChange::Hold { claim: claim.clone(), holder: "1".into(), days: 30 };
        assert_eq!(claims.change(hold, day(0)), None);
        let take = |holder: &str| ClaimChange::Take { claim: claim.clone(), holder: holder.into() };
        assert_eq!(claims.change(take("2"), day(31)), None);
        let refused = claims.change(take("3"), day(32)).expect("somebody else holds it");
        assert_eq!(refused.to_string(), "takes the organization slug acme, which 2 holds");
    }

    #[test]
    fn the_last_of_a_group_cannot_leave_and_a_disbanded_group_is_gone() {
        let mut claims = Claimed::default();
        let owner =
            |organization, member: &str| Claim::owner(OrganizationId::new(organization).unwrap(), member);
        for claim in [owner(7, "1"), owner(7, "2"), owner(71, "1")] {
            claims.change(ClaimChange::Join { claim }, day(0));
        }
        assert_eq!(claims.change(ClaimChange::Leave { claim: owner(7, "1") }, day(0)), None);
        assert!(claims.change(ClaimChange::Leave { claim: owner(7, "2") }, day(0)).is_some());
        assert!(claims.get(&owner(7, "2")).is_some());
        claims.change(ClaimChange::Disband { kind: ClaimKind::Owner, scope: "7".into() }, day(0));
        assert_eq!(claims.claims().collect::<Vec<_>>(), [&owner(71, "1")]);
    }

    #[test]
    fn counters_of_days_that_are_over_are_not_kept() {
        let mut claims = Claimed::default();
        let count = || ClaimChange::Count { scope: "7".into(), name: "invitations".into(), at_most: 1 };
        assert_eq!(claims.change(count(), day(3)), None);
        assert!(claims.change(count(), day(3)).is_some(), "one a day");
        assert_eq!(claims.change(count(), day(4)), None);
        let held = claims.held_at(day(4));
        assert_eq!(
            held.iter().map(|held| &held.claim).collect::<Vec<_>>(),
            [&Claim::counter("7", "invitations", 4)]
        );
    }
}
