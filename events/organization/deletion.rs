//! The end of an organization: scheduled, called off, carried out (behaviour.md 7.6 and decision D27).

use super::{Organization, OrganizationContext, OrganizationEvent};
use crate::{refusal::Refusal, time::Timestamp};

/// How many days lie between the request and the end.
const DELAY_DAYS: i64 = 1;

/// For how many days nobody else can take the slug of an organization that is gone, or that has another one now.
pub const SLUG_HELD_DAYS: i64 = 30;

const NEEDS: &[&str] = &["org:admin"];

pub(super) fn schedule(
    organization: &Organization,
    context: &OrganizationContext,
) -> Result<Vec<OrganizationEvent>, Refusal> {
    context.gate(organization, NEEDS)?;
    if organization.deletion_due.is_some() {
        return Ok(vec![]);
    }
    Ok(vec![OrganizationEvent::DeletionScheduled { due_at: context.now.plus_days(DELAY_DAYS) }])
}

pub(super) fn cancel(organization: &Organization) -> Vec<OrganizationEvent> {
    organization.deletion_due.map(|_| OrganizationEvent::DeletionCancelled {}).into_iter().collect()
}

/// Refused before its time, and when it was called off meanwhile; nothing happens to one that is gone already.
pub(super) fn carry_out(
    organization: &Organization,
    now: Timestamp,
) -> Result<Vec<OrganizationEvent>, Refusal> {
    if organization.is_deleted() {
        return Ok(vec![]);
    }
    if organization.deletion_due.is_none_or(|due| due > now) {
        return Err(Refusal::DeletionNotDue);
    }
    let (slug, name) = (organization.slug.clone(), organization.name.clone());
    Ok(vec![OrganizationEvent::OrganizationDeleted { slug, name }])
}
