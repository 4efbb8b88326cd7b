//! Everything that can go wrong with a request, as an answer: the body that clients of this wire format expect,
//! or RFC 9457 problem details for those who ask for them.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use muster_events::{refusal::Refusal, stream::Position};
use serde_json::{Value, json};

use super::{names, refusal};
use crate::ledger::{ExecuteError, Failure};

/// After how many seconds to try again what cannot be done now.
const RETRY_AFTER_SECONDS: &str = "1";

const PROBLEM_JSON: &str = "application/problem+json";

/// An answer that is no success. Boxed, because every handler's result has room for it.
#[derive(Debug, Clone)]
pub(super) struct Problem(Box<Parts>);

#[derive(Debug, Clone)]
pub(super) struct Parts {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) title: String,
    /// Null for no body.
    pub(super) body: Value,
    pub(super) headers: HeaderMap,
}

impl Problem {
    /// A problem whose body is `{"detail": text}`.
    pub(super) fn new(status: StatusCode, code: &'static str, text: impl Into<String>) -> Self {
        let title = text.into();
        let body = json!({ "detail": title });
        Self::of(Parts { status, code, title, body, headers: HeaderMap::new() })
    }

    fn of(parts: Parts) -> Self {
        Self(Box::new(parts))
    }

    /// One query parameter or header is wrong.
    pub(super) fn parameter(name: &str, text: impl Into<String>) -> Self {
        let text = text.into();
        let mut problem = Self::new(StatusCode::BAD_REQUEST, "invalid_parameter", format!("{name}: {text}"));
        problem.0.body = json!({ name: [text] });
        problem
    }

    pub(super) fn unauthenticated() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "not_authenticated",
            "Authentication credentials were not provided.",
        )
        .with(header::WWW_AUTHENTICATE, "Bearer realm=\"api\"")
    }

    pub(super) fn invalid_token() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid_token", "Invalid token")
            .with(header::WWW_AUTHENTICATE, "Bearer realm=\"api\", error=\"invalid_token\"")
    }

    /// Not now; nothing was changed, or the change is found again by its idempotency key.
    pub(super) fn unavailable(why: &str) -> Self {
        tracing::warn!(why, "a request could not be carried out");
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "The ledger is not available at the moment.",
        )
        .with(header::RETRY_AFTER, RETRY_AFTER_SECONDS)
    }

    /// What is stored is not what this program wrote.
    pub(super) fn damaged(why: &str) -> Self {
        tracing::error!(why, "the ledger is damaged; run `muster doctor`");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "damaged",
            "The ledger is damaged; the operator has been told.",
        )
    }

    /// Less at once may be taken.
    fn too_large(why: &str) -> Self {
        tracing::warn!(why, "a request was refused");
        let text = "This is more than the ledger takes at once. Ask for less, or in several requests.";
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large_at_once", text)
    }

    /// What was made before had a secret that is not kept.
    pub(super) fn shown_once() -> Self {
        let text = "The secret was shown once, when this Idempotency-Key was used first; it is not kept.";
        Self::new(StatusCode::CONFLICT, "secret_shown_once", text)
    }

    pub(super) fn with_headers(mut self, headers: HeaderMap) -> Self {
        self.0.headers.extend(headers);
        self
    }

    pub(super) fn with(mut self, name: header::HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.0.headers.insert(name, value);
        }
        self
    }
}

impl From<Refusal> for Problem {
    fn from(refused: Refusal) -> Self {
        let (status, body) = refusal::answer(&refused);
        let title = refusal::statement(&refused);
        Self::of(Parts { status, code: refused.code(), title, body, headers: HeaderMap::new() })
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(refused) => refused.into(),
            Failure::Unauthenticated => Self::invalid_token(),
            Failure::Busy => Self::unavailable(&failure.to_string()),
            Failure::Store(error) => ExecuteError::from(error).into(),
            Failure::Sealing(error) => ExecuteError::from(error).into(),
        }
    }
}

