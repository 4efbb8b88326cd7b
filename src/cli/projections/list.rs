//! `muster projections list`.

use anyhow::Result;
use muster_projections::views::{Generation, Verification};
use serde_json::{Value, json};

use crate::cli::{
    config::Settings,
    open,
    screen::{Rows, Screen, Shape, seconds},
};

/// `muster projections list`.
///
/// Each read model has rows that are read (living). Others may be on their way to that (building, following), or have
/// been read before (kept).
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct List {
    /// Also the digests of the rows that are read, by which two ledgers at one position can be compared; reads all rows
    #[arg(long)]
    digests: bool,
    #[command(flatten)]
    shape: Shape,
}

impl List {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        let deployment = open::existing(settings).await?;
        let views = &deployment.views;
        let (generations, parked) = (views.generations().await?, views.parked().await?);
        let (verified, head) =
            (views.verifications().await?, deployment.ledger.store().head().await?.position);
        let (mut all, mut rows) = (vec![], header(self.digests));
        for generation in &generations {
            let of_it = |name: &str, number| name == generation.projection && number == generation.number;
            let parked = parked.iter().filter(|parked| of_it(&parked.projection, parked.generation)).count();
            let verified = verified.iter().find(|verified| of_it(&verified.projection, verified.generation));
            let digest = if self.digests { digest(views, generation).await? } else { None };
            let lag = head.0.saturating_sub(generation.position.0);
            if self.shape.json {
                all.push(to_json(generation, lag, parked, verified, digest.as_deref()));
                continue;
            }
            let mut row = vec![
                generation.projection.clone(),
                generation.version.to_string(),
                generation.number.to_string(),
                generation.state.to_string(),
                generation.position.to_string(),
                lag.to_string(),
                parked.to_string(),
                verified.map_or_else(|| "never".into(), in_words),
            ];
            if self.digests {
                row.push(digest.unwrap_or_default());
            }
            rows.add(row);
        }
        if self.shape.json {
            return Ok(screen.json(&all)?);
        }
        if rows.is_empty() {
            return Ok(screen
                .line("There are no read models yet: `muster serve` or any verb that reads makes them.")?);
        }
        Ok(screen.table(&rows)?)
    }
}

fn header(digests: bool) -> Rows {
    let mut header =
        vec!["name", "version", "generation", "state", "position", "lag", "parked", "last verified"];
    if digests {
        header.push("digest");
    }
    Rows::under(header).numbers(["version", "generation", "position", "lag", "parked"])
}

/// Of the rows that are read, at the position where they are then.
async fn digest(views: &muster_projections::views::Views, generation: &Generation) -> Result<Option<String>> {
    let Ok(projection) = super::named(&generation.projection) else { return Ok(None) };
    let digest = views.digest(projection).await?;
    let digest = digest.filter(|digest| digest.generation == generation.number);
    Ok(digest.map(|digest| format!("{} at {}", digest.whole(), digest.position)))
}

fn in_words(verified: &Verification) -> String {
    let when = seconds(verified.checked_at);
    match verified.differences {
        0 => format!("right at position {}, {when}", verified.position),
        count => format!("{count} differences at position {}, {when}", verified.position),
    }
}

fn to_json(
    generation: &Generation,
    lag: u64,
    parked: usize,
    verified: Option<&Verification>,
    digest: Option<&str>,
) -> Value {
    let mut row = json!({
        "name": generation.projection, "version": generation.version, "generation": generation.number,
        "state": generation.state.name(), "position": generation.position, "lag": lag, "parked": parked,
        "builder": generation.builder.as_ref().map(|builder| &builder.name),
        "verified": verified.map(|verified| json!({
            "position": verified.position, "date": verified.checked_at, "differences": verified.differences,
        })),
    });
    if let (Some(digest), Some(row)) = (digest, row.as_object_mut()) {
        row.insert("digest".into(), digest.into());
    }
    row
}
