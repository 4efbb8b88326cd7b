//! Which part of an audit log is asked for.

use muster_events::{id::UserId, time::Timestamp};

use crate::{
    audit::Kind,
    http::{params::Params, problem::Problem},
};

/// Seconds of the units of a `statsPeriod`.
const UNITS: [(char, i64); 5] = [('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400), ('w', 604_800)];

/// Where a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cursor {
    /// At the newest entry.
    Newest,
    /// With the entry before this one.
    Before(u64),
    /// So that it ends with the entry after this one.
    After(u64),
}

/// Which entries are asked for.
#[derive(Debug, Clone)]
pub(super) struct Parts {
    /// Of this kind.
    pub(super) kind: Option<Kind>,
    /// By this person.
    pub(super) actor: Option<UserId>,
    /// Recorded at this time or later.
    pub(super) from: Option<Timestamp>,
    /// Recorded at this time or earlier.
    pub(super) to: Option<Timestamp>,
    /// Where the page begins.
    pub(super) cursor: Cursor,
    /// How many entries.
    pub(super) limit: usize,
}

impl Parts {
    /// What the parameters ask for; none where that can be nothing: a kind that does not exist (behaviour.md 11).
    pub(super) fn of(params: &Params, now: Timestamp) -> Result<Option<Self>, Problem> {
        let given = |name: &str| params.get(name).filter(|text| !text.is_empty());
        let time = |name: &str| given(name).map(|text| time(name, text)).transpose();
        let (mut from, mut to) = (time("start")?, time("end")?);
        if let Some(period) = given("statsPeriod") {
            (from, to) = (Some(since(now, period)?), None);
        }
        if from.zip(to).is_some_and(|(from, to)| from > to) {
            return Err(Problem::parameter("start", "It is later than end."));
        }
        let kind = given("event").map(Kind::by_api_name);
        Ok((kind != Some(None)).then_some(Self {
            kind: kind.flatten(),
            // What is no id is dropped (behaviour.md D28).
            actor: given("actor").and_then(|text| text.parse().ok()),
            from,
            to,
            cursor: given("cursor").map_or(Ok(Cursor::Newest), cursor)?,
            limit: usize::try_from(params.per_page()?).unwrap_or(usize::MAX),
        }))
    }
}

/// A time as clients of this wire format write it: RFC 3339, UTC where it does not say, with or without hours.
fn time(name: &str, text: &str) -> Result<Timestamp, Problem> {
    let forms = [text.to_owned(), format!("{text}Z"), format!("{text}T00:00:00Z")];
    forms.iter().find_map(|text| text.parse().ok()).ok_or_else(|| {
        Problem::parameter(
            name,
            "A time such as 2026-11-24T10:00:00Z is needed (in a URL a + is written %2B).",
        )
    })
}

/// The start of the period that ends now: a number and one of s, m, h, d, w.
fn since(now: Timestamp, text: &str) -> Result<Timestamp, Problem> {
    let malformed =
        || Problem::parameter("statsPeriod", format!("Invalid statsPeriod: '{}'", start_of(text)));
    let unit = text.chars().next_back().ok_or_else(malformed)?;
    let (_, seconds) = UNITS.into_iter().find(|(name, _)| *name == unit).ok_or_else(malformed)?;
    let digits = &text[..text.len() - unit.len_utf8()];
    let number = Some(digits).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let number = number.and_then(|digits| digits.parse::<i64>().ok()).ok_or_else(malformed)?;
    let micros = number.checked_mul(seconds).and_then(|seconds| seconds.checked_mul(1_000_000));
    let start = micros.and_then(|micros| now.as_micros().checked_sub(micros)).ok_or_else(malformed)?;
    Timestamp::from_micros(start).map_err(|_| malformed())
}

fn start_of(text: &str) -> String {
    text.chars().take(40).collect()
}

/// `<id of an entry>:0:<1 when it leads towards what is newer>`.
fn cursor(text: &str) -> Result<Cursor, Problem> {
    let malformed = || Problem::parameter("cursor", "The cursor of an earlier answer is needed.");
    let (id, direction) = text.split_once(":0:").ok_or_else(malformed)?;
    let id = Some(id).filter(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()));
    let id = id.and_then(|id| id.parse().ok()).ok_or_else(malformed)?;
    match (id, direction) {
        (0, "0") => Ok(Cursor::Newest),
        (id, "0") => Ok(Cursor::Before(id)),
        (id, "1") => Ok(Cursor::After(id)),
        _ => Err(malformed()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Cursor, cursor, since, time};

    #[test]
    fn a_period_is_a_number_and_a_unit() {
        let now = "2026-11-24T10:00:00Z".parse().unwrap();
        for (period, start) in [
            ("90s", "2026-11-24T09:58:30Z"),
            ("30m", "2026-11-24T09:30:00Z"),
            ("24h", "2026-11-23T10:00:00Z"),
            ("14d", "2026-11-10T10:00:00Z"),
            ("2w", "2026-11-10T10:00:00Z"),
        ] {
            assert_eq!(since(now, period).unwrap(), start.parse().unwrap(), "{period}");
        }
        for period in ["", "d", "14", "-1d", "1y", "1.5d", "1 d", "ß", "99999999999999999999d", "9999999999w"]
        {
            assert!(since(now, period).is_err(), "{period:?}");
        }
    }

    #[test]
    fn a_time_needs_no_zone_and_no_hours() {
        for text in ["2026-11-24T00:00:00Z", "2026-11-24T00:00:00", "2026-11-24", "2026-11-24T01:00:00+01:00"]
        {
            assert_eq!(time("start", text).unwrap(), "2026-11-24T00:00:00Z".parse().unwrap(), "{text}");
        }
        assert!(time("start", "yesterday").is_err());
    }

    #[test]
    fn a_cursor_is_an_entry_and_a_direction() {
        assert_eq!(cursor("0:0:0").unwrap(), Cursor::Newest);
        assert_eq!(cursor("42:0:0").unwrap(), Cursor::Before(42));
        assert_eq!(cursor("42:0:1").unwrap(), Cursor::After(42));
        for text in ["x", "42", "42:1:0", "42:0:2", ":0:0", "-1:0:0", "+1:0:0", "99999999999999999999:0:0"] {
            assert!(cursor(text).is_err(), "{text}");
        }
    }
}
