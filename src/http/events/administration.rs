//! GET `events/`, the history of the whole deployment, and `users/{user}/events/`, that of an account.

use std::sync::Arc;

use async_trait::async_trait;
use axum::{extract::State, http::HeaderMap, response::Response};
use muster_events::{refusal::Refusal, stream::StreamId, user::User};

use super::list::{Told, tell};
use crate::{
    history::{Sight, Viewer},
    http::{
        app::App,
        auth,
        described::{Filter, OfUser, Resuming},
        params::{InPath, Params},
        problem::Problem,
        users::named,
    },
    store::LogQuery,
};

/// The history of the deployment
///
/// Every event of every organization, account and token. As that of an organization. For superusers.
#[utoipa::path(
    get,
    path = "/api/0/events/",
    tag = "history",
    params(Filter, Resuming),
    responses(
        (status = 200, description = "A page: `{\"events\": [...], \"next\": ...}`", body = serde_json::Value),
        (status = 400, description = "A parameter is malformed"),
        (status = 401, description = "No token, or one that cannot be used"),
        (status = 403, description = "The requester is no superuser"),
        (status = 503, description = "Not available at the moment"),
    )
)]
pub(in crate::http) async fn of_deployment(
    State(app): State<App>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Problem> {
    let secret = auth::secret(&headers)?.to_owned();
    let superuser = Superuser { app: app.clone(), secret };
    let sight = superuser.enter().await?;
    let told = Told { of: LogQuery::default(), sight, viewer: Arc::new(superuser) };
    tell(&app, told, &headers, &params).await
}

/// The history of an account
///
/// As that of an organization. Everybody's own, and every one for superusers.
#[utoipa::path(
    get,
    path = "/api/0/users/{user}/events/",
    tag = "history",
    params(OfUser, Filter, Resuming),
    responses(
        (status = 200, description = "A page: `{\"events\": [...], \"next\": ...}`", body = serde_json::Value),
        (status = 400, description = "A parameter is malformed"),
        (status = 401, description = "No token, or one that cannot be used"),
        (status = 403, description = "It is not the requester's own account"),
        (status = 404, description = "There is no such account"),
        (status = 503, description = "Not available at the moment"),
    )
)]
pub(in crate::http) async fn of_user(
    State(app): State<App>,
    InPath(user): InPath<String>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Problem> {
    let secret = auth::secret(&headers)?.to_owned();
    let reader = OfAccount { app: app.clone(), secret, user };
    let (stream, sight) = reader.enter().await?;
    let of = LogQuery { stream: Some(stream), ..LogQuery::default() };
    tell(&app, Told { of, sight, viewer: Arc::new(reader) }, &headers, &params).await
}

/// Somebody who reads everything.
#[derive(Debug)]
struct Superuser {
    app: App,
    secret: String,
}

impl Superuser {
    async fn enter(&self) -> Result<Sight, Problem> {
        let caller = self.app.ledger.identify(&self.secret).await?.ok_or_else(Problem::invalid_token)?;
        self.app.ledger.look().asker(&caller).await?.administer()?;
        Ok(Sight::ALL)
    }
}

#[async_trait]
impl Viewer for Superuser {
    async fn sight(&self) -> Option<Sight> {
        self.enter().await.ok()
    }
}

/// Somebody who reads the history of one account.
#[derive(Debug)]
struct OfAccount {
    app: App,
    secret: String,
    user: String,
}

impl OfAccount {
    /// Where a request came from may be somebody else's address: what a superuser did to the account stands there too.
    async fn enter(&self) -> Result<(StreamId, Sight), Problem> {
        let caller = self.app.ledger.identify(&self.secret).await?.ok_or_else(Problem::invalid_token)?;
        let requester = self.app.ledger.look().asker(&caller).await?;
        let stream = StreamId::from(requester.see_account(named(&caller, &self.user))?);
        // The history of whoever was erased is still there, as far as it says nothing of him.
        let account = self.app.ledger.state::<User>(&stream).await?.state;
        if !account.exists() && !account.erased {
            return Err(Refusal::NotFound.into());
        }
        let sight = if requester.administers() { Sight::ALL } else { Sight::WITHOUT_ORIGIN };
        Ok((stream, sight))
    }
}

#[async_trait]
impl Viewer for OfAccount {
    async fn sight(&self) -> Option<Sight> {
        self.enter().await.ok().map(|(_, sight)| sight)
    }
}
