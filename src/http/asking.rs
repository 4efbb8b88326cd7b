//! A command as it was sent: who asks, with which headers. What all commands do around what they are about.

use axum::{
    extract::{FromRequestParts, OriginalUri},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header, request::Parts},
};
use muster_events::stream::{Position, Sequence};

use super::{
    app::App,
    auth::Bearer,
    idempotency::{etag, if_match, request_key},
    names,
    problem::Problem,
    request::About,
};
use crate::ledger::{Caller, Operation, Outcome, Turn};

/// A command as it was sent, without its body.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) caller: Caller,
    pub(super) about: About,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
}

/// How a command ended that succeeded.
#[derive(Debug)]
pub(super) struct Ended {
    /// The id of what it was about.
    pub(super) resource: String,
    position: Position,
    replayed: bool,
}

impl FromRequestParts<App> for Asking {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Bearer(caller) = Bearer::from_request_parts(parts, app).await?;
        let Ok(about) = About::from_request_parts(parts, app).await;
        let Ok(OriginalUri(uri)) = OriginalUri::from_request_parts(parts, app).await;
        Ok(Self { caller, about, method: parts.method.clone(), uri, headers: parts.headers.clone() })
    }
}

impl Asking {
    /// The condition under which it is to be carried out.
    pub(super) fn if_match(&self) -> Result<Option<Sequence>, Problem> {
        if_match(&self.headers)
    }

    /// Waits for its turn among the requests with the same idempotency key; `success` is the status of its success.
    pub(super) async fn begin(&self, app: &App, body: &[u8], success: StatusCode) -> Result<Turn, Problem> {
        let request = (&self.method, &self.uri, &self.headers, body);
        let key = request_key(app.ledger.keys(), &self.caller, request, success)?;
        Ok(app.ledger.begin(key).await)
    }

    /// Carries it out, exactly once for one idempotency key; `success` is the status of its success.
    pub(super) async fn carry_out<O: Operation>(
        &self,
        app: &App,
        body: &[u8],
        success: StatusCode,
        operation: &O,
    ) -> Result<Ended, Problem> {
        let turn = self.begin(app, body, success).await?;
        Ok(match app.ledger.execute(operation, &self.about.meta(self.caller), turn).await? {
            Outcome::Done(executed) => Ended {
                resource: operation.resource(&executed.answer).unwrap_or_default(),
                position: executed.position,
                replayed: false,
            },
            Outcome::Replayed(repeated) => Ended {
                resource: repeated.resource.unwrap_or_default(),
                position: repeated.position,
                replayed: true,
            },
        })
    }
}

impl Ended {
    /// Whether an earlier request with the same idempotency key did it.
    pub(super) fn is_repetition(&self) -> bool {
        self.replayed
    }

    /// The headers of the answer; `sequence` is that of the resource, where it is shown.
    pub(super) fn headers(&self, sequence: Option<Sequence>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(names::POSITION, HeaderValue::from(self.position.0));
        if self.replayed {
            headers.insert(names::REPLAYED, HeaderValue::from_static("true"));
        }
        if let Some(Ok(tag)) = sequence.map(|sequence| etag(sequence).parse()) {
            headers.insert(header::ETAG, tag);
        }
        headers
    }
}
