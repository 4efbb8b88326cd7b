//! Making the tables, and making them again where what stands in them cannot be trusted.

use super::{
    Checkpoint, Views,
    bookkeeping::{self, Definitions},
    checkpoint, parked,
};
use crate::{
    database::Transaction,
    error::ViewError,
    projection::Projection,
    sink::{
        fold::Fold,
        live::{self, SinkError},
    },
    sql::{self, Dialect},
};

impl Views {
    /// Makes the tables that are not there. A projection whose rows are of another version, of another incarnation
    /// of the log or in other tables than it has now starts anew. Returns where each of `projections` stands.
    pub async fn prepare(
        &self,
        projections: &[&'static Projection],
        incarnation: &str,
    ) -> Result<Vec<Checkpoint>, ViewError> {
        let mut writing = self.writer.writing().await?;
        let there = bookkeeping::make(&mut writing).await?;
        let stored = checkpoint::read(&writing.rows(&checkpoint::query()).await?)?;
        for projection in projections {
            let old = stored.iter().find(|stored| stored.projection == projection.name);
            let is_trusted = old.is_some_and(|old| old.is_of(projection, incarnation));
            if !(is_trusted && is_as_declared(writing.dialect(), projection, &there)) {
                begin(&mut writing, projection, old, incarnation).await?;
            }
        }
        let mut checkpoints = checkpoint::read(&writing.rows(&checkpoint::query()).await?)?;
        writing.commit().await?;
        checkpoints
            .retain(|stored| projections.iter().any(|projection| projection.name == stored.projection));
        Ok(checkpoints)
    }

    /// Empties the tables of `projection`; it starts anew from the beginning of the log `incarnation`.
    pub async fn begin_anew(
        &self,
        projection: &'static Projection,
        incarnation: &str,
    ) -> Result<(), ViewError> {
        let mut writing = self.writer.writing().await?;
        let stored = checkpoint::read(&writing.rows(&checkpoint::query()).await?)?;
        let old = stored.iter().find(|stored| stored.projection == projection.name);
        begin(&mut writing, projection, old, incarnation).await?;
        Ok(writing.commit().await?)
    }
}

/// Also true to the letter after somebody changed a table and forgot to raise the version.
fn is_as_declared(dialect: Dialect, projection: &Projection, there: &Definitions) -> bool {
    projection.tables.iter().all(|table| {
        there.get(table.name) == Some(&sql::create_table(dialect, table))
            && sql::create_indexes(dialect, table).all(|(name, sql)| there.get(&name) == Some(&sql))
    })
}

async fn begin(
    writing: &mut Transaction,
    projection: &Projection,
    old: Option<&Checkpoint>,
    incarnation: &str,
) -> Result<(), ViewError> {
    let dialect = writing.dialect();
    let old = old.iter().flat_map(|old| old.tables.iter().map(String::as_str));
    for table in old.chain(projection.tables.iter().map(|table| table.name)) {
        writing.run(&format!("DROP TABLE IF EXISTS {table}")).await?;
    }
    for table in projection.tables {
        writing.run(&sql::create_table(dialect, table)).await?;
        for (_, sql) in sql::create_indexes(dialect, table) {
            writing.run(&sql).await?;
        }
    }
    let mut fold = Fold::default();
    for change in [parked::forget(projection), checkpoint::begin(projection, incarnation)] {
        fold.add(change).map_err(SinkError::from)?;
    }
    Ok(live::carry_out(writing, &fold).await?)
}
