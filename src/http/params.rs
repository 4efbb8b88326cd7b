//! Query parameters, as pairs: an unknown one is ignored, as clients of this wire format expect; a malformed one
//! is an error that names it.

use std::{convert::Infallible, str::FromStr};

use axum::{
    extract::{FromRequestParts, Path, Query},
    http::{Uri, request::Parts},
};

use muster_events::refusal::Refusal;
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// The largest offset of a page: beyond it, a client pages for no good reason.
const MAX_OFFSET: u32 = 1_000_000;

/// The most rows of a page, and how many without asking.
pub(super) const PAGE: u32 = 100;

/// What stands in the places of a path. Text that is no text names nothing.
#[derive(Debug, Clone)]
pub(super) struct InPath<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for InPath<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::from_request_parts(parts, state).await;
        path.map(|Path(names)| Self(names)).map_err(|_| Refusal::NotFound.into())
    }
}

/// The query parameters of a request.
#[derive(Debug, Clone, Default)]
pub(super) struct Params(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Params {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.uri))
    }
}

impl Params {
    /// Those of `uri`.
    pub(super) fn of(uri: &Uri) -> Self {
        Self(Query::try_from_uri(uri).map(|Query(pairs)| pairs).unwrap_or_default())
    }

    /// Those of a read that waits for nothing.
    pub(super) fn eventual() -> Self {
        Self(vec![("consistency".into(), "eventual".into())])
    }

    /// The last value of a parameter.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All pairs.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A value of another type; `expected` says what it should be.
    pub(super) fn parse<T: FromStr>(&self, name: &str, expected: &str) -> Result<Option<T>, Problem> {
        self.get(name)
            .map(|text| text.parse().map_err(|_| Problem::parameter(name, format!("{expected} is needed."))))
            .transpose()
    }

    /// How many rows of a list.
    pub(super) fn per_page(&self) -> Result<u32, Problem> {
        let range = format!("A number from 1 to {PAGE}");
        let limit = self.parse::<u32>("per_page", &range)?.unwrap_or(PAGE);
        if !(1..=PAGE).contains(&limit) {
            return Err(Problem::parameter("per_page", format!("{range} is needed.")));
        }
        Ok(limit)
    }

    /// Which rows of a list: `per_page` and the opaque `cursor` of an earlier answer.
    pub(super) fn page(&self) -> Result<muster_projections::read::Page, Problem> {
        let limit = self.per_page()?;
        let offset = match self.get("cursor") {
            None | Some("") => 0,
            Some(cursor) => cursor_offset(cursor)
                .ok_or_else(|| Problem::parameter("cursor", "The cursor of an earlier answer is needed."))?,
        };
        Ok(muster_projections::read::Page { offset, limit })
    }
}

/// Cursors are `0:<offset>:<1 when it leads backwards>`, as clients of this wire format know them.
fn cursor_offset(cursor: &str) -> Option<u32> {
    let mut parts = cursor.split(':');
    let (value, offset, back) = (parts.next()?, parts.next()?, parts.next()?);
    let fits = parts.next().is_none() && value.parse::<u64>().is_ok() && matches!(back, "0" | "1");
    offset.parse().ok().filter(|offset| fits && *offset <= MAX_OFFSET)
}

#[cfg(test)]
mod tests {
    use super::cursor_offset;

    #[test]
    fn a_cursor_is_three_numbers() {
        assert_eq!(cursor_offset("0:100:0"), Some(100));
        for cursor in
            ["", "0", "0:1", "0:1:2", "0:-1:0", "a:1:0", "0:1:0:0", "0:99999999999:0", "0:2000000:0"]
        {
            assert_eq!(cursor_offset(cursor), None, "{cursor}");
        }
    }
}
