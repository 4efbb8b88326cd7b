//! The headers that make a command safe: `Idempotency-Key` and `If-Match`.

use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use muster_events::stream::Sequence;

use super::{names, problem::Problem, refusal};
use crate::{
    ledger::{Caller, RequestKey},
    sealing::KeyRing,
};

/// The longest key.
const MAX_KEY: usize = 255;

/// The idempotency key of a request, where it has one.
pub(super) fn request_key(
    keys: &KeyRing,
    caller: &Caller,
    request: (&Method, &Uri, &HeaderMap, &[u8]),
    success: StatusCode,
) -> Result<Option<RequestKey>, Problem> {
    let (method, uri, headers, body) = request;
    let Some(key) = headers.get(names::IDEMPOTENCY_KEY) else { return Ok(None) };
    let key = key.as_bytes();
    let visible = key.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
    if key.is_empty() || key.len() > MAX_KEY || !visible {
        let text = format!("1 to {MAX_KEY} visible ASCII characters are needed.");
        return Err(Problem::parameter("Idempotency-Key", text));
    }
    let actor = caller.actor().to_string();
    let if_match = headers.get(header::IF_MATCH).map(header::HeaderValue::as_bytes).unwrap_or_default();
    let query = uri.query().unwrap_or_default().as_bytes();
    Ok(Some(RequestKey {
        key: keys.request_hash(&[b"key", actor.as_bytes(), key]),
        request: keys.request_hash(&[
            b"request",
            method.as_str().as_bytes(),
            uri.path().as_bytes(),
            query,
            if_match,
            body,
        ]),
        actor,
        success: success.as_u16(),
        refused: refusal::status_code,
    }))
}

/// The sequence that `If-Match` names; none for no condition, or for `*`.
pub(super) fn if_match(headers: &HeaderMap) -> Result<Option<Sequence>, Problem> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let sequence =
        text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).and_then(|text| text.parse().ok());
    let needed = || Problem::parameter("If-Match", "The ETag of an earlier answer, in quotes, is needed.");
    sequence.map(|sequence| Some(Sequence(sequence))).ok_or_else(needed)
}

/// The tag of a stream that stands at `sequence`: a token for writing, not for caching.
pub(super) fn etag(sequence: Sequence) -> String {
    format!("\"{sequence}\"")
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, header};
    use muster_events::stream::Sequence;

    use super::{etag, if_match};

    fn with(value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::IF_MATCH, HeaderValue::from_static(value))])
    }

    #[test]
    fn an_etag_comes_back_as_a_condition() {
        let tag = etag(Sequence(7));
        let headers = HeaderMap::from_iter([(header::IF_MATCH, HeaderValue::from_str(&tag).unwrap())]);
        assert_eq!(if_match(&headers).unwrap(), Some(Sequence(7)));
    }

    #[test]
    fn a_star_is_no_condition_and_anything_else_is_an_error() {
        assert_eq!(if_match(&HeaderMap::new()).unwrap(), None);
        assert_eq!(if_match(&with("*")).unwrap(), None);
        for tag in ["", "7", "\"x\"", "W/\"7\"", "\"1\", \"2\""] {
            assert!(if_match(&with(tag)).is_err(), "{tag}");
        }
    }
}
