//! How the schema of the views in a Postgres database is opened, and what is refused then.

use sqlx::{ConnectOptions, PgPool};

use super::{Views, bookkeeping};
use crate::{
    database::{Pool, Query, Transaction, sqlstate},
    error::ViewError,
    sql::{SCHEMA, SCHEMA_MARK},
};

/// Statements that a connection keeps prepared; more than there are.
const STATEMENTS: usize = 256;
const INSUFFICIENT_PRIVILEGE: &str = "42501";

impl Views {
    /// Opens the views in the schema `views` of a Postgres database; makes it when there is none.
    ///
    /// The pools become those of the views and must not have connected yet: their connections look for tables in that
    /// schema only, so that a query has one text for both databases. `writer` needs two connections, so that a lease can
    /// be renewed while a batch is applied.
    pub async fn open_postgres(writer: PgPool, readers: PgPool) -> Result<Self, ViewError> {
        for pool in [&writer, &readers] {
            let options = pool.connect_options().as_ref().clone();
            let options = options.options([("search_path", SCHEMA)]).statement_cache_capacity(STATEMENTS);
            pool.set_connect_options(options.disable_statement_logging());
        }
        let views = Self { writer: Pool::Postgres(writer), readers: Pool::Postgres(readers) };
        views.make_or_claim().await?;
        Ok(views)
    }

    async fn make_or_claim(&self) -> Result<(), ViewError> {
        let mut writing = self.writer.writing().await?;
        claim_schema(&mut writing).await?;
        bookkeeping::make(&mut writing).await.map_err(cannot_make)?;
        // A pool between here and the server may have left out what the connections are to be set to.
        let sql = "SELECT 1 WHERE current_schema() = $1";
        if writing.row(&Query::new(sql).bind(SCHEMA)).await?.is_none() {
            let text = "the connections to Postgres do not keep their search_path: connect without a pooler, or with one \
                that keeps sessions";
            return Err(ViewError::Unusable(text.into()));
        }
        Ok(writing.commit().await?)
    }
}

/// Marks an empty schema as ours, and refuses one of another program: tables are dropped here without asking.
async fn claim_schema(writing: &mut Transaction) -> Result<(), ViewError> {
    let sql = "SELECT coalesce(obj_description(n.oid, 'pg_namespace') = $2, false) AS is_ours, \
            EXISTS (SELECT 1 FROM pg_class c WHERE c.relnamespace = n.oid) AS is_used \
        FROM pg_namespace n WHERE n.nspname = $1";
    let row = writing.row(&Query::new(sql).bind(SCHEMA).bind(SCHEMA_MARK)).await?;
    let Some(row) = row else { return Ok(()) };
    let (is_ours, is_used): (bool, bool) = (row.cell("is_ours")?, row.cell("is_used")?);
    if is_ours {
        return Ok(());
    }
    if is_used {
        let text = format!(
            "the schema {SCHEMA} of the database belongs to another program: name another database with --database-url"
        );
        return Err(ViewError::Unusable(text));
    }
    let mark = format!("COMMENT ON SCHEMA {SCHEMA} IS '{SCHEMA_MARK}'");
    writing.run(&mark).await.map_err(cannot_make)
}

fn cannot_make(error: sqlx::Error) -> ViewError {
    if sqlstate(&error) != Some(INSUFFICIENT_PRIVILEGE) {
        return error.into();
    }
    ViewError::Unusable(format!(
        "the schema {SCHEMA} cannot be made ({error}): let the owner of the database CREATE SCHEMA {SCHEMA} \
        AUTHORIZATION the user of --database-url"
    ))
}
