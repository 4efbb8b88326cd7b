//! Making the tables, and making them again where what stands in them cannot be trusted.

use super::{
    Generation, Views,
    bookkeeping::{self, Definitions},
    generation::{self, State},
    parked,
};
use crate::{
    database::Transaction,
    error::ViewError,
    projection::Projection,
    sink::{fold::Fold, live},
    sql::{self, Dialect},
};

/// Where the views stand when they have been prepared.
#[derive(Debug)]
pub struct Prepared {
    /// The living generation of each projection, or the one of an older version that is read until the rows of this
    /// version are built.
    pub living: Vec<Generation>,
    /// Generations that are kept up to date beside the living ones.
    pub following: Vec<Generation>,
}

impl Prepared {
    fn of(projections: &[&'static Projection], incarnation: &str, stored: &[Generation]) -> Self {
        let living = projections.iter().filter_map(|projection| living_of(projection, stored));
        let living = living.filter(|living| living.incarnation == incarnation).cloned().collect();
        let is_following = |generation: &&Generation| {
            generation.state == State::Following
                && projections.iter().any(|projection| generation.is_of(projection, incarnation))
        };
        Self { living, following: stored.iter().filter(is_following).cloned().collect() }
    }
}

fn living_of<'a>(projection: &Projection, stored: &'a [Generation]) -> Option<&'a Generation> {
    stored.iter().find(|stored| stored.projection == projection.name && stored.state == State::Living)
}

