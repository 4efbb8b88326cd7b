//! What people ask for, from text to a query of the log.

use muster_events::{event::Event, recorded::ActorKind, time::Timestamp};
use thiserror::Error;

use super::{LogPosition, PositionError};
use crate::store::{Incarnation, LogQuery, Order};

/// Events on a page, unless it is said otherwise.
pub const DEFAULT_LIMIT: usize = 100;
/// Events on a page, at the most.
pub const MAX_LIMIT: usize = 1_000;

/// The parameters of a query as they are given, in a URL or at the command line. Empty ones count as not given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilterText {
    /// `type`: stored types, one or several with commas between them in each.
    pub types: Vec<String>,
    /// `actor`: an id, `kind:id`, or a kind.
    pub actor: Option<String>,
    /// `from`: recorded at this time or later, RFC 3339.
    pub from: Option<String>,
    /// `to`: recorded at this time or earlier, RFC 3339.
    pub to: Option<String>,
    /// `after`: beyond this position in the direction of reading, as [`LogPosition`] is written.
    pub after: Option<String>,
    /// `limit`: at most this many, up to [`MAX_LIMIT`]; [`DEFAULT_LIMIT`] when it is not given.
    pub limit: Option<String>,
    /// `order`: `asc`, oldest first, or `desc`.
    pub order: Option<String>,
}

/// A parameter that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FilterError {
    /// It stands there twice.
    #[error("{parameter}: is given more than once")]
    Repeated {
        /// Which.
        parameter: &'static str,
    },
    /// There is no such type of event.
    #[error("type: \"{given}\" is no type of event; there are {}", known_types().join(", "))]
    UnknownType {
        /// What was given.
        given: String,
    },
    /// It names no actor.
    #[error(
        "actor: \"{given}\" names no actor: an id, kind:id or a kind is needed; there are the kinds user, integration, \
         system, import, policy and anonymous"
    )]
    NoActor {
        /// What was given.
        given: String,
    },
    /// It is no time.
    #[error(
        "{parameter}: \"{given}\" is not a time: RFC 3339 is needed, such as 2026-11-24T10:00:00Z (in a URL a + is \
         written %2B)"
    )]
    NoTime {
        /// Which.
        parameter: &'static str,
        /// What was given.
        given: String,
    },
    /// No time lies between them.
    #[error("from: is later than to")]
    Backwards,
    /// It is no position of this log.
    #[error("after: {0}")]
    After(#[source] PositionError),
    /// It is no number of events.
    #[error("limit: \"{given}\" is not a number from 1 to {MAX_LIMIT}")]
    NoLimit {
        /// What was given.
        given: String,
    },
    /// It is no order.
    #[error("order: \"{given}\" is neither asc nor desc")]
    NoOrder {
        /// What was given.
        given: String,
    },
}

impl FilterError {
    /// The parameter that is to be mended.
    pub fn parameter(&self) -> &'static str {
        match self {
            Self::Repeated { parameter } | Self::NoTime { parameter, .. } => parameter,
            Self::UnknownType { .. } => "type",
            Self::NoActor { .. } => "actor",
            Self::Backwards => "from",
            Self::After(_) => "after",
            Self::NoLimit { .. } => "limit",
            Self::NoOrder { .. } => "order",
        }
    }
}

impl FilterText {
    /// Takes the parameter `name`. False when it is none of these, so that the caller can take it or refuse it.
    pub fn set(&mut self, name: &str, value: &str) -> Result<bool, FilterError> {
        let (parameter, place) = match name {
            "type" => {
                self.types.push(value.into());
                return Ok(true);
            }
            "actor" => ("actor", &mut self.actor),
            "from" => ("from", &mut self.from),
            "to" => ("to", &mut self.to),
            "after" => ("after", &mut self.after),
            "limit" => ("limit", &mut self.limit),
            "order" => ("order", &mut self.order),
            _ => return Ok(false),
        };
        if place.replace(value.into()).is_some() {
            return Err(FilterError::Repeated { parameter });
        }
        Ok(true)
    }

    /// The query; of which organization or stream, the caller adds. `present` is the incarnation of the log.
    pub fn query(&self, present: Incarnation) -> Result<LogQuery, FilterError> {
        let (actor_kind, actor_id) = given(self.actor.as_ref()).map_or(Ok((None, None)), actor)?;
        let (from, to) = (time("from", self.from.as_ref())?, time("to", self.to.as_ref())?);
        if let (Some(from), Some(to)) = (from, to)
            && from > to
        {
            return Err(FilterError::Backwards);
        }
        let after = given(self.after.as_ref()).map(|text| LogPosition::parse(text, present));
        Ok(LogQuery {
            organization: None,
            stream: None,
            streams: vec![],
            types: types(&self.types)?,
            actor_kind,
            actor_id,
            person: None,
            from,
            to,
            after: after.transpose().map_err(FilterError::After)?.map(|after| after.position),
            up_to: None,
            limit: self.limit.as_deref().map_or(Ok(DEFAULT_LIMIT), limit)?,
            order: given(self.order.as_ref()).map_or(Ok(Order::Ascending), order)?,
        })
    }
}

fn given(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).filter(|text| !text.is_empty())
}

/// As much of `text` as an error repeats.
fn start_of(text: &str) -> String {
    text.chars().take(80).collect()
}

fn known_types() -> Vec<&'static str> {
    Event::stored_types().map(|(_, name, _)| name).collect()
}

/// Each type once, however often it is given.
fn types(texts: &[String]) -> Result<Vec<String>, FilterError> {
    let (known, mut types) = (known_types(), Vec::new());
    for name in texts.iter().flat_map(|text| text.split(',')).map(str::trim).filter(|name| !name.is_empty()) {
        if !known.contains(&name) {
            return Err(FilterError::UnknownType { given: start_of(name) });
        }
        if !types.iter().any(|other| other == name) {
            types.push(name.to_owned());
        }
    }
    Ok(types)
}

/// Ids of persons and organizations are numbers; any other id needs its kind before it, so that a misspelt kind is an
/// error and not an empty answer.
fn actor(text: &str) -> Result<(Option<ActorKind>, Option<String>), FilterError> {
    let no_actor = || FilterError::NoActor { given: start_of(text) };
    if let Some((kind, id)) = text.split_once(':') {
        let kind = kind.parse().map_err(|_| no_actor())?;
        return if id.is_empty() { Err(no_actor()) } else { Ok((Some(kind), Some(id.into()))) };
    }
    if let Ok(kind) = text.parse() {
        return Ok((Some(kind), None));
    }
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { Ok((None, Some(text.into()))) } else { Err(no_actor()) }
}

fn time(parameter: &'static str, text: Option<&String>) -> Result<Option<Timestamp>, FilterError> {
    let read =
        |text: &str| text.parse().map_err(|_| FilterError::NoTime { parameter, given: start_of(text) });
    given(text).map(read).transpose()
}

fn limit(text: &str) -> Result<usize, FilterError> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|number| digits && (1..=MAX_LIMIT).contains(number));
    number.ok_or_else(|| FilterError::NoLimit { given: start_of(text) })
}

fn order(text: &str) -> Result<Order, FilterError> {
    match text {
        "asc" => Ok(Order::Ascending),
        "desc" => Ok(Order::Descending),
        _ => Err(FilterError::NoOrder { given: start_of(text) }),
    }
}

#[cfg(test)]
#[path = "query_tests.rs"]
mod tests;
