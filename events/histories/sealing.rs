//! A seal that hides nothing, for tests.

use std::convert::Infallible;

use crate::{
    event::Event,
    personal::{Envelope, Personal, PersonalText, PersonalVisitor},
};

struct Sealer {
    event_type: &'static str,
}

impl PersonalVisitor for Sealer {
    type Error = Infallible;

    fn visit<T: PersonalText>(&mut self, field: &str, value: &mut Personal<T>) -> Result<(), Infallible> {
        if let Personal::Open { value: open, hash } = value {
            let sealed = open.as_text().chars().rev().collect();
            let sealed_for = format!("{}.{field}", self.event_type).into();
            *value = Personal::Sealed(Envelope { key: "k1".into(), sealed_for, sealed, hash: hash.clone() });
        }
        Ok(())
    }
}

/// The event with all its personal values sealed.
pub(super) fn sealed(mut event: Event) -> Event {
    let mut sealer = Sealer { event_type: event.event_type() };
    let Ok(()) = event.visit_personal(&mut sealer);
    event
}
