//! What is asked about tokens.

use muster_events::{id::TokenId, roles::ScopeSet, stream::Sequence, time::Timestamp, token::TokenOwner};

use crate::{
    database::Query,
    error::ViewError,
    read::{Cells, Listed, Page},
    views::Views,
};

/// A token.
#[derive(Debug, Clone, PartialEq)]
pub struct TokenRow {
    /// Its id.
    pub id: TokenId,
    /// The sequence of the last event that this row shows.
    pub sequence: Sequence,
    /// Whose it is.
    pub owner: TokenOwner,
    /// What it is limited to; none for no limit.
    pub scopes: Option<ScopeSet>,
    /// Whether it cannot be used any more.
    pub revoked: bool,
    /// When it was issued.
    pub created_at: Timestamp,
}

impl TokenRow {
    fn read(cells: Cells<'_>) -> Result<Self, ViewError> {
        let owner = match cells.optional_id("user_id")? {
            Some(user) => TokenOwner::User(user),
            None => TokenOwner::Organization(cells.id("organization_id")?),
        };
        Ok(Self {
            id: cells.id("id")?,
            sequence: cells.sequence("sequence")?,
            owner,
            scopes: cells.optional_json("scopes")?,
            revoked: cells.flag("revoked")?,
            created_at: cells.time("created_at")?,
        })
    }
}

const COLUMNS: &str = "id, user_id, organization_id, scopes, revoked, created_at, sequence";

/// All tokens, revoked ones included, by id.
pub async fn list(views: &Views, page: Page) -> Result<Listed<TokenRow>, ViewError> {
    let sql = format!("SELECT {COLUMNS} FROM tokens ORDER BY id LIMIT $2 OFFSET $1");
    read(views, Query::new(sql).bind(page.offset).bind(page.probe()), page).await
}

/// The tokens of one owner, revoked ones included, by id.
pub async fn list_of(views: &Views, owner: TokenOwner, page: Page) -> Result<Listed<TokenRow>, ViewError> {
    let column = match owner {
        TokenOwner::User(_) => "user_id",
        TokenOwner::Organization(_) => "organization_id",
    };
    let sql = format!("SELECT {COLUMNS} FROM tokens WHERE {column} = $3 ORDER BY id LIMIT $2 OFFSET $1");
    let query = Query::new(sql).bind(page.offset).bind(page.probe());
    let query = match owner {
        TokenOwner::User(user) => query.bind(user),
        TokenOwner::Organization(organization) => query.bind(organization),
    };
    read(views, query, page).await
}

async fn read(views: &Views, query: Query, page: Page) -> Result<Listed<TokenRow>, ViewError> {
    let rows = views.readers().rows(&query).await?;
    let rows = rows.iter().map(|row| TokenRow::read(Cells(row))).collect::<Result<_, _>>()?;
    Ok(page.cut(rows))
}
