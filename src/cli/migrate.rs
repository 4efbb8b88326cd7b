//! `muster migrate`.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use muster_projections::views::Views;
use serde::Serialize;

use super::{
    config::Settings,
    lock::ServeLock,
    open,
    screen::{Rows, Screen, Shape},
};
use crate::deployment::{Deployment, DeploymentOptions, Schemas};

/// `muster migrate`.
///
/// A server does the same when it starts. This does it before, and says what it did: in a data directory while no server
/// runs on it, in a database also beside servers that can go on with the new schema.
#[derive(Debug, clap::Args)]
pub(super) struct Migrate {
    #[command(flatten)]
    shape: Shape,
}

/// A version, before and after.
#[derive(Debug, Serialize)]
struct Change<V> {
    before: Option<V>,
    after: Option<V>,
}

/// What was done.
#[derive(Debug, Serialize)]
struct Report {
    /// Where.
    place: String,
    /// The schema of the log.
    log: Change<usize>,
    /// The schema of the keys.
    keys: Change<usize>,
    /// The read models, each with the version that its rows were made by.
    views: BTreeMap<&'static str, Change<u32>>,
    /// Whether read models are left as they are, because another process keeps them.
    views_are_kept: bool,
}

impl Migrate {
    pub(super) async fn run(self, settings: &Settings, screen: &mut Screen) -> Result<()> {
        let options = settings.deployment(false)?;
        let before = Schemas::of(&options).await?;
        let _lock = if options.database.is_none() { Some(ServeLock::take(&options.data)?) } else { None };
        let used_by_others = options.is_used_by_others().await?;
        if used_by_others && before.end_older_programs() {
            bail!(
                "another muster uses {} and could not go on with the new schema: stop all that run there first",
                options.place()
            );
        }
        let report = migrate(&options, before, used_by_others).await?;
        if self.shape.json { Ok(screen.json(&report)?) } else { report.print(screen) }
    }
}

async fn migrate(options: &DeploymentOptions, before: Schemas, used_by_others: bool) -> Result<Report> {
    let deployment = Deployment::open(options).await?;
    let views = versions(&deployment.views).await?;
    let outdated =
        muster_projections::all().iter().any(|known| views.get(known.name) != Some(&known.version));
    // Whoever keeps the read models, makes them: while that is another version, to wait for it would be in vain.
    let views_are_kept = outdated && used_by_others;
    if !views_are_kept {
        open::catch_up(&deployment).await?;
    }
    let (after, built) = (Schemas::of(options).await?, versions(&deployment.views).await?);
    let change = |name| Change { before: views.get(name).copied(), after: built.get(name).copied() };
    let views = muster_projections::all().iter().map(|known| (known.name, change(known.name))).collect();
    Ok(Report {
        place: deployment.place.to_string(),
        log: Change { before: before.log, after: after.log },
        keys: Change { before: before.keys, after: after.keys },
        views,
        views_are_kept,
    })
}

/// The versions that the rows of the read models were made by.
async fn versions(views: &Views) -> Result<BTreeMap<String, u32>> {
    let living = views.living().await?;
    Ok(living.into_iter().map(|living| (living.projection, living.version)).collect())
}

impl<V: PartialEq + ToString> Change<V> {
    fn is_none(&self) -> bool {
        self.before == self.after
    }

    fn row(&self, name: String) -> [String; 3] {
        let text = |version: &Option<V>| version.as_ref().map_or_else(|| "none".into(), ToString::to_string);
        [name, text(&self.before), text(&self.after)]
    }
}

impl Report {
    /// For a person.
    fn print(&self, screen: &mut Screen) -> Result<()> {
        let mut rows = Rows::under(["schema", "before", "after"]).numbers(["before", "after"]);
        rows.add(self.log.row("log".into()));
        rows.add(self.keys.row("keys".into()));
        for (name, change) in &self.views {
            rows.add(change.row(format!("read model {name}")));
        }
        screen.table(&rows)?;
        let is_same = self.log.is_none() && self.keys.is_none() && self.views.values().all(Change::is_none);
        screen.line(if self.views_are_kept {
            format!(
                "Another muster runs on {} and keeps its read models: that one, or the next `muster serve` after it, \
                 makes those anew that are of another version.",
                self.place
            )
        } else if is_same {
            format!("{} was up to date.", self.place)
        } else {
            format!("{} is up to date now.", self.place)
        })?;
        Ok(())
    }
}