impl Views {
    /// Makes the tables that are not there. A projection whose rows are of another incarnation of the log or in other
    /// tables than it has now starts anew. One whose rows are of an older version keeps them until others are built, where
    /// the queries of this version can read them; one of a newer version is refused.
    pub async fn prepare(
        &self,
        projections: &[&'static Projection],
        incarnation: &str,
    ) -> Result<Prepared, ViewError> {
        let mut writing = self.writer.writing().await?;
        let there = bookkeeping::make(&mut writing).await?;
        let stored = generation::read(&writing.rows(&generation::query()).await?)?;
        for projection in projections {
            let old = living_of(projection, &stored).filter(|old| old.incarnation == incarnation);
            if let Some(newer) = old.filter(|old| old.version > projection.version) {
                return Err(newer_version(projection, newer));
            }
            let is_trusted = old.is_some_and(|old| {
                if old.version == projection.version {
                    is_as_declared(writing.dialect(), projection, old.number, &there)
                } else {
                    can_be_read(writing.dialect(), projection, old.number, &there)
                }
            });
            if !is_trusted {
                begin(&mut writing, projection, &stored, incarnation).await?;
            }
        }
        let stored = generation::read(&writing.rows(&generation::query()).await?)?;
        writing.commit().await?;
        Ok(Prepared::of(projections, incarnation, &stored))
    }

    /// As [`Views::prepare`], and makes nothing: for who leaves that to another process. Generations of another
    /// incarnation are left out.
    pub async fn look(
        &self,
        projections: &[&'static Projection],
        incarnation: &str,
    ) -> Result<Prepared, ViewError> {
        let stored = self.generations().await?;
        let old = |projection| living_of(projection, &stored).filter(|old| old.incarnation == incarnation);
        for projection in projections {
            if let Some(newer) = old(projection).filter(|old| old.version > projection.version) {
                return Err(newer_version(projection, newer));
            }
        }
        Ok(Prepared::of(projections, incarnation, &stored))
    }

    /// Empties the tables of `projection`; it starts anew from the beginning of the log `incarnation`.
    pub async fn begin_anew(
        &self,
        projection: &'static Projection,
        incarnation: &str,
    ) -> Result<(), ViewError> {
        let mut writing = self.writer.writing().await?;
        let stored = generation::read(&writing.rows(&generation::query()).await?)?;
        begin(&mut writing, projection, &stored, incarnation).await?;
        Ok(writing.commit().await?)
    }
}

fn newer_version(projection: &Projection, living: &Generation) -> ViewError {
    ViewError::Unusable(format!(
        "the read model {} is of version {}, which a newer muster made; this one makes version {}: use the newer one, \
         or go back with `muster projections rollback {}`",
        projection.name, living.version, projection.version, projection.name
    ))
}

/// Also true to the letter after somebody changed a table and forgot to raise the version.
fn is_as_declared(dialect: Dialect, projection: &Projection, number: u32, there: &Definitions) -> bool {
    projection.tables.iter().all(|table| {
        let name = table.of_generation(number);
        there.get(&name) == Some(&sql::create_table(dialect, table, &name))
            && sql::create_indexes(dialect, table, &name).all(|(name, sql)| there.get(&name) == Some(&sql))
            && there.get(table.name).is_some_and(|view| shows(view, &name))
    })
}

/// Whether the rows of an older version stand in the tables that the queries of this one read, whatever their indexes.
fn can_be_read(dialect: Dialect, projection: &Projection, number: u32, there: &Definitions) -> bool {
    projection.tables.iter().all(|table| {
        let name = table.of_generation(number);
        there.get(&name) == Some(&sql::create_table(dialect, table, &name))
            && there.get(table.name).is_some_and(|view| shows(view, &name))
    })
}

/// Whether the definition of a view says that it shows the rows of the table `name`. Postgres writes it in its own way.
fn shows(view: &str, name: &str) -> bool {
    let end = view.trim_end_matches(';').rsplit([' ', '.']).next();
    end == Some(name)
}

/// The living generation begins anew, and there is no other one.
async fn begin(
    writing: &mut Transaction,
    projection: &Projection,
    stored: &[Generation],
    incarnation: &str,
) -> Result<(), ViewError> {
    let mut fold = Fold::default();
    for old in stored.iter().filter(|old| old.projection == projection.name) {
        hide(writing, old.tables.iter().map(String::as_str)).await?;
        drop_tables(writing, old).await?;
        for change in [parked::forget(old), old.delete()] {
            fold.add(change);
        }
    }
    let number = generation::next(projection, stored);
    let new = Generation::new(projection, number, State::Living, incarnation);
    make_tables(writing, projection, number).await?;
    make_indexes(writing, projection, number).await?;
    show(writing, projection, number).await?;
    fold.add(new.put());
    Ok(live::carry_out(writing, fold).await?)
}

/// Makes the tables of a generation, without what only readers need.
pub(super) async fn make_tables(
    writing: &mut Transaction,
    projection: &Projection,
    number: u32,
) -> Result<(), ViewError> {
    for table in projection.tables {
        let name = table.of_generation(number);
        // One that nobody knows of any more.
        writing.run(&format!("DROP TABLE IF EXISTS {name}")).await?;
        writing.run(&sql::create_table(writing.dialect(), table, &name)).await?;
    }
    Ok(())
}

/// Makes the indexes that readers need.
pub(super) async fn make_indexes(
    writing: &mut Transaction,
    projection: &Projection,
    number: u32,
) -> Result<(), ViewError> {
    for table in projection.tables {
        let name = table.of_generation(number);
        for (_, sql) in sql::create_indexes(writing.dialect(), table, &name) {
            writing.run(&sql).await?;
        }
    }
    Ok(())
}

/// Readers find the rows of this generation from now on.
pub(super) async fn show(
    writing: &mut Transaction,
    projection: &Projection,
    number: u32,
) -> Result<(), ViewError> {
    hide(writing, projection.tables.iter().map(|table| table.name)).await?;
    for table in projection.tables {
        writing.run(&sql::create_view(table, number)).await?;
    }
    Ok(())
}

/// Readers find nothing under these names.
pub(super) async fn hide(
    writing: &mut Transaction,
    tables: impl Iterator<Item = &str>,
) -> Result<(), ViewError> {
    for table in tables {
        writing.run(&format!("DROP VIEW IF EXISTS {table}")).await?;
    }
    Ok(())
}

/// Drops the tables of a generation, which nothing shows any more.
pub(super) async fn drop_tables(writing: &mut Transaction, generation: &Generation) -> Result<(), ViewError> {
    for name in generation.table_names() {
        writing.run(&format!("DROP TABLE IF EXISTS {name}")).await?;
    }
    Ok(())
}
