//! The read models, compared with what the log says at the position that they have reached.

use anyhow::{Result, bail};
use muster_events::stream::Position;
use muster_projections::{
    projection::Projection,
    sink::Rows,
    views::{Checkpoint, Views},
};

use super::{
    report::{Check, Findings},
    walk::Walk,
};
use crate::{
    cli::{open, screen::count},
    deployment::{Deployment, Place},
};

/// How often a read model is looked at that moves while it is read.
const LOOKS: usize = 50;

/// Brings the read models to the head, and compares each with the walk.
pub(super) async fn check(walk: &mut Walk<'_>, deployment: &Deployment) -> Result<Check> {
    let mut findings = Findings::default();
    if let Err(error) = open::catch_up(deployment).await {
        findings.add(format!("{error:#}: {}.", deployment.place.rebuild_views()));
        return Ok(findings.into_check("read models", "not at the head of the log"));
    }
    let views = &deployment.views;
    for parked in views.parked().await? {
        findings.add(format!(
            "The read model {} has set the stream {} aside at position {}, with {} ({}): use a muster that can take \
             them, or report it.",
            parked.projection,
            parked.stream,
            parked.first_position,
            count(usize::try_from(parked.events).unwrap_or(usize::MAX), "event"),
            parked.error,
        ));
    }
    let projections: Vec<_> = walk.rows.iter().map(|(projection, _)| *projection).collect();
    let (mut rows, mut moving) = (0, vec![]);
    for projection in &projections {
        let is_parked = views.parked().await?.iter().any(|parked| parked.projection == projection.name);
        if is_parked {
            continue;
        }
        match compare(walk, views, projection, &mut findings).await? {
            Some(compared) => rows += compared,
            None => moving.push(projection.name),
        }
    }
    let mut looked_at = format!("{}, the same as the log makes them", count(rows, "row"));
    if !moving.is_empty() {
        looked_at =
            format!("{looked_at}; not compared, because they move all the time: {}", moving.join(", "));
    }
    Ok(findings.into_check("read models", looked_at))
}

/// Compares the rows of one projection at a moment in which they do not change. The number of rows; none when there
/// was no such moment.
async fn compare(
    walk: &mut Walk<'_>,
    views: &Views,
    projection: &'static Projection,
    findings: &mut Findings,
) -> Result<Option<usize>> {
    for _ in 0..LOOKS {
        let Some(before) = checkpoint(views, projection).await? else {
            bail!("{} has no checkpoint", projection.name)
        };
        walk.advance_to(before).await?;
        if walk.position > before {
            // The walk went further with another read model; this one will follow.
            tokio::task::yield_now().await;
            continue;
        }
        let mut tables = vec![];
        for table in projection.tables {
            tables.push((*table, views.rows(table).await?));
        }
        if checkpoint(views, projection).await? != Some(before) {
            continue;
        }
        let expected =
            walk.rows.iter().find(|(known, _)| known.name == projection.name).map(|(_, rows)| rows);
        let Some(expected) = expected else { bail!("{} was not folded", projection.name) };
        for (table, rows) in &tables {
            say_differences(&walk.place, table.name, rows, &expected.rows(table), before, findings);
        }
        return Ok(Some(tables.iter().map(|(_, rows)| rows.len()).sum()));
    }
    Ok(None)
}

async fn checkpoint(views: &Views, projection: &Projection) -> Result<Option<Position>> {
    let checkpoints = views.checkpoints().await?;
    let of = |checkpoint: &&Checkpoint| checkpoint.projection == projection.name;
    Ok(checkpoints.iter().find(of).map(|checkpoint| checkpoint.position))
}

fn say_differences(
    place: &Place,
    table: &str,
    found: &Rows,
    expected: &Rows,
    at: Position,
    findings: &mut Findings,
) {
    let missing = expected.keys().filter(|key| !found.contains_key(*key)).count();
    let added = found.keys().filter(|key| !expected.contains_key(*key)).count();
    let other =
        found.iter().filter(|(key, row)| expected.get(*key).is_some_and(|expected| expected != *row)).count();
    if missing + added + other > 0 {
        findings.add(format!(
            "The table {table} is not what the log makes it at position {at} ({missing} missing, {added} too many, \
             {other} different): {}.",
            place.rebuild_views()
        ));
    }
}
