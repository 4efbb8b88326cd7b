//! The read models, compared with what the log says at the position that they have reached.

use anyhow::Result;
use muster_projections::views::State;

use super::report::{Check, Findings};
use crate::{
    cli::{open, screen::count},
    deployment::{Deployment, Place},
    subscription::Verified,
};

/// Brings the read models to the head, and compares each with a fold of the log.
pub(super) async fn check(deployment: &Deployment) -> Result<Check> {
    let mut findings = Findings::default();
    if let Err(error) = open::catch_up(deployment).await {
        findings.add(format!("{error:#}: {}.", deployment.place.rebuild_views()));
        return Ok(findings.into_check("read models", "not at the head of the log"));
    }
    let views = &deployment.views;
    for parked in views.parked().await? {
        findings.add(format!(
            "The read model {} has set the stream {} aside at position {}, with {} ({}): use a muster that can take \
             them, or report it; `muster projections parked retry` takes them up again.",
            parked.projection,
            parked.stream,
            parked.first_position,
            count(usize::try_from(parked.events).unwrap_or(usize::MAX), "event"),
            parked.error,
        ));
    }
    let (place, mut rows) = (&deployment.place, 0);
    match deployment.verifier().verify(&muster_projections::all()).await {
        Ok(all) => {
            for verified in &all {
                rows += usize::try_from(verified.rows).unwrap_or(usize::MAX);
                say_differences(verified, place, &mut findings);
            }
        }
        Err(error) => findings.add(format!("{error}: {}.", place.rebuild_views())),
    }
    let generations = views.generations().await?;
    let building =
        generations.iter().filter(|of| matches!(of.state, State::Building | State::Following)).count();
    let mut looked_at = format!("{}, the same as the log makes them", count(rows, "row"));
    if building > 0 {
        looked_at = format!("{looked_at}; {} of a rebuild", count(building, "generation"));
    }
    Ok(findings.into_check("read models", looked_at))
}

fn say_differences(verified: &Verified, place: &Place, findings: &mut Findings) {
    let Verified { projection, position, differences, .. } = verified;
    for (table, rows) in &differences.rows {
        findings.add(format!(
            "The table {table} is not what the log makes it at position {position} ({} wrong): `muster projections \
             verify {projection}` names each difference, `muster projections rebuild {projection}` mends it, or {}.",
            count(usize::try_from(*rows).unwrap_or(usize::MAX), "row"),
            place.rebuild_views()
        ));
    }
}
