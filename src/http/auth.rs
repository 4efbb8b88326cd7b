//! Who is asking: the bearer token.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};

use super::{app::App, problem::Problem};
use crate::ledger::Caller;

/// The caller, by the token that was shown. Without one, or with one that cannot be used: 401.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bearer(pub(super) Caller);

/// The secret of an `Authorization: Bearer` header.
pub(super) fn secret(headers: &HeaderMap) -> Result<&str, Problem> {
    let header = headers.get(header::AUTHORIZATION).ok_or_else(Problem::unauthenticated)?;
    let text = header.to_str().map_err(|_| Problem::invalid_token())?;
    let (scheme, secret) = text.split_once(' ').ok_or_else(Problem::unauthenticated)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(secret.trim()) } else { Err(Problem::unauthenticated()) }
}

/// The caller, where a token was shown; one that cannot be used is 401 all the same.
#[derive(Debug, Clone, Copy)]
pub(super) struct AnyBearer(pub(super) Option<Caller>);

impl FromRequestParts<App> for AnyBearer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        if !parts.headers.contains_key(header::AUTHORIZATION) {
            return Ok(Self(None));
        }
        let Bearer(caller) = Bearer::from_request_parts(parts, app).await?;
        Ok(Self(Some(caller)))
    }
}

impl FromRequestParts<App> for Bearer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let secret = secret(&parts.headers)?;
        app.ledger.identify(secret).await?.map(Self).ok_or_else(Problem::invalid_token)
    }
}
