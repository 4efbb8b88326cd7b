//! A bearer token, as it is listed and issued: the keys of an import file, with its id and the time of its issue.

use muster_events::{
    id::TokenId,
    roles::ScopeSet,
    time::Timestamp,
    token::{ApiToken, TokenOwner},
};
use muster_projections::tokens::TokenRow;
use serde::Serialize;
use utoipa::ToSchema;

/// A token without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Token {
    id: String,
    /// The person whose token it is
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    /// The organization whose own token it is
    #[serde(skip_serializing_if = "Option::is_none")]
    organization: Option<String>,
    /// What it is limited to; null for no limit
    #[schema(required, value_type = Option<Vec<String>>)]
    scopes: Option<ScopeSet>,
    revoked: bool,
    #[schema(value_type = String, format = DateTime)]
    date_created: Timestamp,
}

/// A token that was issued just now.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct IssuedToken {
    #[serde(flatten)]
    shown: Token,
    /// The secret; it is shown this once
    token: String,
}

impl From<&TokenRow> for Token {
    fn from(row: &TokenRow) -> Self {
        let (user, organization) = match row.owner {
            TokenOwner::User(user) => (Some(user.to_string()), None),
            TokenOwner::Organization(organization) => (None, Some(organization.to_string())),
        };
        let (scopes, revoked, date_created) = (row.scopes.clone(), row.revoked, row.created_at);
        Self { id: row.id.to_string(), user, organization, scopes, revoked, date_created }
    }
}

/// The token that was issued, with its secret. None where there is no such token.
pub(in crate::http) fn issued(id: TokenId, token: &ApiToken, secret: String) -> Option<IssuedToken> {
    let row = TokenRow {
        id,
        sequence: muster_events::stream::Sequence::ZERO,
        owner: token.owner?,
        scopes: token.scopes.clone(),
        revoked: token.revoked,
        created_at: token.created_at,
    };
    Some(IssuedToken { shown: Token::from(&row), token: secret })
}
