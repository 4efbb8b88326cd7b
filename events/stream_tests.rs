//! Names of streams.

use super::{Position, Sequence, StreamId};
use crate::specification::{acme, member, user, web};

#[test]
fn a_stream_is_named_after_its_aggregate() {
    assert_eq!(StreamId::from(member(7)), StreamId::new("member", "7"));
    assert_eq!(StreamId::from(acme()).to_string(), "organization:1");
    assert_eq!(StreamId::from(web()).to_string(), "team:11");
    assert_eq!(StreamId::from(user(7)).to_string(), "user:7");
    assert_eq!(StreamId::roles().to_string(), "roles:deployment");
}

#[test]
fn the_first_index_is_one() {
    assert_eq!(Sequence::ZERO.next(), Sequence(1));
    assert_eq!(Position::default().next().to_string(), "1");
}