impl From<ExecuteError> for Problem {
    fn from(error: ExecuteError) -> Self {
        match error {
            ExecuteError::Refused { refusal, position, replayed } => {
                let mut problem = Self::from(refusal);
                problem.0.headers = refused_headers(position, replayed);
                problem
            }
            ExecuteError::Unauthenticated => Self::invalid_token(),
            ExecuteError::KeyOfAnother => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_key_reused",
                "This Idempotency-Key was used for another request.",
            ),
            ExecuteError::Unavailable(why) => Self::unavailable(&why),
            ExecuteError::Damaged(why) => Self::damaged(&why),
            ExecuteError::TooLarge(why) => Self::too_large(&why),
        }
    }
}

/// The position is completed to its wire form by the layer that knows the incarnation.
fn refused_headers(position: Position, replayed: bool) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(names::POSITION, HeaderValue::from(position.0));
    if replayed {
        headers.insert(names::REPLAYED, HeaderValue::from_static("true"));
    }
    headers
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Parts { status, body, headers, .. } = &*self.0;
        let mut response = if body.is_null() {
            status.into_response()
        } else {
            (*status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
        };
        response.headers_mut().extend(headers.clone());
        response.extensions_mut().insert(self);
        response
    }
}

/// Gives the answers of the framework itself (wrong method, unknown path, body too large, ...) the form of all
/// others, and gives problem details to those who ask for them.
pub(super) async fn negotiate<F: Future<Output = Response>>(
    request: Request,
    answer: impl FnOnce(Request) -> F,
) -> Response {
    let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let wants_details = accept.is_some_and(|accept| accept.contains(PROBLEM_JSON));
    let mut response = answer(request).await;
    let problem = match response.extensions_mut().remove::<Problem>() {
        Some(problem) => problem,
        None => match plain(&response) {
            Some(problem) => problem,
            None => return response,
        },
    };
    if !wants_details {
        return problem.into_response();
    }
    let problem = *problem.0;
    let mut body = json!({
        "type": format!("urn:muster:problem:{}", problem.code),
        "title": problem.title,
        "status": problem.status.as_u16(),
        "code": problem.code,
    });
    if let Value::Object(fields) = &problem.body
        && problem.code == "invalid_fields"
    {
        body["errors"] = Value::Object(fields.clone());
    }
    let mut response =
        (problem.status, [(header::CONTENT_TYPE, PROBLEM_JSON)], body.to_string()).into_response();
    response.headers_mut().extend(problem.headers);
    response
}

/// An error that did not come from a handler of ours, which always answer JSON.
fn plain(response: &Response) -> Option<Problem> {
    let status = response.status();
    let is_json = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.to_str().is_ok_and(|kind| kind.contains("json")));
    if is_json || !(status.is_client_error() || status.is_server_error()) {
        return None;
    }
    let (code, text) = match status {
        StatusCode::NOT_FOUND => ("not_found", "The requested resource does not exist"),
        StatusCode::METHOD_NOT_ALLOWED => ("method_not_allowed", "Method not allowed."),
        StatusCode::PAYLOAD_TOO_LARGE => ("body_too_large", "The request body is too large."),
        StatusCode::REQUEST_TIMEOUT | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            return Some(Problem::unavailable("the request took too long, or there are too many"));
        }
        StatusCode::INTERNAL_SERVER_ERROR => ("internal_error", "Internal error"),
        _ => ("bad_request", "The request cannot be read."),
    };
    let mut problem = Problem::new(status, code, text);
    if let Some(allow) = response.headers().get(header::ALLOW) {
        problem.0.headers.insert(header::ALLOW, allow.clone());
    }
    Some(problem)
}

#[cfg(test)]
mod tests {
    use axum::http::{StatusCode, header};

    use super::Problem;
    use crate::{ledger::ExecuteError, store::StoreError};

    /// Who asks for too much is not told to come again with the same.
    #[test]
    fn what_is_too_large_for_the_log_is_refused_and_what_is_down_is_not() {
        let told = |error: StoreError| Problem::from(ExecuteError::from(error)).0;
        let refused = told(StoreError::TooLarge("MaxAppendSize".into()));
        assert_eq!((refused.status, refused.code), (StatusCode::PAYLOAD_TOO_LARGE, "too_large_at_once"));
        assert!(!refused.headers.contains_key(header::RETRY_AFTER));
        let down = told(StoreError::Unavailable("down".into()));
        assert_eq!(down.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(down.headers.contains_key(header::RETRY_AFTER));
    }
}
