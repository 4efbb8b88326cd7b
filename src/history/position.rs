//! A position as it is given to clients and read back: with the incarnation of the log that it belongs to.

use std::fmt;

use muster_events::stream::Position;
use serde::{Serialize, Serializer};
use thiserror::Error;

use crate::store::Incarnation;

/// A position of one incarnation of the log, in text `<8 hex of the incarnation>-<position>`: `Muster-Position`,
/// `at_least`, `Last-Event-ID`, `next`, `after`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogPosition {
    /// Of which incarnation.
    pub incarnation: Incarnation,
    /// Which position.
    pub position: Position,
}

/// A text that is no position of the log as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PositionError {
    /// It is no position at all.
    #[error(
        "\"{0}\" is not a position: a number is needed, or 8 hexadecimal digits, \"-\" and a number, as it was answered"
    )]
    Malformed(String),
    /// It is one of another incarnation: what stands there now is something else.
    #[error(
        "position {given} is of another incarnation of the log than the present one, {present}: the log was restored \
         to an earlier state since; start again without it"
    )]
    OtherIncarnation {
        /// What was given.
        given: LogPosition,
        /// What the log is now.
        present: Incarnation,
    },
}

impl LogPosition {
    /// Reads a position of the log whose incarnation is `present`. A bare number is one of `present`.
    pub fn parse(text: &str, present: Incarnation) -> Result<Self, PositionError> {
        let malformed = || PositionError::Malformed(text.chars().take(40).collect());
        let (incarnation, number) = match text.split_once('-') {
            Some((incarnation, number)) => (incarnation_of(incarnation).ok_or_else(malformed)?, number),
            None => (present, text),
        };
        let digits = number.bytes().all(|byte| byte.is_ascii_digit());
        let number = number.parse().ok().filter(|_| digits).ok_or_else(malformed)?;
        let given = Self { incarnation, position: Position(number) };
        if incarnation == present {
            Ok(given)
        } else {
            Err(PositionError::OtherIncarnation { given, present })
        }
    }
}

/// Exactly eight hexadecimal digits; the standard library's reader takes fewer of them, and a sign.
fn incarnation_of(text: &str) -> Option<Incarnation> {
    let eight = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    text.parse().ok().filter(|_| eight)
}

impl fmt::Display for LogPosition {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}", self.incarnation, self.position)
    }
}

impl Serialize for LogPosition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use muster_events::stream::Position;

    use super::{LogPosition, PositionError};
    use crate::store::Incarnation;

    const PRESENT: Incarnation = Incarnation(0x0000_ab12);

    #[test]
    fn a_position_is_read_back_from_its_text() {
        for number in [0, 1, 1042, u64::MAX] {
            let position = LogPosition { incarnation: PRESENT, position: Position(number) };
            assert_eq!(position.to_string(), format!("0000ab12-{number}"));
            assert_eq!(LogPosition::parse(&position.to_string(), PRESENT), Ok(position));
            assert_eq!(LogPosition::parse(&number.to_string(), PRESENT), Ok(position), "as a bare number");
            assert_eq!(serde_json::to_value(position).unwrap(), position.to_string());
        }
        assert!(LogPosition::parse("0000AB12-7", PRESENT).is_ok());
    }

    #[test]
    fn a_position_of_another_incarnation_is_an_error_that_names_both() {
        let error = LogPosition::parse("0000ab13-7", PRESENT).unwrap_err();
        assert!(matches!(error, PositionError::OtherIncarnation { present: PRESENT, .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.contains("0000ab13-7") && text.contains("0000ab12"), "{text}");
    }

    #[test]
    fn what_is_no_position_is_refused() {
        let long = "9".repeat(10_000);
        for text in [
            "",
            "-",
            "-7",
            "+7",
            " 7",
            "7 ",
            "1e3",
            "0x7",
            "ab12-7",
            "0000ab12-",
            "0000ab12",
            "0000ab12-+7",
            "+000ab12-7",
            "0000ab12--7",
            "0000ab12-7-7",
            "0000ab1g-7",
            "18446744073709551616",
            "\u{0}",
            "７",
            &long,
        ] {
            let error = LogPosition::parse(text, PRESENT).unwrap_err();
            assert!(matches!(error, PositionError::Malformed(_)), "{text:?}: {error:?}");
            assert!(error.to_string().len() < 300, "the whole of a long text is repeated");
        }
    }
}
