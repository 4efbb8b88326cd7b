//! Points in time, UTC, to the microsecond.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Microseconds since 1970-01-01T00:00:00Z. In text and JSON: RFC 3339 with six digits, always `Z`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(i64);

/// One day in microseconds.
const DAY: i64 = 86_400_000_000;

impl Timestamp {
    /// From microseconds since the epoch; an error outside the years -9999 to 9999.
    pub fn from_micros(micros: i64) -> Result<Self, jiff::Error> {
        jiff::Timestamp::from_microsecond(micros).map(|_| Self(micros))
    }

    /// Microseconds since the epoch.
    pub fn as_micros(self) -> i64 {
        self.0
    }

    /// The same time `days` days of 24 hours later; stays where it is when that leaves the calendar.
    pub fn plus_days(self, days: i64) -> Self {
        Self::from_micros(self.0.saturating_add(days.saturating_mul(DAY))).unwrap_or(self)
    }

    /// The same time this much later; stays where it is when that leaves the calendar.
    pub fn plus(self, duration: std::time::Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self::from_micros(self.0.saturating_add(micros)).unwrap_or(self)
    }

    /// The number of the UTC day, counted from the epoch: the bucket of a daily limit.
    pub fn day(self) -> i64 {
        self.0.div_euclid(DAY)
    }
}

impl From<jiff::Timestamp> for Timestamp {
    /// Cuts to whole microseconds.
    fn from(time: jiff::Timestamp) -> Self {
        Self(time.as_microsecond())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = jiff::Timestamp::from_microsecond(self.0).map_err(|_| fmt::Error)?;
        write!(out, "{time:.6}")
    }
}

impl FromStr for Timestamp {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        text.parse::<jiff::Timestamp>().map(Self::from)
    }
}

impl TryFrom<String> for Timestamp {
    type Error = jiff::Error;

    fn try_from(text: String) -> Result<Self, jiff::Error> {
        text.parse()
    }
}

impl From<Timestamp> for String {
    fn from(time: Timestamp) -> String {
        time.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn text_is_rfc_3339_with_six_digits() {
        let time: Timestamp = "2026-11-24T11:00:00.123456789+01:00".parse().unwrap();
        assert_eq!(time.to_string(), "2026-11-24T10:00:00.123456Z");
        assert_eq!(Timestamp::from_micros(0).unwrap().to_string(), "1970-01-01T00:00:00.000000Z");
    }

    #[test]
    fn days_are_utc_days_of_the_epoch() {
        let time: Timestamp = "1970-01-02T23:59:59Z".parse().unwrap();
        assert_eq!(time.day(), 1);
        assert_eq!(time.plus_days(30).day(), 31);
    }
}
