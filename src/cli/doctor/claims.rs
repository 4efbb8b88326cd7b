//! Claims recomputed from the log, and compared with those that the store holds.

use anyhow::Result;
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
    store::{
        HeldClaim, Store,
        claimed::{Claimed, Hold, is_over, named},
    },
};

/// Claims that are read at once.
const PAGE: usize = 1_000;
/// How often a claim is looked at that does not fit, because the log may move between two looks.
const LOOKS: usize = 50;

/// The claims that the log leads to, and what is wrong with that.
#[derive(Debug, Default)]
pub(super) struct Claims {
    claimed: Claimed,
    /// Events that the store should have refused.
    pub(super) impossible: Findings,
}

impl Claims {
    /// Does what an event at `position` does.
    pub(super) fn change(&mut self, change: ClaimChange, at: Timestamp, position: Position) {
        if let Some(impossible) = self.claimed.change(change, at) {
            self.impossible.add(format!(
                "The event at position {position} {impossible}; the log has been written to by another program."
            ));
        }
    }

    fn differs(&self, claim: &Claim, found: Option<&HeldClaim>, now: Timestamp) -> bool {
        if claim.counts_attempts() {
            return false;
        }
        // Which counters of days that are over are deleted already says nothing.
        let expected = self.claimed.get(claim).filter(|hold| !is_over(claim, hold.until, now));
        let found = found.filter(|held| !is_over(claim, held.held_until, now));
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
        let (expected, found) = (words(self.claimed.get(claim)), words(found.map(Hold::from).as_ref()));
        format!("Of {}, the log says: {expected}, but {found}", named(claim))
    }
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
    Ok(findings.into_check("claims", count(walk.claims.claimed.len(), "claim") + ", recomputed from the log"))
}

/// The claims that do not fit at first sight: wrong, or just changed.
async fn suspects(walk: &Walk<'_>, store: &dyn Store, now: Timestamp) -> Result<Vec<Claim>> {
    let mut suspects = vec![];
    let mut expected = walk.claims.claimed.claims().peekable();
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
