//! Whose a key is.

use std::{fmt, str::FromStr};

use muster_events::{
    id::{MemberId, UserId},
    member,
    stream::StreamId,
    user,
};
use thiserror::Error;

/// Whose a key is: a person with an account, or, before there is one, whoever an organization invited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A person with an account; `user:ID` as text.
    User(UserId),
    /// The person that a member row is for; `invitee:MEMBER` as text.
    Invitee(MemberId),
}

/// A text that names no subject.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("\"{0}\" is no subject: user:ID or invitee:MEMBER is needed")]
pub struct NotASubject(pub String);

impl fmt::Display for Subject {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(out, "user:{id}"),
            Self::Invitee(id) => write!(out, "invitee:{id}"),
        }
    }
}

impl FromStr for Subject {
    type Err = NotASubject;

    fn from_str(text: &str) -> Result<Self, NotASubject> {
        let subject = match text.split_once(':') {
            Some(("user", id)) => id.parse().ok().map(Self::User),
            Some(("invitee", id)) => id.parse().ok().map(Self::Invitee),
            _ => None,
        };
        subject.ok_or_else(|| NotASubject(text.chars().take(40).collect()))
    }
}

/// Who the personal values in the events of `stream` belong to; nobody, where such events hold none.
pub fn subject_of(stream: &StreamId) -> Option<Subject> {
    match stream.aggregate_type.as_str() {
        member::TYPE => stream.aggregate_id.parse().ok().map(Subject::Invitee),
        user::TYPE => stream.aggregate_id.parse().ok().map(Subject::User),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use muster_events::{
        id::{MemberId, OrganizationId, UserId},
        stream::StreamId,
    };

    use super::{Subject, subject_of};

    #[test]
    fn a_subject_is_read_back_from_its_text() {
        for subject in [Subject::User(UserId::new(7).unwrap()), Subject::Invitee(MemberId::new(8).unwrap())] {
            assert_eq!(subject.to_string().parse(), Ok(subject));
        }
        for text in ["", "user", "user:", "user:0", "user:07", "member:7", "invitee:x", "invitee:7\u{0}"] {
            assert!(text.parse::<Subject>().is_err(), "{text:?} was taken for a subject");
        }
    }

    #[test]
    fn only_member_and_user_streams_are_somebodys() {
        let member = MemberId::new(8).unwrap();
        let user = UserId::new(7).unwrap();
        assert_eq!(subject_of(&member.into()), Some(Subject::Invitee(member)));
        assert_eq!(subject_of(&user.into()), Some(Subject::User(user)));
        assert_eq!(subject_of(&OrganizationId::new(9).unwrap().into()), None);
        assert_eq!(subject_of(&StreamId::new("user", "not an id")), None);
    }
}
