//! `muster projections verify`.

use std::{num::NonZeroU32, time::Duration};

use anyhow::{Result, bail};
use muster_projections::projection::Projection;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{
    cli::{
        config::Settings,
        open,
        screen::{Screen, Shape, count},
        signals,
    },
    subscription::{Verified, Verifier},
};

/// How many events a second are read by default by a comparison that goes on all the time.
const CONTINUOUS_RATE: NonZeroU32 = NonZeroU32::new(5_000).expect("it is not zero");
/// The rest between two comparisons.
const REST: Duration = Duration::from_secs(5);

/// `muster projections verify`.
///
/// Folds the log in memory and compares row by row, at the position where the rows are. Works beside a running server.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Verify {
    /// The names of read models; all of them when none is named
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Begin again when it is done, until Ctrl-C; what was found last is in `projections list` and in /metrics
    #[arg(long, conflicts_with = "json")]
    continuous: bool,
    /// Read at most so many events a second [default: no limit; with --continuous: 5000]
    #[arg(long, value_name = "EVENTS")]
    max_rate: Option<NonZeroU32>,
    #[command(flatten)]
    shape: Shape,
}

impl Verify {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        let projections = super::all_named(&self.names)?;
        let deployment = open::for_reading(settings).await?;
        let rate = self.max_rate.or(self.continuous.then_some(CONTINUOUS_RATE));
        let verifier = deployment.verifier().at_most(rate);
        if self.continuous {
            return continuously(&verifier, &projections, screen).await;
        }
        let all = verifier.verify(&projections).await?;
        if self.shape.json {
            screen.json(&all.iter().map(to_json).collect::<Vec<_>>())?;
        } else {
            all.iter().try_for_each(|verified| print(verified, screen))?;
        }
        fail_on(all.iter().map(|verified| verified.differences.count).sum())
    }
}

async fn continuously(
    verifier: &Verifier,
    projections: &[&'static Projection],
    screen: &mut Screen,
) -> Result<()> {
    let stop = CancellationToken::new();
    signals::cancel_on_signal(&stop)?;
    let mut found = 0;
    loop {
        let Some(all) = stop.run_until_cancelled(verifier.verify(projections)).await else { break };
        for verified in &all? {
            found += verified.differences.count;
            print(verified, screen)?;
        }
        screen.flush()?;
        if stop.run_until_cancelled(tokio::time::sleep(REST)).await.is_none() {
            break;
        }
    }
    fail_on(found)
}

fn fail_on(differences: u64) -> Result<()> {
    match differences {
        0 => Ok(()),
        1 => bail!("there is 1 difference: `muster projections rebuild` mends it"),
        many => bail!("there are {many} differences: `muster projections rebuild` mends them"),
    }
}

fn print(verified: &Verified, screen: &mut Screen) -> Result<()> {
    let Verified { projection, position, rows, parked, differences, .. } = verified;
    let rows = count(usize::try_from(*rows).unwrap_or(usize::MAX), "row");
    let left_out = match parked {
        0 => String::new(),
        parked => format!(
            ", without {} set aside",
            count(*parked, "stream") + if *parked == 1 { " that is" } else { " that are" }
        ),
    };
    if differences.count == 0 {
        screen
            .line(format!("{projection}: {rows}, the fold of the log up to position {position}{left_out}"))?;
        return Ok(());
    }
    screen.line(format!(
        "{projection}: {rows}, {} from the fold of the log up to position {position}{left_out}",
        count(usize::try_from(differences.count).unwrap_or(usize::MAX), "difference")
    ))?;
    for named in &differences.named {
        let (view, log) = (said(named.view.as_deref()), said(named.log.as_deref()));
        let column = named.column.map(|column| format!(", {column}")).unwrap_or_default();
        screen
            .text(format!("  {} {}{column}: the view has {view}, the log {log}", named.table, named.key))?;
    }
    let more = usize::try_from(differences.count).unwrap_or(usize::MAX) - differences.named.len();
    if more > 0 {
        screen.line(format!("  and {more} more"))?;
    }
    Ok(())
}

fn said(value: Option<&str>) -> &str {
    value.unwrap_or("no row")
}

fn to_json(verified: &Verified) -> serde_json::Value {
    json!({
        "name": verified.projection, "generation": verified.generation, "position": verified.position,
        "rows": verified.rows, "parked": verified.parked, "differences": verified.differences.count,
        "named": verified.differences.named,
    })
}
