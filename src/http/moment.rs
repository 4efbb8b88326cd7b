//! When a read is of: now, from the read models, or a past moment (`as_of`), from the log.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue, header};
use muster_events::{
    refusal::Refusal,
    stream::{Position, Sequence, StreamId},
    time::Timestamp,
};
use muster_projections::views::Views;

use super::{
    access::{self, Access},
    app::App,
    consistency::{await_views, headers_at},
    idempotency::etag,
    names,
    params::Params,
    problem::Problem,
};
use crate::{
    history::{Moment, Past, PastError},
    ledger::{Caller, ExecuteError, Failure},
    subscription::Status,
};

/// What a read is of.
#[derive(Debug)]
pub(super) struct Seen {
    /// Whoever looks, with the organization and the roles as they were then. What he may do is what he may do now.
    pub(super) access: Access,
    /// The rows.
    pub(super) views: Views,
    /// What counts as now: whether an invitation has expired, say.
    pub(super) now: Timestamp,
    /// Whether it is a past moment. What concerns other organizations is not known of it.
    pub(super) is_past: bool,
    /// How the views stood before they are read; none where the past is.
    standing: Option<Status>,
    headers: HeaderMap,
}

/// Lets the caller look at the moment that he asks for, when he has any of the scopes `needs` in the organization that the
/// path names; at the past of one that has ended, as a superuser. `models` is what the answer is read from.
pub(super) async fn enter(
    app: &App,
    caller: &Caller,
    organization: &str,
    params: &Params,
    (needs, restricted_may): (&[&str], bool),
    models: &[&str],
) -> Result<Seen, Problem> {
    let access = if params.get("as_of").is_some() {
        access::enter_past(app, caller, organization, needs, restricted_may).await?
    } else {
        access::enter(app, caller, organization, needs, restricted_may).await?
    };
    Seen::of(app, access, params, models).await
}

impl Seen {
    /// The moment that the request asks for: the present, once the views have reached what it wants, or the past.
    pub(super) async fn of(
        app: &App,
        access: Access,
        params: &Params,
        models: &[&str],
    ) -> Result<Self, Problem> {
        if let Some(as_of) = params.get("as_of") {
            return Self::past(app, access, as_of).await;
        }
        await_views(app, params).await?;
        let standing = app.read_models.status();
        let headers = headers_at(app, &standing, standing.stale_for(Some(access.id), models));
        let (views, now) = (app.views().clone(), app.ledger.clock().now());
        Ok(Self { access, views, now, is_past: false, standing: Some(standing), headers })
    }

    /// What was read has nothing of other members and accounts than `persons`: what is missing of others does not make it
    /// incomplete.
    pub(super) fn is_of(&mut self, app: &App, persons: &[StreamId], models: &[&str]) {
        if let Some(standing) = &self.standing {
            let stale = standing.stale_for_persons(Some(self.access.id), models, persons);
            self.headers = headers_at(app, standing, stale);
        }
    }

    async fn past(app: &App, access: Access, as_of: &str) -> Result<Self, Problem> {
        let (past, now) = past(app, &access, "as_of", as_of).await?;
        let there = past.organization.clone().zip(past.roles.clone());
        let (organization, roles) = there.ok_or(Refusal::NotFound)?;
        let access = Access { organization, roles, ..access };
        let mut headers = HeaderMap::new();
        headers.insert(names::POSITION, HeaderValue::from(past.at.position.0));
        if let Some(stale) = past.complete_to
            && let Ok(value) = HeaderValue::from_str(&stale.to_string())
        {
            headers.insert(names::STALE, value);
        }
        Ok(Self { access, views: past.views.clone(), now, is_past: true, standing: None, headers })
    }

    /// The headers of the answer. What was read of the past is no state that a change can be made conditional on.
    pub(super) fn headers(self, sequence: Option<Sequence>) -> HeaderMap {
        let mut headers = self.headers;
        let tag = sequence.filter(|_| !self.is_past).and_then(|sequence| etag(sequence).parse().ok());
        if let Some(tag) = tag {
            headers.insert(header::ETAG, tag);
        }
        headers
    }
}

/// The organization at the moment that the parameter `name` asks for, and what counts as now there.
async fn past(app: &App, access: &Access, name: &str, text: &str) -> Result<(Arc<Past>, Timestamp), Problem> {
    let (position, time) = position(app, name, text).await?;
    let past = app.history.past(access.id, position).await.map_err(|error| wrong(name, error))?;
    let now = time.or(past.recorded_at).unwrap_or_else(|| app.ledger.clock().now());
    Ok((past, now))
}

/// The position of the moment that the parameter `name` asks for, and its time where it is one.
pub(super) async fn position(
    app: &App,
    name: &str,
    text: &str,
) -> Result<(Position, Option<Timestamp>), Problem> {
    let moment = Moment::parse(text, app.ledger.store().incarnation());
    let moment = moment.map_err(|error| wrong(name, error.into()))?;
    let position = app.history.position_at(moment, app.ledger.clock().now()).await;
    let time = if let Moment::Time(time) = moment { Some(time) } else { None };
    Ok((position.map_err(|error| wrong(name, error))?, time))
}

/// Why a past moment cannot be shown; `name` is the parameter that names it.
pub(super) fn wrong(name: &str, error: PastError) -> Problem {
    match error {
        PastError::Moment(error) => Problem::parameter(name, error.to_string()),
        PastError::Store(error) => ExecuteError::from(error).into(),
        PastError::Sealing(error) => Failure::from(error).into(),
        PastError::Views(error) => Problem::unavailable(&error.to_string()),
    }
}
